/**
 * Two changes to the native context object that the library gives no option for (node-llama-cpp 3.22.1; what is not as
 * expected is left alone):
 *
 * - Decode and sample are handed to the thread pool together instead of one after the other's answer: a round trip less
 *   for each token. Only with one pool thread, which keeps their order (UV_THREADPOOL_SIZE=1).
 * - Probabilities are told of the model's own distribution (as llama.cpp and OpenAI tell them), not of what temperature,
 *   top-k and top-p leave of it.
 */
import type { LlamaContext } from 'node-llama-cpp';

interface AddonSampler {
  applyConfig(config: { readonly temperature: number }): void;
  dispose(): void;
}
type Told = [token: number, probabilities: number[] | undefined, confidence: number | undefined, logits: number[] | undefined, totalLogitWeight: number | undefined];
interface AddonContext {
  initBatch(size: number): void;
  addToBatch(sequence: number, first: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(index: number, sampler: AddonSampler, ...more: readonly unknown[]): Promise<unknown>;
}
interface Internals {
  readonly _ctx: AddonContext;
  readonly _llama: { readonly _bindings: { readonly AddonSampler: new (model: unknown) => AddonSampler } };
  readonly _model: { readonly _model: unknown };
}

const NOTHING: Promise<Error | null> = Promise.resolve(null);
/** OpenAI's limit of `top_logprobs`. */
const TOP = 20;

export interface TunedContext {
  readonly piped: boolean;
  /** Probabilities are of the model's own distribution. */
  readonly ownProbabilities: boolean;
  dispose(): void;
}

export function tuneContext(context: LlamaContext, options: { readonly oneThread: boolean }): TunedContext {
  const inside = context as unknown as Partial<Internals>;
  const ctx = inside._ctx;
  if (ctx === undefined || (['initBatch', 'addToBatch', 'decodeBatch', 'sampleToken'] as const).some((name) => typeof ctx[name] !== 'function')) return { piped: false, ownProbabilities: false, dispose: () => undefined };
  const own = { initBatch: ctx.initBatch.bind(ctx), addToBatch: ctx.addToBatch.bind(ctx), decodeBatch: ctx.decodeBatch.bind(ctx), sampleToken: ctx.sampleToken.bind(ctx) };
  const changed: Partial<Record<keyof AddonContext, unknown>> = {};
  let decoding = NOTHING;

  if (options.oneThread) {
    let samples = false;
    let prompts = false;
    changed.initBatch = (size: number): void => {
      samples = false;
      prompts = false;
      own.initBatch(size);
    };
    changed.addToBatch = (sequence: number, first: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array => {
      if (logitIndexes.length > 0) samples = true;
      else prompts = true;
      return own.addToBatch(sequence, first, tokens, logitIndexes);
    };
    changed.decodeBatch = (): Promise<void> => {
      decoding = NOTHING;
      const running = own.decodeBatch();
      // A part of a prompt has no sample to wait for: this is what tells that it is computed.
      if (!samples || prompts) return running;
      decoding = running.then(() => null, (error: unknown) => (error instanceof Error ? error : new Error(String(error))));
      return Promise.resolve();
    };
  }

  const Sampler = inside._llama?._bindings.AddonSampler;
  const model = inside._model?._model;
  const likeliest = Sampler === undefined || model === undefined ? null : new Sampler(model);
  likeliest?.applyConfig({ temperature: 0 });

  changed.sampleToken = async (index: number, sampler: AddonSampler, ...more: readonly unknown[]): Promise<unknown> => {
    const wantsProbabilities = more[0] === true && likeliest !== null;
    const sampled = wantsProbabilities ? own.sampleToken(index, sampler) : own.sampleToken(index, sampler, ...more);
    // A failed batch must not show as the failure of its sample, nor as a token.
    sampled.catch(() => undefined);
    const failure = await decoding;
    if (failure !== null) throw failure;
    const result = await sampled;
    if (!wantsProbabilities || typeof result !== 'number' || result === -1) return result;
    const told = (await own.sampleToken(index, likeliest, false, false, [[result], false, false, false, TOP], true)) as Told;
    return tellProbabilities(result, told[3] ?? [], told[4] ?? 0);
  };
  // The methods of the prototype are read-only; properties of the object itself stand before them.
  for (const [name, value] of Object.entries(changed)) Object.defineProperty(ctx, name, { value, configurable: true });
  return { piped: options.oneThread, ownProbabilities: likeliest !== null, dispose: () => likeliest?.dispose() };
}

/** @param logits pairs of token and logit, the likeliest first @param weight sum of exp(logit − likeliest) over the vocabulary */
export function tellProbabilities(token: number, logits: readonly number[], weight: number): Told {
  const most = logits[1] ?? 0;
  const probabilities: number[] = [];
  let confidence = 0;
  for (let at = 0; at + 1 < logits.length; at += 2) {
    const one = logits[at] ?? 0;
    const probability = Math.exp((logits[at + 1] ?? -Infinity) - most) / weight;
    if (one === token) confidence = probability;
    // The token itself is told once more at the end of the list; the first time counts.
    if (!probabilities.some((other, index) => index % 2 === 0 && other === one)) probabilities.push(one, probability);
  }
  return [token, probabilities, confidence, undefined, undefined];
}
