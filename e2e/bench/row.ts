/** One line of a benchmark's table: what was measured, what it must be, and how it was. */
export interface Row {
  readonly what: string;
  readonly must: string;
  readonly value: number;
  readonly unit: string;
  /** null: it cannot be measured on this machine; `detail.why` says why. */
  readonly ok: boolean | null;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

const round = (n: number): number => Math.round(n * 1000) / 1000;
const word = (ok: boolean | null): string => (ok === null ? 'not measured' : ok ? 'met' : 'MISSED');

/** `met`, `MISSED` or `not measured`, what it is, and its figure. */
export function describeRow(row: Row): string {
  const figure = row.ok === null ? String(row.detail['why'] ?? '') : `${String(round(row.value)).padStart(9)} ${row.unit.padEnd(4)} must ${row.must}`;
  return `${word(row.ok).padEnd(12)}  ${row.what.padEnd(86)} ${figure}`;
}

/** The table for people, then one JSON object for programs. */
export function printRows(bench: string, rows: readonly Row[]): void {
  for (const r of rows) console.log(describeRow(r));
  console.log(JSON.stringify({ bench, rows: rows.map((r) => ({ ...r, value: round(r.value), detail: Object.fromEntries(Object.entries(r.detail).map(([k, v]) => [k, typeof v === 'number' ? round(v) : v])) })) }));
}
