import { cutText, displayWidth } from '../display-width.ts';

/** What a piece of text is; which colour that becomes, `paint.ts` knows. */
export type Style =
  | 'ink' | 'quiet' | 'title' | 'fine' | 'attention' | 'problem' | 'accent' | 'track' | 'selected' | 'key'
  | 'throttle-power' | 'throttle-heat' | 'throttle-hardware' | `gpu-${number}`;

export interface Span {
  readonly text: string;
  readonly style: Style;
}
/** One line of the screen. */
export type Line = readonly Span[];

export const span = (text: string, style: Style = 'ink'): Span => ({ text, style });
export const lineWidth = (line: Line): number => line.reduce((sum, s) => sum + displayWidth(s.text), 0);
export const lineText = (line: Line): string => line.map((s) => s.text).join('');
/** A GPU's colour is fixed by its index; there are eight. */
export const gpuStyle = (index: number): Style => `gpu-${((index % 8) + 8) % 8}`;

/** The first `width` cells of a line; an ellipsis stands where text was cut. */
export function cutLine(line: Line, width: number): Line {
  if (lineWidth(line) <= width) return line;
  const result: Span[] = [];
  let left = width;
  for (const s of line) {
    const w = displayWidth(s.text);
    if (w >= left) {
      result.push({ ...s, text: cutText(w === left ? `${s.text} ` : s.text, left) });
      break;
    }
    result.push(s);
    left -= w;
  }
  return result.filter((s) => s.text !== '');
}

/** A line of exactly `width` cells. */
export function fitLine(line: Line, width: number, style: Style = 'ink'): Line {
  const cut = cutLine(line, width);
  const rest = width - lineWidth(cut);
  return rest > 0 ? [...cut, span(' '.repeat(rest), style)] : cut;
}

/** `left` and `right` at the two ends; the left one gives way. */
export function spreadLine(left: Line, right: Line, width: number): Line {
  const rightWidth = lineWidth(right);
  if (rightWidth + 4 > width) return cutLine(left, width);
  return [...fitLine(left, width - rightWidth - 1), span(' '), ...right];
}

/** Cells `from` to `to` of a line, blank where it is shorter. A wide character on the edge becomes a blank. */
export function sliceLine(line: Line, from: number, to: number): Line {
  const result: Span[] = [];
  let at = 0;
  for (const s of line) {
    let text = '';
    for (const character of s.text) {
      const w = displayWidth(character);
      if (at >= from && at + w <= to) text += character;
      else if (at < to && at + w > from && w > 0) text += ' '.repeat(Math.min(at + w, to) - Math.max(at, from));
      at += w;
    }
    if (text !== '') result.push({ ...s, text });
  }
  return fitLine(result, to - from);
}

/** `box` laid over `line` at a column. */
export function overlayLine(line: Line, box: Line, column: number, width: number): Line {
  const boxWidth = lineWidth(box);
  return [...sliceLine(line, 0, column), ...box, ...sliceLine(line, column + boxWidth, width)];
}
