import type { Answerer, ComparisonAnswer, ComparisonWish } from '../../../contract/chat.ts';
import type { GenerateRequest, GpuTruth } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { Answer } from '../parts.ts';
import { decideOrder, type Turn } from './decide-order.ts';
import { makeRequest } from './make-request.ts';

/** A contender that is ready to answer: its model is loaded, or its server known. */
export interface OpenContender {
  readonly modelName: string;
  readonly provider: string | null;
  readonly answer: Answer;
  readonly truth: () => GpuTruth | null;
  readonly memoryBytes: () => number | null;
}

export interface RunInput {
  readonly wish: ComparisonWish;
  readonly open: (answerer: Answerer) => Promise<OpenContender>;
  /** For contenders that name none; one for each prompt and repeat. */
  readonly firstSeed: number;
  readonly timeLimitSeconds: number;
  readonly signal: AbortSignal;
  /** A contender's names are known. */
  readonly named: (contender: number, name: Pick<OpenContender, 'modelName' | 'provider'>) => void;
  /** Changes an answer; what is left out stays. */
  readonly change: (turn: Turn, change: Partial<ComparisonAnswer>) => void;
  readonly remembered: (turn: Turn, memoryBytes: number) => void;
}

/** Characters of one answer, and of all together; beyond, an answer is ended and texts are cut. */
const MAX_ANSWER = 1_000_000;
const MAX_ALL = 16_000_000;
const CUT_TO = 2000;
/** After so many lasting failures in a row before the first word, a contender is not asked any more. */
const MAX_FAILURES = 3;
/** The short answer before each one that counts: clears the last prompt out of the context and wakes the hardware. */
const WARM_UP = 'Say "ok".';
const WARM_UP_TOKENS = 4;
const WARM_UP_SECONDS = 120;

/** Makes all answers, in turns or together. Ends early, without throwing, when it is called off; what is there stays. */
export async function runComparison(input: RunInput): Promise<void> {
  const { wish, signal, change } = input;
  const failures = wish.contenders.map(() => ({ inARow: 0, last: null as Problem | null }));
  let characters = 0;

  const make = async (turn: Turn): Promise<void> => {
    const failed = failures[turn.contender];
    if (failed === undefined || signal.aborted) return;
    if (failed.inARow >= MAX_FAILURES) return change(turn, { state: 'done', problem: failed.last });
    const outcome = await makeAnswer(input, turn, MAX_ALL - characters);
    characters += outcome.characters;
    failed.inARow = outcome.failed === null || !isLasting(outcome.failed) ? 0 : failed.inARow + 1;
    failed.last = outcome.failed;
  };

  const turns = decideOrder(wish.contenders.length, wish.prompts.length, wish.repeats);
  if (wish.order === 'turns') {
    for (const turn of turns) await make(turn);
    return;
  }
  for (let at = 0; at < turns.length; at += wish.contenders.length) await Promise.all(turns.slice(at, at + wish.contenders.length).map(make));
}

/** It is about the model or the server, not about this one request. */
const isLasting = ({ code, facts }: Problem): boolean => !code.startsWith('generate.') && !(code === 'provider.refused' && [400, 413, 422].includes(Number(facts['status'])));

interface Outcome {
  readonly characters: number;
  /** It failed before its first word. */
  readonly failed: Problem | null;
}

async function makeAnswer(input: RunInput, turn: Turn, room: number): Promise<Outcome> {
  const { wish, signal, change } = input;
  const answerer = wish.contenders[turn.contender];
  if (answerer === undefined) return { characters: 0, failed: null };
  const seed = (input.firstSeed + turn.repeat * wish.prompts.length + turn.prompt) % 2 ** 32;
  const request = makeRequest(answerer, wish.systemPrompt, wish.prompts[turn.prompt] ?? '', seed, input.timeLimitSeconds);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let content = '', thinking = '', tooLong = false, begun = false;
  change(turn, { state: 'loading' });
  try {
    const contender = await orAborted(input.open(answerer), signal);
    if (contender === null) {
      change(turn, { state: 'waiting' });
      return { characters: 0, failed: null };
    }
    input.named(turn.contender, contender);
    if (wish.order === 'turns') await warmUp(contender.answer, request, signal);
    if (signal.aborted) {
      change(turn, { state: 'waiting' });
      return { characters: 0, failed: null };
    }
    for await (const event of contender.answer(request, both)) {
      if (event.t === 'prompt') change(turn, { state: 'writing' });
      else if (event.t === 'text') {
        begun = true;
        if (event.channel === 'answer') content += event.text;
        else thinking += event.text;
        change(turn, { state: 'writing', content, thinking });
        if (content.length + thinking.length > MAX_ANSWER) {
          tooLong = true;
          stop.abort();
        }
      } else if (event.t === 'end') {
        const kept = cutText(content, thinking, room);
        const memory = contender.memoryBytes();
        if (memory !== null) input.remembered(turn, memory);
        change(turn, { ...kept, state: 'done', reason: tooLong && event.reason === 'cancelled' ? 'length' : event.reason, figures: event.figures, truth: contender.truth(), problem: event.problem });
        return { characters: kept.content.length + kept.thinking.length, failed: begun ? null : event.problem };
      }
    }
    throw new Error('The answer had no end.');
  } catch (error) {
    const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
    if (signal.aborted && !begun) change(turn, { state: 'waiting' });
    else change(turn, { ...cutText(content, thinking, room), state: 'done', reason: 'interrupted', problem });
    return { characters: content.length + thinking.length, failed: begun || signal.aborted ? null : problem };
  }
}

/** Its end is not looked at: the answer that follows shows what is wrong. What cannot even begin is thrown. */
async function warmUp(answer: Answer, request: GenerateRequest, signal: AbortSignal): Promise<void> {
  const turns = (request.turns ?? []).map((turn) => (turn.role === 'user' ? { ...turn, content: WARM_UP } : turn));
  const short = { ...request, turns, maxTokens: WARM_UP_TOKENS, jsonSchema: null, grammar: null, timeLimitSeconds: Math.min(WARM_UP_SECONDS, request.timeLimitSeconds) };
  for await (const event of answer(short, signal)) if (event.t === 'end') return;
}

/** The first so many characters where there is no room for all. */
function cutText(content: string, thinking: string, room: number): { content: string; thinking: string } {
  if (content.length + thinking.length <= room) return { content, thinking };
  const cut = (text: string): string => (text.length > CUT_TO ? `${text.slice(0, CUT_TO)} …` : text);
  return { content: cut(content), thinking: cut(thinking) };
}

/** null: it was called off before. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let stop = (): void => undefined;
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => undefined);
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
