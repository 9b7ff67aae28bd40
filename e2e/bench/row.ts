/** One line of a benchmark's table: what was measured, what it must be, and how it was. */
export interface Row {
  readonly what: string;
  readonly must: string;
  readonly value: number;
  readonly unit: string;
  readonly ok: boolean;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

const round = (n: number): number => Math.round(n * 1000) / 1000;

/** The table for people, then one JSON object for programs. */
export function printRows(bench: string, rows: readonly Row[]): void {
  for (const r of rows) console.log(`${r.ok ? 'met   ' : 'MISSED'}  ${r.what.padEnd(86)} ${String(round(r.value)).padStart(9)} ${r.unit.padEnd(4)} must ${r.must}`);
  console.log(JSON.stringify({ bench, rows: rows.map((r) => ({ ...r, value: round(r.value), detail: Object.fromEntries(Object.entries(r.detail).map(([k, v]) => [k, typeof v === 'number' ? round(v) : v])) })) }));
}
