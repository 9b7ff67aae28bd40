/** One line of the table: what must be, how it was, from how many measurements, and how far they lie apart. */
export interface EnvironmentRow {
  readonly what: string;
  readonly must: string;
  /** Null: it could not be measured here; `why` says it. */
  readonly met: boolean | null;
  readonly measured: string;
  readonly n: number;
  readonly spread: string;
  readonly why: string | null;
  /** For programs. Milliseconds, bytes and shares as they were measured. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Samples {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
}

export function summarise(values: readonly number[]): Samples {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2, min: at(0), max: at(sorted.length - 1), n: sorted.length };
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 1000 ? 3 : 2)} s`;
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
export const spreadOf = (samples: Samples): string => `${seconds(samples.min)} – ${seconds(samples.max)}`;

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** The table for people, then one JSON object for programs. */
export function printEnvironmentRows(rows: readonly EnvironmentRow[], about: Readonly<Record<string, string | number | boolean | null>>): void {
  const heads = ['', 'what', 'must', 'measured', 'n', 'spread'];
  const cells = rows.map((row) => [row.met === null ? 'left out' : row.met ? 'met' : 'missed', row.what, row.must, row.measured, String(row.n), row.spread]);
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]?.length ?? 0)));
  for (const line of [heads, ...cells]) console.log(line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd());
  for (const row of rows) if (row.why !== null) console.log(`${row.what}: ${row.why}`);
  const plain = (values: EnvironmentRow['detail']): EnvironmentRow['detail'] => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === 'number' ? round(value) : value]));
  console.log(JSON.stringify({ bench: 'environments', about: plain(about), rows: rows.map((row) => ({ ...row, detail: plain(row.detail) })) }));
}
