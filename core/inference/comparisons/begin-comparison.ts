import { randomBytes, randomInt } from 'node:crypto';
import type { Comparison, ComparisonAnswer, ComparisonWish } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { concludeComparison } from './conclude-comparison.ts';
import { makeRequest } from './make-request.ts';
import { nameContenders, type ContenderName } from './name-contenders.ts';

/** Of one comparison: more cannot be kept and looked at as a whole. */
const MAX_ANSWERS = 3000;
const MAX_PROMPT_CHARACTERS = 8_000_000;

/**
 * A comparison before its first answer; `places`: where each contender stands, by prompt, while names are hidden.
 * @throws ProblemError `input.invalid`, `generate.schema`
 */
export function beginComparison(wish: ComparisonWish, createdAtMs: number): { comparison: Comparison; found: ContenderName[]; places: number[][] } {
  checkWish(wish);
  const id = `compare-${createdAtMs.toString(36)}-${randomBytes(4).toString('hex')}`;
  const answers: ComparisonAnswer[] = [];
  for (let repeat = 0; repeat < wish.repeats; repeat++) {
    for (const prompt of wish.prompts.keys()) for (const contender of wish.contenders.keys()) answers.push({ contender, prompt, repeat, state: 'waiting', content: '', thinking: '', reason: null, figures: null, truth: null, problem: null });
  }
  const found = wish.contenders.map(({ model, provider }): ContenderName => ({ model: model ?? (provider === null ? 'default model' : 'first model'), provider }));
  const names = nameContenders(wish.contenders, found);
  const comparison: Comparison = { id, title: wish.title ?? makeTitle(wish.prompts[0] ?? ''), createdAtMs, jobId: null, state: 'running', wish, names, answers, rows: [], sentence: '', partAt: [], votes: [], problem: null };
  return { comparison: concludeComparison(comparison, []), found, places: wish.blind ? wish.prompts.map(() => shuffle([...wish.contenders.keys()])) : [] };
}

function checkWish({ contenders, prompts, repeats, systemPrompt }: ComparisonWish): void {
  const answers = contenders.length * prompts.length * repeats;
  if (answers > MAX_ANSWERS) throw problemError('input.invalid', { detail: `These are ${answers} answers; ${MAX_ANSWERS} are the most.` });
  if (prompts.reduce((sum, one) => sum + one.length, systemPrompt.length) > MAX_PROMPT_CHARACTERS) throw problemError('input.invalid', { detail: `The prompts may have ${MAX_PROMPT_CHARACTERS / 1e6} million characters in all.` });
  for (const one of contenders) makeRequest(one, systemPrompt, '', 0, 1);
}

/** Says nothing of the contenders: it is shown while their names are hidden. */
function makeTitle(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ').trim();
  const cut = [...line].slice(0, 60).join('');
  return cut === '' ? 'Comparison' : cut.length < line.length ? `${cut} …` : line;
}

function shuffle(values: readonly number[]): number[] {
  const left = [...values];
  return values.flatMap(() => left.splice(randomInt(left.length), 1));
}
