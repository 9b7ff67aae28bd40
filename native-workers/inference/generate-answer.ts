/** One answer: prompt, tokens one after another, and what ends it. */
import type { Token } from 'node-llama-cpp';
import type { FinishReason, TokenLogprob } from '../../contract/inference.ts';
import type { WorkerGenerateInput, WorkerGenerateResult, WorkerGenerationEvent } from '../../contract/inference-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createAnswerFilter } from './answer-filter.ts';
import { thinkingOf } from './chat-template.ts';
import type { DecodedToken, Decoding, SamplingPlan, Slot } from './decoder.ts';
import type { Engine } from './engine.ts';
import { feedPrompt } from './feed-prompt.ts';
import { createJsonEnd } from './json-end.ts';
import { createPieceJoiner } from './piece-joiner.ts';
import { preparePrompt, refitPrompt, type PreparedPrompt } from './prepare-prompt.ts';
import type { createSpin } from './spin.ts';
import { tokenBytes } from './token-bytes.ts';
import { createTokenText } from './token-text.ts';

export interface AnswerJob {
  readonly engine: Engine;
  readonly input: WorkerGenerateInput;
  readonly prompt: PreparedPrompt;
  readonly slot: Slot;
  readonly plan: SamplingPlan;
  /** Aborted with the reason that ends the answer. */
  readonly signal: AbortSignal;
  readonly receivedAtMs: number;
  readonly spin: ReturnType<typeof createSpin>;
  readonly send: (event: WorkerGenerationEvent['event']) => void;
}

export async function generateAnswer(job: AnswerJob): Promise<WorkerGenerateResult> {
  const { engine, slot, signal, plan, send } = job;
  const { request } = job.input;
  const { model } = engine;
  let { prompt } = job;
  const answered: Token[] = [];
  const draftsBefore = slot.drafts();
  const joiner = createPieceJoiner(send, request.topLogprobs !== null);
  const filter = createAnswerFilter({
    stops: [...request.stop, ...prompt.stopTexts],
    // Under a grammar the model cannot write its marks.
    thinking: request.turns === null || plan.grammar !== null ? null : thinkingOf(engine.template, prompt.startsThinking),
    trimEnd: request.jsonSchema !== null,
  });
  const jsonEnd = request.jsonSchema === null ? null : createJsonEnd();
  const text = createTokenText(model, prompt.tokens, engine.template.markTokens);
  let firstTokenAtMs: number | null = null;
  let lastTokenAtMs: number | null = null;
  let reason: FinishReason | null = null;
  let decoding: Decoding | null = null;

  const feed = async (tokens: readonly Token[]): Promise<{ cached: number; rest: readonly Token[] }> =>
    feedPrompt(slot, tokens, { chunk: engine.input.promptChunk, signal, onProgress: (done) => send({ t: 'prompt', done, total: tokens.length }) });
  const show = (token: DecodedToken): boolean => {
    const piece = text.push(token.token);
    const { pieces, stopped } = filter.push(piece, token.logprobs === null ? null : describeLogprob(engine, token));
    for (const one of pieces) joiner.add(one);
    return stopped || jsonEnd?.push(piece) === true;
  };

  const promptStartedAtMs = performance.now();
  const fed = await feed(prompt.tokens);
  // Not while a prompt is read: no gain was measured there (H100, 7B, three sittings).
  let release = job.spin.hold();
  /** The token after the one that is being shown: computed meanwhile. */
  let pending: Promise<DecodedToken> | null = null;
  try {
    if (!signal.aborted) {
      decoding = slot.decode(fed.rest, plan);
    }
    while (decoding !== null && reason === null) {
      const token: DecodedToken = await (pending ?? decoding.next());
      pending = null;
      // What was computed while the stop came is not shown.
      if (signal.aborted) break;
      if (firstTokenAtMs === null) {
        firstTokenAtMs = performance.now();
        send({ t: 'prompt', done: prompt.tokens.length, total: prompt.tokens.length });
      }
      if (isEnd(engine, prompt, token.token)) {
        reason = 'stop';
        break;
      }
      answered.push(token.token);
      lastTokenAtMs = performance.now();
      if (answered.length !== request.maxTokens && prompt.tokens.length + answered.length <= engine.usableTokens) {
        pending = decoding.next();
        // Whoever waits for it hears of its failure.
        pending.catch(() => undefined);
        await handedOver();
      }
      if (show(token)) reason = 'stop';
      else if (request.maxTokens !== null && answered.length >= request.maxTokens) reason = 'length';
      else if (prompt.tokens.length + answered.length > engine.usableTokens) {
        const shorter = request.mayShift ? refitPrompt(engine, job.input.request, prompt, answered.length) : null;
        if (shorter === null) {
          reason = 'context_full';
          break;
        }
        await decoding.end();
        decoding = null;
        prompt = shorter;
        release();
        const { rest } = await feed([...prompt.tokens, ...answered]);
        release = job.spin.hold();
        if (!signal.aborted) decoding = slot.decode(rest, { ...plan, seed: (plan.seed + answered.length) % 2 ** 32 });
      }
    }
  } finally {
    release();
    await decoding?.end();
  }
  if (reason !== null) {
    for (const piece of filter.finish(text.flush())) joiner.add(piece);
  }
  joiner.flush();
  const drafts = slot.drafts();
  return {
    reason: reason ?? abortReason(signal),
    promptTokens: prompt.tokens.length,
    cachedTokens: fed.cached,
    answerTokens: answered.length,
    receivedAtMs: job.receivedAtMs,
    promptStartedAtMs,
    promptDoneAtMs: firstTokenAtMs,
    firstTokenAtMs,
    lastTokenAtMs,
    contextUsed: Math.min(prompt.tokens.length + answered.length, engine.report.contextTokens),
    turnsDropped: prompt.turnsDropped,
    drafted: drafts === null ? null : drafts.drafted - (draftsBefore?.drafted ?? 0),
    accepted: drafts === null ? null : drafts.accepted - (draftsBefore?.accepted ?? 0),
  };
}

/** The library hands a batch to its thread in the next turn of the event loop: after that, this thread is free to write. */
const handedOver = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

export function abortReason(signal: AbortSignal): FinishReason {
  return signal.reason === 'time_limit' ? 'time_limit' : 'cancelled';
}

function isEnd(engine: Engine, prompt: PreparedPrompt, token: Token): boolean {
  return prompt.stopTokens.has(token) || engine.model.isEogToken(token);
}

function describeLogprob(engine: Engine, decoded: DecodedToken): TokenLogprob {
  const { ggml } = engine.model.fileInfo.metadata.tokenizer;
  const describe = (token: Token, logprob: number): { token: string; bytes: number[]; logprob: number } => {
    const written = engine.model.detokenize([token], true);
    // JSON has no -Infinity; OpenAI's own floor stands for "never".
    return { token: written, bytes: tokenBytes(ggml.tokens[token], ggml.model, written), logprob: Number.isFinite(logprob) ? logprob : -9999 };
  };
  const { own, top } = decoded.logprobs ?? { own: 0, top: [] };
  return { ...describe(decoded.token, own), top: top.map((one) => describe(one.token, one.logprob)) };
}

/** No token of any vocabulary is longer on average: what is longer than this much of the context need not be counted. */
const MAX_CHARACTERS_A_TOKEN = 256;

/** @throws ProblemError `generate.context_full`, `generate.schema`, `input.invalid` */
export function promptOf(engine: Engine, input: WorkerGenerateInput): PreparedPrompt {
  const { request } = input;
  if ((request.turns === null) === (request.prompt === null)) throw problemError('input.invalid', { detail: 'Either turns or a prompt is answered.' });
  if (request.jsonSchema !== null && request.grammar !== null) throw problemError('input.invalid', { detail: 'An answer follows a schema or a grammar, not both.' });
  if (request.tools.length > 0 && request.toolChoice !== 'none' && (request.jsonSchema !== null || request.grammar !== null)) throw problemError('generate.schema', { detail: 'An answer that may call tools cannot follow a schema or grammar as well.' });
  const { contextTokens } = engine.report;
  const characters = request.prompt?.length ?? request.turns?.at(-1)?.content.length ?? 0;
  if (characters > engine.usableTokens * MAX_CHARACTERS_A_TOKEN) throw problemError('generate.context_full', { tokens: `More than ${contextTokens}`, contextTokens });
  const prompt = preparePrompt(engine, request);
  if (prompt.tokens.length > engine.usableTokens) throw problemError('generate.context_full', { tokens: prompt.tokens.length, contextTokens });
  return prompt;
}
