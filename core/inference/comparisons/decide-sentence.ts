import type { Comparison, ComparisonRow } from '../../../contract/chat.ts';
import { LEAST_PAIRS } from './decide-rows.ts';

export type SentenceInput = Pick<Comparison, 'state' | 'names' | 'rows' | 'answers'> & { readonly order: Comparison['wish']['order'] };

const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
/** A ratio in which a difference is still to be seen. */
const times = (value: number): string => `${value >= 10 ? value.toFixed(1) : Math.abs(value - 1) < 0.01 ? value.toFixed(3) : value.toFixed(2)}×`;

/** What the comparison shows, in a sentence or two; or why nothing can be said. Pure. */
export function decideSentence({ state, names, rows, answers, order }: SentenceInput): string {
  const done = answers.filter((one) => one.state === 'done').length;
  if (state === 'running') return `${done} of ${answers.length} answers are there.`;
  const failed = answers.filter((one) => one.problem !== null).length;
  const missing = [failed === 0 ? '' : `${failed} of ${answers.length} answers failed and are not counted.`, done === answers.length ? '' : `${answers.length - done} of ${answers.length} answers were not made.`].filter((one) => one !== '');
  if (order === 'together') return ['All answered at the same time, so their times say nothing about which is faster. Ask in turns for that.', ...missing].join(' ');
  const decode = rows.find((row) => row.figure === 'decode');
  const judged = decode === undefined ? ['No speed is known.'] : names.length === 1 ? [sayOne(decode, names[0] ?? '')] : decode.against.map((one, at) => sayAgainst(one, decode, names, at + 1));
  return [...judged, ...missing, 'Before each answer a short one was made that is not counted.'].join(' ');
}

function sayOne({ values }: ComparisonRow, name: string): string {
  const value = values[0];
  if (value?.mean == null) return `The speed of ${name} is not known.`;
  const interval = value.low === null || value.high === null ? 'one answer' : `95 % interval ${number(value.low)} to ${number(value.high)}, ${value.n} answers`;
  return `${name} writes ${number(value.mean)} tokens a second (${interval}).`;
}

function sayAgainst({ ratio, low, high, words }: ComparisonRow['against'][number], { values }: ComparisonRow, names: readonly string[], at: number): string {
  const first = names[0] ?? '', second = names[at] ?? '';
  if (ratio === null || low === null || high === null) {
    const pairs = Math.min(values[0]?.n ?? 0, values[at]?.n ?? 0, LEAST_PAIRS - 1);
    const why = pairs === 0 ? 'there is no pair of answers with a known speed.' : `${pairs === 1 ? 'one pair of answers is' : `${pairs} pairs of answers are`} too few, ${LEAST_PAIRS} are needed. Ask more prompts, or repeat them.`;
    return `Whether ${second} or ${first} is faster cannot be said: ${why}`;
  }
  if (words === 'faster' || words === 'slower') return `${second} is ${words} than ${first}: ${times(ratio)} as many tokens a second (95 % interval ${times(low)} to ${times(high)}).`;
  return `No difference in speed between ${second} and ${first} can be shown: the ratio lies between ${times(low)} and ${times(high)}.`;
}
