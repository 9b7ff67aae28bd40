/** So many characters (UTF-16 units) of a text stand in its row; the rest lies apart. */
export const HEAD_CHARACTERS = 65_536;

/** The beginning and the rest, never cut within a character. */
export function splitText(text: string, at = HEAD_CHARACTERS): { readonly head: string; readonly rest: string } {
  if (text.length <= at) return { head: text, rest: '' };
  const last = text.charCodeAt(at - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? at - 1 : at;
  return { head: text.slice(0, end), rest: text.slice(end) };
}

/** As it can be stored and sent: no NUL (SQLite's text functions end there), no half of a character. */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes('\0') ? whole.replaceAll('\0', '\uFFFD') : whole;
}
