/** The parts of the package that the tests use; it brings no types of its own. */
declare module 'parse-prometheus-text-format' {
  interface ParsedMetric {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly metrics: readonly { readonly value: string; readonly labels?: Readonly<Record<string, string>> }[];
  }
  function parsePrometheusTextFormat(text: string): ParsedMetric[];
  export { parsePrometheusTextFormat as default };
}
