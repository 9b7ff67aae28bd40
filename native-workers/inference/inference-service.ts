/** What the engine asks of a worker, in order. */
import { writeFileSync } from 'node:fs';
import type { Token } from 'node-llama-cpp';
import type { z } from 'zod';
import type { workerCountInput, workerEmbedInput, workerMeasureInput, WorkerGenerateInput, WorkerGenerateResult, WorkerGenerationEvent, WorkerLoadInput, WorkerLoadReport, WorkerMeasureResult } from '../../contract/inference-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { Slot } from './decoder.ts';
import { createEmbedder, type Embedder } from './embed-texts.ts';
import type { Engine } from './engine.ts';
import { abortReason, generateAnswer, promptOf } from './generate-answer.ts';
import { generateWithLibrary } from './generate-with-library.ts';
import { makeGrammar } from './grammar.ts';
import { loadEngine } from './load-engine.ts';
import { pickTrouble } from './load-log.ts';
import { measureSpeed } from './measure-speed.ts';
import { makeSamplingPlan } from './sampling-plan.ts';
import { createSlotQueue, type SlotQueue } from './slot-queue.ts';
import { createSpin } from './spin.ts';

export interface InferenceService {
  load(input: WorkerLoadInput): Promise<WorkerLoadReport>;
  generate(input: WorkerGenerateInput): Promise<WorkerGenerateResult>;
  stop(requestId: string): Promise<null>;
  embed(input: z.infer<typeof workerEmbedInput>): Promise<{ vectors: number[][]; tokens: number }>;
  count(input: z.infer<typeof workerCountInput>): { tokens: number };
  measure(input: z.infer<typeof workerMeasureInput>): Promise<WorkerMeasureResult>;
  dispose(): Promise<void>;
}

interface Ready {
  readonly engine: Engine;
  readonly queue: SlotQueue;
  readonly embedder: Embedder;
  readonly spin: ReturnType<typeof createSpin>;
}

export function createInferenceService(emit: { readonly generation: (event: WorkerGenerationEvent) => void; readonly loading: (progress: number) => void }): InferenceService {
  let ready: Ready | null = null;
  let loading = false;
  const running = new Map<string, { readonly abort: AbortController; readonly done: Promise<unknown> }>();

  const loaded = (): Ready => {
    if (ready === null) throw problemError('load.not_loaded', { what: 'The model of this process' });
    return ready;
  };

  /** Holds a slot while `use` runs. What fails in it may have left half a batch behind: its cache is emptied. */
  const withSlot = async <T>(tokens: readonly Token[], signal: AbortSignal, use: (slot: Slot) => Promise<T>): Promise<T> => {
    const { queue } = loaded();
    const slot = await queue.take(tokens, signal);
    try {
      return await use(slot);
    } catch (error) {
      await slot.keep(0).catch(() => undefined);
      if (error instanceof Error && error.name === 'ProblemError') throw error;
      const detail = error instanceof Error ? error.message : String(error);
      throw problemError('generate.interrupted', { detail: detail.endsWith('.') ? detail : `${detail}.` }, { cause: error, chain: [detail] });
    } finally {
      queue.give(slot);
    }
  };

  const answer = async (input: WorkerGenerateInput, abort: AbortController): Promise<WorkerGenerateResult> => {
    const receivedAtMs = performance.now();
    const { engine, spin } = loaded();
    const { request } = input;
    const prompt = promptOf(engine, input);
    const said = engine.log.lines().length;
    const grammar = await makeGrammar(engine.llama, request, () => pickTrouble(engine.log.lines().slice(said))[0] ?? null);
    const state = grammar === null ? null : new engine.library.LlamaGrammarEvaluationState({ model: engine.model, grammar });
    const timer = setTimeout(() => abort.abort('time_limit'), request.timeLimitSeconds * 1000);
    const send = (event: WorkerGenerationEvent['event']): void => emit.generation({ requestId: input.requestId, event });
    try {
      return await withSlot(prompt.tokens, abort.signal, (slot) => {
        const job = { engine, input, prompt, slot, plan: makeSamplingPlan(request, input.seed, state), signal: abort.signal, receivedAtMs, spin, send };
        return prompt.functions !== undefined || (prompt.needsLibrary && state === null) ? generateWithLibrary(job) : generateAnswer(job);
      });
    } catch (error) {
      if (!abort.signal.aborted || error !== abort.signal.reason) throw error;
      // It ended while it waited for its turn.
      return { reason: abortReason(abort.signal), promptTokens: prompt.tokens.length, cachedTokens: 0, answerTokens: 0, receivedAtMs, promptStartedAtMs: null, promptDoneAtMs: null, firstTokenAtMs: null, lastTokenAtMs: null, contextUsed: 0, turnsDropped: prompt.turnsDropped, drafted: null, accepted: null };
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    async load(input) {
      if (loading || ready !== null) throw problemError('input.invalid', { detail: 'This process has a model already.' });
      loading = true;
      try {
        const engine = await loadEngine(input, emit.loading);
        ready = { engine, queue: createSlotQueue(engine.decoder.slots), embedder: createEmbedder(engine), spin: createSpin(input.spin) };
        return engine.report;
      } finally {
        loading = false;
      }
    },
    generate(input) {
      if (running.has(input.requestId)) throw problemError('input.invalid', { detail: 'A request of this id is being answered.' });
      const abort = new AbortController();
      const done = answer(input, abort).finally(() => running.delete(input.requestId));
      running.set(input.requestId, { abort, done });
      return done;
    },
    async stop(requestId) {
      const request = running.get(requestId);
      request?.abort.abort('cancelled');
      await request?.done.catch(() => undefined);
      return null;
    },
    embed: (input) => loaded().embedder.embed(input.texts),
    count(input) {
      const { engine } = loaded();
      const text = input.text === null ? 0 : engine.model.tokenize(input.text, true).length;
      return { tokens: text + (input.turns === null ? 0 : engine.template.render(input.turns).tokens.length) };
    },
    async measure(input) {
      const { engine, spin } = loaded();
      return withSlot([], new AbortController().signal, (slot) => measureSpeed(engine, slot, input, spin));
    },
    async dispose() {
      for (const { abort } of running.values()) abort.abort('cancelled');
      await Promise.all([...running.values()].map(({ done }) => done.catch(() => undefined)));
      await ready?.engine.dispose();
      ready = null;
    },
  };
}

/** When memory runs out on Linux, this process goes before the desktop does. @param score 0 to 1000 */
export function volunteerForOom(score = 500): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score));
  } catch {
    // Not allowed in some containers; the order of dying is then the kernel's.
  }
}
