/** Characters that are not seen or that turn the rest of a line around: direction marks, zero-width ones, C1 controls. */
function isHidden(code: number): boolean {
  return (code >= 0x7f && code <= 0x9f) || code === 0x061c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) || code === 0xfeff;
}

/**
 * Names, paths and commands of others as they may be shown: a control character becomes its picture (␤), a character
 * that would not be seen or would turn the line around becomes �, and text that runs from right to left is kept from
 * turning its surroundings. Pure.
 */
export function plainText(text: string): string {
  let shown = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    shown += code < 0x20 ? String.fromCodePoint(0x2400 + code) : isHidden(code) ? '\ufffd' : char;
  }
  // First strong isolate … pop: what a <bdi> does, for text that stands in a sentence or an attribute.
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(shown) ? `\u2068${shown}\u2069` : shown;
}
