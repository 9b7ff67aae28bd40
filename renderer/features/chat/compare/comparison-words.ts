import type { Comparison, ComparisonAnswer, ComparisonRow } from '../../../../contract/chat.ts';
import { formatCount, formatFigures, formatGib, formatWhole, type Quantity } from '../../../ui/format.ts';
import { formatMs, formatSpeed } from '../messages/figures.ts';

export const LETTERS = ['A', 'B', 'C'] as const;
export const MOST_CONTENDERS = LETTERS.length;

/** `A`, `B`, `C`. */
export const letterOf = (contender: number): string => LETTERS[contender] ?? String(contender + 1);

export const figureNames: Readonly<Record<ComparisonRow['figure'], string>> = { decode: 'Speed', first_token: 'First token', prompt: 'Reading the prompt', memory: 'Memory', energy: 'Energy' };

/** A mean of a row in the unit that people use for it. Pure. */
export function formatRowValue(figure: ComparisonRow['figure'], value: number): Quantity {
  switch (figure) {
    case 'decode':
    case 'prompt':
      return formatSpeed(value);
    case 'first_token':
      return formatMs(value);
    case 'memory':
      return formatGib(value);
    case 'energy':
      return { text: formatFigures(value), unit: 'J/tok' };
  }
}

const signed = (share: number): string => `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(Math.abs(share) < 1 ? 1 : 0)}`;

/** `−34.5 %`, from a ratio. Pure. */
export const formatChange = (ratio: number): string => `${signed(ratio - 1)} %`;

/** `[−35.1, −33.8]`, from the ends of a ratio's interval. Pure. */
export const formatChangeInterval = (low: number, high: number): string => `[${signed(low - 1)}, ${signed(high - 1)}]`;

export const judgedWords: Readonly<Record<ComparisonRow['against'][number]['words'], string>> = { faster: 'faster', slower: 'slower', more: 'more', less: 'less', no_difference: 'no difference', unknown: 'not known' };

/** Where the dots and bars of a row stand, shares of the axis from 0; null: nothing to draw. Pure. */
export function decideDots(row: Pick<ComparisonRow, 'values'>): readonly ({ readonly at: number; readonly low: number; readonly high: number } | null)[] {
  const most = Math.max(0, ...row.values.flatMap((v) => [v.high, v.mean]).filter((v) => v !== null));
  // A little room at the right, so that the last dot is whole.
  const scale = (v: number): number => Math.max(0, Math.min(1, v / (most * 1.04)));
  return row.values.map((v) => (v.mean === null || most === 0 ? null : { at: scale(v.mean), low: scale(v.low ?? v.mean), high: scale(v.high ?? v.mean) }));
}

/** Names and figures are kept back until every prompt has a vote. Pure. */
export function isBlindNow({ wish, votes }: Pick<Comparison, 'wish' | 'votes'>): boolean {
  if (!wish.blind || wish.contenders.length < 2) return false;
  return wish.prompts.some((_, prompt) => !votes.some((v) => v.prompt === prompt));
}

/** What a contender's answers to a prompt are, in order of repetition. Pure. */
export function answersOf(answers: readonly ComparisonAnswer[], contender: number, prompt: number): readonly ComparisonAnswer[] {
  return answers.filter((a) => a.contender === contender && a.prompt === prompt).toSorted((a, b) => a.repeat - b.repeat);
}

/** The words that differ first: from the beginning of the word at `at` to the end of its line, at most 80 characters. Pure. */
export function decideMark(text: string, at: number): { readonly from: number; readonly to: number } | null {
  if (at >= text.length) return null;
  let from = at;
  while (from > 0 && at - from < 40 && !/\s/.test(text[from - 1] ?? ' ')) from -= 1;
  const line = text.indexOf('\n', at);
  let to = Math.min(line < 0 ? text.length : line, from + 80);
  const space = text.lastIndexOf(' ', to);
  if (to < text.length && to !== line && space > at) to = space;
  return to > from ? { from, to } : null;
}

/**
 * How a comparison's sentence is marked; null: not yet. Only what says something of the speed is marked as found: too
 * few answers, times of answers made together and unknown speeds say nothing. Pure.
 */
export function decideSaid({ state, wish, rows, answers }: Pick<Comparison, 'state' | 'wish' | 'rows' | 'answers'>): 'fine' | 'attention' | 'unknown' | null {
  if (state === 'running') return null;
  const decode = rows.find((row) => row.figure === 'decode');
  const judged = decode === undefined || wish.order === 'together' ? [] : wish.contenders.length === 1 ? [decode.values[0]?.mean != null] : decode.against.map((one) => one.words !== 'unknown');
  if (!judged.some((known) => known)) return 'unknown';
  const whole = answers.every((one) => one.state === 'done' && one.problem === null);
  return state === 'done' && whole && judged.every((known) => known) ? 'fine' : 'attention';
}

/** Where they part, in words. Pure. */
export function describeParting(comparison: Pick<Comparison, 'partAt' | 'answers'>): string {
  const parts = comparison.partAt.map((at, i) => {
    const b = letterOf(i + 1);
    return at === null ? `A and ${b} gave the same answer.` : at === 0 ? `A and ${b} differ from the first word.` : `A and ${b} part at character ${formatWhole(at)}.`;
  });
  return parts.join(' ');
}

/** What a run will do, for the composer. Pure. */
export function describeRun(contenders: number, prompts: number, repeats: number): string {
  const letters = LETTERS.slice(0, contenders).join(contenders === 2 ? ' and ' : ', ');
  return `${letters}${prompts > 1 ? `, ${formatCount(prompts, 'prompt')}` : ''}, ${repeats === 1 ? 'one answer each' : `${repeats} answers each`}`;
}

/** Prompts of a text: one, or those between lines of three or more dashes. Pure. */
export function parsePrompts(text: string): readonly string[] {
  return text.split(/^-{3,}[ \t]*$/m).map((p) => p.trim()).filter((p) => p !== '');
}
