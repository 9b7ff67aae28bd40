import { z } from 'zod';
import { comparison, comparisonAnswer, type Comparison, type ComparisonAnswer } from './chat.ts';

/** What somebody who watches a comparison is told: all of it first, then what has changed since the last time. In order. */
export const comparisonChange = z.discriminatedUnion('t', [
  /** First, and when names come to be shown. Texts of answers that ended long ago are left out. */
  z.object({ t: z.literal('whole'), comparison }),
  z.object({
    t: z.literal('change'),
    /** Answers that changed. Of their texts so many characters stay as they were; what is here follows those. */
    answers: z.array(comparisonAnswer.extend({ contentFrom: z.int(), thinkingFrom: z.int() })),
    /** What else changed; what was wished for never does. */
    rest: comparison.omit({ wish: true, answers: true }).partial(),
  }),
]);
export type ComparisonChange = z.infer<typeof comparisonChange>;

/** A comparison after a change; answers that did not change keep their identity. null: the change is of something that never came. Pure. */
export function applyComparisonChange(before: Comparison | null, change: ComparisonChange): Comparison | null {
  if (change.t === 'whole') return change.comparison;
  if (before === null) return null;
  const changed = new Map(change.answers.map((one) => [placeOfAnswer(one), one]));
  const answers = changed.size === 0 ? before.answers : before.answers.map((old): ComparisonAnswer => {
    const now = changed.get(placeOfAnswer(old));
    if (now === undefined) return old;
    const { contentFrom, thinkingFrom, ...rest } = now;
    return { ...rest, content: old.content.slice(0, contentFrom) + now.content, thinking: old.thinking.slice(0, thinkingFrom) + now.thinking };
  });
  const rest = Object.fromEntries(Object.entries(change.rest).filter(([, value]) => value !== undefined));
  return { ...before, ...rest, answers };
}

/** What tells the answers of a comparison apart. Pure. */
export const placeOfAnswer = ({ contender, prompt, repeat }: Pick<ComparisonAnswer, 'contender' | 'prompt' | 'repeat'>): string => `${contender} ${prompt} ${repeat}`;
