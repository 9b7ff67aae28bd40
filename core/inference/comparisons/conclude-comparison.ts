import type { Comparison } from '../../../contract/chat.ts';
import { decideRows, type MemoryReading } from './decide-rows.ts';
import { decideSentence } from './decide-sentence.ts';
import { findParting } from './find-parting.ts';

/** Rows, partings and the sentence follow from the answers. Pure. */
export function concludeComparison(comparison: Comparison, memory: readonly MemoryReading[]): Comparison {
  const { answers, wish } = comparison;
  const rows = decideRows(answers, memory, wish);
  const firsts = wish.contenders.map((_, at) => answers.find((one) => one.contender === at && one.prompt === 0 && one.repeat === 0));
  // All or none: the places in the list say which pair is meant.
  const told = firsts.flatMap((one) => (one?.state === 'done' ? [one.content] : []));
  const [first = '', ...others] = told;
  const next = { ...comparison, rows, partAt: told.length === wish.contenders.length ? others.map((other) => findParting(first, other)) : [] };
  return { ...next, sentence: decideSentence({ ...next, order: wish.order }) };
}
