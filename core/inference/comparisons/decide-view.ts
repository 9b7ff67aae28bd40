import { answerer, type Comparison, type ComparisonAnswer } from '../../../contract/chat.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { MemoryReading } from './decide-rows.ts';

/** A comparison as it is kept: everything, in its true order. */
export interface KeptComparison {
  readonly comparison: Comparison;
  readonly memory: readonly MemoryReading[];
  /** For each prompt: which contender stands at each place while names are hidden. Empty when it is not blind. */
  readonly places: readonly (readonly number[])[];
}

/** `list`: without texts. `watch`: with as many as are sent several times a second. */
export type ViewSize = 'all' | 'watch' | 'list';

/** Characters of finished answers, and of prompts, that a watched comparison carries. */
const MAX_WATCHED = 256 * 1024;
/** Where a comparison has more answers than these, the badge goes with the newest of each contender only. */
const MAX_TRUTHS = 60;
const PROMPT_GLIMPSE = 200;

/** Names, figures and order are kept from the faces until each prompt that has an answer has a vote. Pure. */
export function isHidden({ comparison: { wish, state, votes, answers } }: Pick<KeptComparison, 'comparison'>): boolean {
  if (!wish.blind || wish.contenders.length < 2) return false;
  const voted = new Set(votes.map((one) => one.prompt));
  // One that was called off has prompts without answers: nobody can vote on them.
  const toVote = state === 'running' ? wish.prompts.map((_, at) => at) : [...new Set(answers.filter((one) => one.state === 'done').map((one) => one.prompt))];
  return toVote.some((prompt) => !voted.has(prompt));
}

/** What a face is given. Pure. */
export function decideView(kept: KeptComparison, size: ViewSize, hidden = isHidden(kept)): Comparison {
  const shown = hidden ? hide(kept) : kept.comparison;
  return size === 'all' ? shown : cutTexts(shown, size);
}

/** The contender that stands at a place that a face named. Pure. */
export const contenderAt = (kept: KeptComparison, prompt: number, place: number): number | undefined => (isHidden(kept) ? kept.places[prompt]?.[place] : place);

function hide({ comparison, places }: KeptComparison): Comparison {
  const placeOf = (prompt: number, contender: number): number => places[prompt]?.indexOf(contender) ?? contender;
  const answers = comparison.answers.map((one): ComparisonAnswer => ({ ...one, contender: placeOf(one.prompt, one.contender), figures: null, truth: null, problem: one.problem === null ? null : hideProblem(one.problem) }));
  return {
    ...comparison,
    wish: { ...comparison.wish, contenders: comparison.wish.contenders.map(() => answerer.parse({})) },
    names: comparison.names.map((_, at) => `Answer ${at + 1}`),
    answers: answers.sort((a, b) => a.repeat - b.repeat || a.prompt - b.prompt || a.contender - b.contender),
    rows: [],
    partAt: [],
    sentence: comparison.state === 'running' ? comparison.sentence : 'Names and figures are hidden until every prompt has a vote.',
    votes: comparison.votes.map(({ prompt, contender }) => ({ prompt, contender: contender === null ? null : placeOf(prompt, contender) })),
    problem: comparison.problem === null ? null : hideProblem(comparison.problem),
  };
}

/** A cause names the model or the server. */
const hideProblem = (problem: Problem): Problem => ({ ...problem, cause: 'What happened is shown with the names.', remedy: 'Vote to see it.', actions: [], facts: {}, chain: [] });

function cutTexts(comparison: Comparison, size: 'watch' | 'list'): Comparison {
  const { wish, answers } = comparison;
  const long = wish.systemPrompt.length + wish.prompts.reduce((sum, one) => sum + one.length, 0) > MAX_WATCHED;
  const glimpse = (text: string): string => ((size === 'list' || long) && text.length > PROMPT_GLIMPSE ? `${text.slice(0, PROMPT_GLIMPSE)} …` : text);
  let left = size === 'list' ? 0 : MAX_WATCHED;
  const withTruth = new Set<number>();
  // From the newest back: what was just written is what is looked at.
  const cut = [...answers].reverse().map((one): ComparisonAnswer => {
    const length = one.content.length + one.thinking.length;
    const beingWritten = one.state === 'writing' && size === 'watch';
    const keeps = beingWritten || length <= left;
    if (!beingWritten && keeps) left -= length;
    const truth = answers.length > MAX_TRUTHS && (one.truth === null || withTruth.has(one.contender)) ? null : one.truth;
    if (truth !== null) withTruth.add(one.contender);
    return { ...one, ...(keeps ? {} : { content: '', thinking: '' }), truth };
  });
  return { ...comparison, wish: { ...wish, systemPrompt: glimpse(wish.systemPrompt), prompts: wish.prompts.map(glimpse) }, answers: cut.reverse() };
}
