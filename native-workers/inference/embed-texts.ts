import type { LlamaEmbeddingContext } from 'node-llama-cpp';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { Engine } from './engine.ts';

/** Longer texts need a longer batch, whose working memory grows with it. */
const MAX_EMBED_TOKENS = 8192;

export interface Embedder {
  /** One vector a text, of length 1. @throws ProblemError `generate.context_full` */
  embed(texts: readonly string[]): Promise<{ readonly vectors: number[][]; readonly tokens: number }>;
}

/** Embeddings need a context of their own, which is made when the first is asked for. */
export function createEmbedder(engine: Engine): Embedder {
  let making: Promise<LlamaEmbeddingContext> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const most = Math.min(engine.report.contextTokens, MAX_EMBED_TOKENS);
  const context = (): Promise<LlamaEmbeddingContext> => {
    making ??= engine.model.createEmbeddingContext({ contextSize: most, batchSize: most, threads: engine.input.threads, ignoreMemorySafetyChecks: true });
    making.catch(() => {
      making = null;
    });
    return making;
  };
  const embed: Embedder['embed'] = async (texts) => {
    const vectors: number[][] = [];
    let tokens = 0;
    const made = await context();
    for (const text of texts) {
      const length = made.calculateInputLength(text);
      if (length >= most) throw problemError('generate.context_full', { tokens: length, contextTokens: most - 1 });
      tokens += length;
      const { vector } = await made.getEmbeddingFor(text);
      vectors.push(vector.length === 0 ? new Array<number>(engine.model.embeddingVectorSize).fill(0) : normalise(vector));
    }
    return { vectors, tokens };
  };
  return {
    // One after another: the context has one sequence.
    embed(texts) {
      const next = last.then(() => embed(texts));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

/** To length 1; a vector of zeros (an empty text) stays. */
export function normalise(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : vector.map(() => 0);
}
