import type { Message } from '../../../contract/chat.ts';
import type { GenerationEvent, GpuTruth } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';

type AnswerPart = NonNullable<Message['answer']>;
type TextEvent = Extract<GenerationEvent, { t: 'text' }>;

/** An answer while it is written. */
export interface LiveAnswer {
  readonly conversationId: string;
  readonly id: string;
  content: string;
  thinking: string;
  tokens: number;
  /** Of these, those that were thought. */
  thinkingTokens: number;
  /** Of the prompt: tokens that are processed. */
  progress: { readonly done: number; readonly total: number } | null;
  answer: AnswerPart;
  ended: boolean;
}

/** Whatever was found to answer. */
export interface FoundAnswerer {
  readonly modelName: string;
  readonly provider: string | null;
  readonly truth: () => GpuTruth | null;
  start(signal: AbortSignal): AsyncIterable<GenerationEvent>;
}

export interface LiveReports {
  state(): void;
  text(event: TextEvent): void;
}

/** After a stop the model may still say its figures; then the answer ends without them. Half of what the issue promises. */
const LAST_WORDS_MS = 50;

/**
 * Writes an answer to its end; never throws. A stop ends it at once, whatever the model's process does.
 */
export async function writeAnswer(live: LiveAnswer, find: (signal: AbortSignal) => Promise<FoundAnswerer>, signal: AbortSignal, reports: LiveReports): Promise<void> {
  let found: FoundAnswerer | null = null;
  let iterator: AsyncIterator<GenerationEvent> | null = null;
  const stop = watchStop(signal);
  const setState = (state: AnswerPart['state']): void => {
    if (live.answer.state === state && state !== 'prompt') return;
    live.answer = { ...live.answer, state };
    reports.state();
  };
  const end = (reason: AnswerPart['reason'], problem: Problem | null, figures: AnswerPart['figures']): void => {
    live.answer = { ...live.answer, state: 'done', reason, problem, figures, truth: readTruth(found) };
    live.ended = true;
  };

  try {
    setState('loading');
    found = await stop.orNull(find(signal), 0);
    if (found === null) return end('cancelled', null, null);
    live.answer = { ...live.answer, modelName: found.modelName, provider: found.provider };
    iterator = found.start(signal)[Symbol.asyncIterator]();
    for (;;) {
      const next = await stop.orNull(iterator.next(), LAST_WORDS_MS);
      if (next === null) return end('cancelled', null, null);
      if (next.done === true) return end('interrupted', makeProblem('generate.interrupted', { detail: 'It ended without saying why.' }), null);
      const event = next.value;
      if (event.t === 'end') return end(event.reason, event.problem, event.figures);
      if (event.t === 'queued') setState('queued');
      else if (event.t === 'prompt') {
        live.progress = { done: event.done, total: event.total };
        setState('prompt');
      } else if (event.t === 'text') {
        live.progress = null;
        setState('writing');
        if (event.channel === 'answer') live.content += event.text;
        else {
          live.thinking += event.text;
          live.thinkingTokens += event.tokens;
        }
        live.tokens += event.tokens;
        reports.text(event);
      }
    }
  } catch (error) {
    if (signal.aborted) return end('cancelled', null, null);
    end('interrupted', decideInterruption(error, live.tokens > 0), null);
  } finally {
    stop.forget();
    // Not waited for: it may hang in the model's process.
    void Promise.resolve(iterator?.return?.()).catch(() => undefined);
  }
}

/** The Problem at an answer that failed: its own cause before the first word, after it that the answer is not whole. */
export function decideInterruption(error: unknown, begun: boolean): Problem {
  const problem = problemOf(error);
  if (problem === null) return makeProblem('generate.interrupted', { detail: error instanceof Error && error.message !== '' ? `${error.message}.` : 'It failed.' });
  if (!begun || problem.code.startsWith('generate.')) return problem;
  return makeProblem('generate.interrupted', { detail: `${problem.title}: ${problem.cause}` }, { chain: [problem.code, ...problem.chain] });
}

function readTruth(found: FoundAnswerer | null): GpuTruth | null {
  try {
    return found?.truth() ?? null;
  } catch {
    return null;
  }
}

interface StopWatch {
  /** What is waited for, or null so many milliseconds after a stop. One at a time. */
  orNull<T>(promise: Promise<T>, graceMs: number): Promise<T | null>;
  forget(): void;
}

/** One listener and one timer for the whole answer: a race for every token would leave something behind each time. */
function watchStop(signal: AbortSignal): StopWatch {
  let timer: NodeJS.Timeout | undefined;
  let waiting: { readonly graceMs: number; readonly giveUp: () => void } | null = null;
  let stoppedAtMs = signal.aborted ? performance.now() : null;
  const arm = (): void => {
    if (stoppedAtMs === null || waiting === null) return;
    clearTimeout(timer);
    timer = setTimeout(waiting.giveUp, Math.max(0, stoppedAtMs + waiting.graceMs - performance.now()));
  };
  const onAbort = (): void => {
    stoppedAtMs = performance.now();
    arm();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    orNull: (promise, graceMs) => new Promise((resolve, reject) => {
      waiting = { graceMs, giveUp: () => resolve(null) };
      promise.then(resolve, reject);
      arm();
    }),
    forget() {
      waiting = null;
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}
