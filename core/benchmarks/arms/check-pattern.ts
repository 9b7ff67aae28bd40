import type { PatternCheck } from '../../../contract/optimize.ts';
import { findFigure, parseFigure } from './find-figure.ts';

/** What a measurement would find in this text: the same thread, limit and rules. */
export async function checkPattern(pattern: string, text: string): Promise<PatternCheck> {
  const found = await findFigure(pattern, [text]);
  if (found.t === 'invalid') return { fault: found.detail, found: null, figure: null };
  return found.t === 'none' ? { fault: null, found: null, figure: null } : { fault: null, found: found.text, figure: parseFigure(found.text) };
}
