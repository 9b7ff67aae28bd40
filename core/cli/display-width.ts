/**
 * How many terminal cells a text takes. Wide: East Asian Wide and Fullwidth (Unicode 16, EastAsianWidth.txt, blocks
 * joined) and emoji shown as pictures. Zero: combining marks, joiners and other format characters.
 */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f], [0x231a, 0x231b], [0x2329, 0x232a], [0x2e80, 0x303e], [0x3041, 0x33ff], [0x3400, 0x4dbf], [0x4e00, 0x9fff], [0xa000, 0xa4cf],
  [0xa960, 0xa97f], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xfe10, 0xfe19], [0xfe30, 0xfe6f], [0xff00, 0xff60], [0xffe0, 0xffe6], [0x16fe0, 0x18d08],
  [0x1aff0, 0x1b2ff], [0x1f200, 0x1f2ff], [0x20000, 0x3fffd],
];
const zero = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const picture = /^\p{Emoji_Presentation}$/u;
/** Letters, punctuation, arrows, lines and blocks of one cell each: nearly every text here, without the segmenter's cost. */
const simple = /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u2193\u2500-\u259f\u25b2\u25be\u2713\u2715]*$/;

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return code === 0xad ? 0 : 1;
  if (zero.test(character)) return 0;
  if (picture.test(character)) return 2;
  return wide.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A family of joined emoji is one picture of two cells, not the sum of its parts. */
function graphemeWidth(grapheme: string): number {
  let width = 0;
  for (const character of grapheme) width = Math.max(width, characterWidth(character));
  return grapheme.includes('\ufe0f') ? Math.max(width, 2) : width;
}

export function displayWidth(text: string): number {
  if (simple.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** At most `width` cells of a text; what was cut is shown by an ellipsis. */
export function cutText(text: string, width: number): string {
  if (width <= 0) return '';
  if (displayWidth(text) <= width) return text;
  let result = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const w = graphemeWidth(segment);
    if (used + w > width - 1) break;
    result += segment;
    used += w;
  }
  return `${result}…`;
}

/** A text in exactly `width` cells. */
export function fitText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutText(text, width);
  const space = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return align === 'left' ? cut + space : space + cut;
}

/**
 * Prose of somebody else (a model's answer) without what a terminal would obey or be confused by: controls, escape
 * sequences, and marks that turn the writing direction. Line breaks, tabs and every space stay.
 */
export function cleanProse(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, '');
}

/** The same as one line. */
export function cleanText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
}
