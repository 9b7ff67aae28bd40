/**
 * At which character (UTF-16, never inside of one) two answers part; null: they are equal. Where one only goes on
 * longer, that is the length of the shorter. Pure.
 */
export function findParting(first: string, second: string): number | null {
  const end = Math.min(first.length, second.length);
  let at = 0;
  while (at < end && first.charCodeAt(at) === second.charCodeAt(at)) at++;
  if (at === first.length && at === second.length) return null;
  // Two different emoji may share their first half.
  const before = first.charCodeAt(at - 1);
  return at > 0 && before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}
