import type { ComparisonAnswer, ComparisonRow, ComparisonWish } from '../../../contract/chat.ts';
import { placeOfAnswer } from '../../../contract/comparison-change.ts';
import { summariseRatios, summariseValues, type Interval } from './summarise-values.ts';

/** Memory that a contender's model took when an answer ended; null: not reported. */
export interface MemoryReading {
  readonly contender: number;
  readonly prompt: number;
  readonly repeat: number;
  readonly bytes: number;
}

/** Fewer pairs say nothing: with two, the interval reaches from nothing to anything. */
export const LEAST_PAIRS = 3;
/** A shorter answer has too few gaps between tokens to tell a speed from. */
const LEAST_TOKENS = 8;
/**
 * A prompt that was still in the context from before, but for its last block (16 tokens in vLLM): its time is not that
 * of reading a prompt. A common beginning, such as a template's, is no reason: it is there for all.
 */
const CACHED_SHARE = 0.9;
const CACHED_BUT = 16;

type Words = ComparisonRow['against'][number]['words'];
interface Figure {
  readonly figure: ComparisonRow['figure'];
  readonly unit: string;
  /** null: this answer does not count for it. */
  readonly of: (answer: ComparisonAnswer, memory: ReadonlyMap<string, number>) => number | null;
  /** Words for a ratio above and below 1. */
  readonly above: Words;
  readonly below: Words;
  /** It is told from the answers' times. */
  readonly timed: boolean;
}

const wellEnded = ({ state, problem, reason, figures }: ComparisonAnswer): boolean => state === 'done' && problem === null && figures !== null && reason !== 'cancelled' && reason !== 'interrupted';
const promptWasRead = ({ figures }: ComparisonAnswer): boolean => figures?.cachedTokens == null || figures.promptTokens === null || figures.cachedTokens < Math.max(figures.promptTokens - CACHED_BUT, figures.promptTokens * CACHED_SHARE);

const figures: readonly Figure[] = [
  { figure: 'decode', unit: 'tokens/s', of: (one) => (one.figures?.answerTokens != null && one.figures.answerTokens < LEAST_TOKENS ? null : (one.figures?.decodeTokensPerSecond ?? null)), above: 'faster', below: 'slower', timed: true },
  { figure: 'first_token', unit: 'ms', of: (one) => (promptWasRead(one) ? (one.figures?.firstTokenMs ?? null) : null), above: 'slower', below: 'faster', timed: true },
  { figure: 'prompt', unit: 'tokens/s', of: (one) => (promptWasRead(one) ? (one.figures?.promptTokensPerSecond ?? null) : null), above: 'faster', below: 'slower', timed: true },
  { figure: 'memory', unit: 'bytes', of: (one, memory) => memory.get(placeOfAnswer(one)) ?? null, above: 'more', below: 'less', timed: false },
  { figure: 'energy', unit: 'J/token', of: (one) => one.figures?.joulesPerToken ?? null, above: 'more', below: 'less', timed: true },
];

/** What the answers show: a row for each figure. Times of answers that were made together are shown and not compared. Pure. */
export function decideRows(answers: readonly ComparisonAnswer[], memory: readonly MemoryReading[], wish: Pick<ComparisonWish, 'order' | 'contenders'>): ComparisonRow[] {
  const bytes = new Map(memory.map((one) => [placeOfAnswer(one), one.bytes]));
  const counted = answers.filter(wellEnded);
  return figures.map(({ figure, unit, of, above, below, timed }) => {
    const found = new Map<string, number>();
    for (const one of counted) {
      const value = of(one, bytes);
      if (value !== null && value > 0) found.set(placeOfAnswer(one), value);
    }
    const compared = !timed || wish.order === 'turns';
    return {
      figure,
      unit,
      values: wish.contenders.map((_, contender) => summariseValues(counted.filter((one) => one.contender === contender).flatMap((one) => found.get(placeOfAnswer(one)) ?? []))),
      against: wish.contenders.slice(1).map((_, before) => {
        const pairs = counted.filter((one) => one.contender === 0).flatMap((one): [number, number][] => {
          const first = found.get(placeOfAnswer(one)), second = found.get(placeOfAnswer({ ...one, contender: before + 1 }));
          return first === undefined || second === undefined ? [] : [[first, second]];
        });
        return compared ? judge(summariseRatios(pairs), above, below) : { ratio: null, low: null, high: null, words: 'unknown' as const };
      }),
    };
  });
}

/** In words only what the interval bears out. */
function judge({ mean, low, high, n }: Interval, above: Words, below: Words): ComparisonRow['against'][number] {
  if (mean === null || low === null || high === null || n < LEAST_PAIRS) return { ratio: mean, low: null, high: null, words: 'unknown' };
  return { ratio: mean, low, high, words: low > 1 ? above : high < 1 ? below : 'no_difference' };
}
