/** Half-open: from the first byte to past the last. */
export type ByteRange = readonly [start: number, end: number];
/** Sorted, apart from each other, none empty. */
export type ByteRanges = readonly ByteRange[];

/** With one more range, which may overlap or touch others. Pure. */
export function addRange(ranges: ByteRanges, [start, end]: ByteRange): ByteRanges {
  if (end <= start) return ranges;
  const before = ranges.filter((one) => one[1] < start);
  const after = ranges.filter((one) => one[0] > end);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  return [...before, [Math.min(start, touching[0]?.[0] ?? start), Math.max(end, touching.at(-1)?.[1] ?? end)], ...after];
}

/** What is not in `ranges` of the first `total` bytes. Pure. */
export function missingRanges(ranges: ByteRanges, total: number): ByteRanges {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const [start, end] of ranges) {
    if (start > at) missing.push([at, Math.min(start, total)]);
    at = Math.max(at, end);
  }
  if (at < total) missing.push([at, total]);
  return missing.filter(([start, end]) => end > start);
}

export const countBytes = (ranges: ByteRanges): number => ranges.reduce((sum, [start, end]) => sum + end - start, 0);

/** Sorted, apart, within bounds: what a journal may hold. Pure. */
export function areSound(ranges: ByteRanges, total: number): boolean {
  return ranges.every(([start, end], i) => start >= 0 && end > start && end <= total && start > (ranges[i - 1]?.[1] ?? -1));
}
