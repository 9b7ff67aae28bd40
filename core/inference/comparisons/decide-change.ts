import { isDeepStrictEqual } from 'node:util';
import type { Comparison, ComparisonAnswer } from '../../../contract/chat.ts';
import type { ComparisonChange } from '../../../contract/comparison-change.ts';
import { decideView, isHidden, type KeptComparison } from './decide-view.ts';

type ChangedAnswer = Extract<ComparisonChange, { t: 'change' }>['answers'][number];

/**
 * What somebody who was told `told` is told of `now`; null: nothing changed. Answers that did not change are the same
 * objects in both: those are not looked into. Pure.
 */
export function decideChange(told: KeptComparison | null, now: KeptComparison): ComparisonChange | null {
  const hidden = isHidden(now);
  if (told === null || isHidden(told) !== hidden) return { t: 'whole', comparison: decideView(now, 'watch') };
  const before = told.comparison.answers;
  // One that is over changes by votes alone, and may have been read from its file again since.
  const changed = told.comparison.state !== 'running' ? [] : now.comparison.answers.flatMap((one, at) => (one === before[at] ? [] : [cutAnswer(before[at], one)]));
  // Seen as a comparison of these answers alone, so that nothing is shown here that is hidden there.
  const shown = decideView({ ...now, comparison: { ...now.comparison, answers: changed } }, 'all', hidden);
  const { wish: _, answers, ...rest } = shown;
  const { wish: __, answers: ___, ...restBefore } = decideView({ ...told, comparison: { ...told.comparison, answers: [] } }, 'all', hidden);
  const other = Object.fromEntries(Object.entries(rest).filter(([key, value]) => !isDeepStrictEqual(value, restBefore[key as keyof typeof restBefore]))) as Partial<Omit<Comparison, 'wish' | 'answers'>>;
  if (answers.length === 0 && Object.keys(other).length === 0) return null;
  // The view keeps the places of the cuts, though its type does not say so.
  return { t: 'change', answers: answers.map((one) => ({ contentFrom: 0, thinkingFrom: 0, ...one })), rest: other };
}

/** An answer with what was added to its texts. What had ended may have been told without its texts: it is told whole. */
function cutAnswer(before: ComparisonAnswer | undefined, now: ComparisonAnswer): ChangedAnswer {
  const kept = (old: string, text: string): number => (before?.state !== 'done' && text.startsWith(old) ? old.length : 0);
  const contentFrom = kept(before?.content ?? '', now.content);
  const thinkingFrom = kept(before?.thinking ?? '', now.thinking);
  return { ...now, content: now.content.slice(contentFrom), thinking: now.thinking.slice(thinkingFrom), contentFrom, thinkingFrom };
}
