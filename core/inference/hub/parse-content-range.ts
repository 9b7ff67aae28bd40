export interface ContentRange {
  readonly start: number;
  /** Past the last byte. */
  readonly end: number;
  /** Of the whole; null: not said. */
  readonly total: number | null;
}

/** `bytes 0-99/1000`; null for anything else, also for numbers that contradict each other. Pure. */
export function parseContentRange(header: string | undefined): ContentRange | null {
  const found = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? '');
  if (found === null) return null;
  const start = Number(found[1]);
  const end = Number(found[2]) + 1;
  const total = found[3] === '*' ? null : Number(found[3]);
  return end <= start || (total !== null && end > total) ? null : { start, end, total };
}
