/** A cell that a spreadsheet would take for a formula. A tab or a line end in front does not save it. */
const FORMULA = /^[\t\r\n ]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/;

export type Cell = string | number | null;

/**
 * A table as RFC 4180 wants it: CRLF, quotes doubled. Text that a spreadsheet would run gets an apostrophe in front,
 * which it takes for "this is text" (https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers.
 */
export function makeCsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(makeCsvCell).join(',')}\r\n`).join('');
}

/** One cell of it. */
export function makeCsvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
