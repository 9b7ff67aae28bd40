import { randomUUID } from 'node:crypto';
import type { FinishReason, GenerateRequest, GenerationEvent, GenerationFigures } from '../../../contract/inference.ts';
import type { WorkerGenerateResult, WorkerGenerationEvent } from '../../../contract/inference-worker.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { chooseSeed } from './complete-request.ts';
import { decideFigures } from './decide-figures.ts';
import type { EnergySpan } from './energy-meter.ts';
import { createEventBuffer } from './event-buffer.ts';
import type { ModelProcess } from './model-process.ts';

/** What a loaded model gives to an answer that is made with it. */
export interface AnswerGround {
  readonly name: string;
  /** Takes a slot in order; refuses at once when too many wait. @throws ProblemError `generate.too_many` */
  takeSlot(signal: AbortSignal, onAhead: (ahead: number) => void): Promise<() => void>;
  isReady(): boolean;
  /** Loads it where it is not. @throws ProblemError */
  ready(): Promise<ModelProcess>;
  contextTokens(): number;
  /** Tokens a second that memory bandwidth allows at a depth; null: not known. */
  roofline(depth: number): number | null;
  /** Why the process that answered is gone, in a sentence. */
  lastDeath(): Promise<string>;
  beginEnergy(): EnergySpan;
  /** Events of the worker for this request, until the returned function is called. */
  listen(requestId: string, onEvent: (event: WorkerGenerationEvent['event']) => void): () => void;
  /** It is to end, and does or does not: whoever holds the process decides what is done about it. */
  abandon(requestId: string, ended: Promise<unknown>): void;
  done(outcome: AnswerOutcome): void;
}

export interface AnswerOutcome {
  readonly figures: GenerationFigures;
  readonly result: WorkerGenerateResult | null;
  readonly reason: FinishReason;
  readonly energy: { readonly watts: number | null; readonly utilGpuPercent: number | null };
}

/** Unread text of one answer; more means that its reader has stopped reading. */
const BUFFER_BYTES = 8 * 1024 * 1024;
/** What the worker may take over its own time limit before it is not waited for any more. */
const GRACE_MS = 60_000;
/** These say that the request is wrong: nothing was begun. */
const REFUSALS = /^(?:generate\.(?:context_full|schema)|input\.)/;

/**
 * One answer, as it comes. Ends at once when `signal` aborts or its reader leaves; what the worker then still does is
 * `abandon`'s business.
 * @throws ProblemError before the first text: the request cannot be answered
 */
export async function* runAnswer(ground: AnswerGround, request: GenerateRequest, signal: AbortSignal | undefined): AsyncGenerator<GenerationEvent, void, void> {
  const arrivedMs = performance.now();
  const requestId = randomUUID();
  const seed = chooseSeed(request);
  const buffer = createEventBuffer<GenerationEvent>(BUFFER_BYTES);
  const left = new AbortController();
  const seen = { promptTokens: 0, answerTokens: 0 };
  let firstTokenMs: number | null = null;
  let startedMs: number | null = null;
  let text = false;
  let over = false;
  let energy: EnergySpan | null = null;

  const finish = (reason: AnswerOutcome['reason'], result: WorkerGenerateResult | null, problem: Problem | null): void => {
    if (over) return;
    over = true;
    const drawn = energy?.end() ?? { joules: null, watts: null, utilGpuPercent: null };
    const depth = result === null ? 0 : result.promptTokens + result.answerTokens / 2;
    const figures = decideFigures({
      result, seen, firstTokenMs, queuedMs: (startedMs ?? performance.now()) - arrivedMs, workedSeconds: startedMs === null ? 0 : (performance.now() - startedMs) / 1000,
      joules: drawn.joules, contextTokens: ground.contextTokens(), seed, roofline: result === null ? null : ground.roofline(depth),
    });
    buffer.close({ t: 'end', reason, figures, problem });
    ground.done({ figures, result, reason, energy: drawn });
  };

  const put = (event: GenerationEvent, bytes: number): void => {
    if (over || buffer.push(event, bytes)) return;
    const unread = buffer.unreadBytes();
    finish('interrupted', null, makeProblem('generate.slow_reader', { bytes: `${Math.round(unread / 1e6)} MB` }));
    left.abort();
  };

  const onEvent = (event: WorkerGenerationEvent['event']): void => {
    if (over) return;
    if (event.t === 'prompt') {
      seen.promptTokens = event.total;
      put(event, 64);
    } else if (event.t === 'text') {
      firstTokenMs ??= performance.now() - arrivedMs;
      text = true;
      seen.answerTokens += event.tokens;
      put(event, event.text.length * 2 + 128 + (event.logprobs === undefined ? 0 : JSON.stringify(event.logprobs).length));
    } else {
      firstTokenMs ??= performance.now() - arrivedMs;
      text = true;
      put(event, event.call.arguments.length * 2 + 256);
    }
  };

  const work = async (): Promise<void> => {
    const free = await ground.takeSlot(left.signal, (ahead) => { put({ t: 'queued', ahead }, 64); });
    let stopListening = (): void => undefined;
    try {
      if (!ground.isReady()) put({ t: 'queued', ahead: 0 }, 64);
      const process = await ground.ready();
      if (left.signal.aborted) return;
      startedMs = performance.now();
      energy = ground.beginEnergy();
      stopListening = ground.listen(requestId, onEvent);
      const generated = process.generate({ requestId, request, seed }, request.timeLimitSeconds * 1000 + GRACE_MS);
      const onLeave = (): void => { ground.abandon(requestId, generated.catch(() => undefined)); };
      left.signal.addEventListener('abort', onLeave, { once: true });
      try {
        const result = await generated;
        // Ended by the worker although nobody here asked for it: its model is being unloaded.
        const unloaded = result.reason === 'cancelled' && !over;
        finish(unloaded ? 'interrupted' : result.reason, result, unloaded ? makeProblem('generate.interrupted', { detail: await ground.lastDeath() }) : null);
      } finally {
        left.signal.removeEventListener('abort', onLeave);
      }
    } finally {
      stopListening();
      free();
    }
  };

  const failed = async (error: unknown): Promise<void> => {
    if (over) return;
    const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
    // Nothing was begun, or the worker refused it: the request itself fails.
    if (startedMs === null || (!text && REFUSALS.test(problem.code))) {
      over = true;
      energy?.end();
      buffer.fail(error instanceof Error ? error : new Error(String(error)));
    } else if (problem.code === 'worker.gone') {
      finish('interrupted', null, makeProblem('generate.interrupted', { detail: await ground.lastDeath() }, { chain: [`${problem.code}: ${problem.cause}`, ...problem.chain] }));
    } else {
      // Silent beyond all limits: it computes on, and only its end helps.
      if (problem.code === 'worker.unresponsive') ground.abandon(requestId, new Promise(() => undefined));
      finish('interrupted', null, problem);
    }
  };

  const cancel = (): void => {
    finish('cancelled', null, null);
    left.abort();
  };

  if (signal?.aborted === true) cancel();
  else {
    signal?.addEventListener('abort', cancel, { once: true });
    work().catch(failed);
  }
  try {
    while (true) {
      const next = await buffer.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
  }
}
