/** Prompt and decode speed as llama-bench takes them, by the very code that answers: same slot, same parts of a prompt. */
import type { Token } from 'node-llama-cpp';
import type { WorkerMeasureResult } from '../../contract/inference-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { SamplingPlan, Slot } from './decoder.ts';
import type { Engine } from './engine.ts';
import type { createSpin } from './spin.ts';

export interface MeasureWish {
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly depth: number;
  readonly repeats: number;
}

const GREEDY: SamplingPlan = { temperature: 0, topK: 40, topP: 1, minP: 0, seed: 0, penalty: null, grammar: null, topLogprobs: null };

/** Tokens a second, one value a repeat. A first, unmeasured round warms up. @throws ProblemError `generate.context_full` */
export async function measureSpeed(engine: Engine, slot: Slot, wish: MeasureWish, spin: ReturnType<typeof createSpin>): Promise<WorkerMeasureResult> {
  const need = wish.depth + Math.max(wish.promptTokens, wish.decodeTokens + 1);
  if (need > engine.usableTokens) throw problemError('generate.context_full', { tokens: need, contextTokens: engine.report.contextTokens });
  const made = madeUpTokens(need, engine.report.vocabulary);
  const deep = made.slice(0, wish.depth);
  const feed = async (tokens: readonly Token[]): Promise<void> => {
    for (let at = 0; at < tokens.length; at += engine.input.promptChunk) await slot.feed(tokens.slice(at, at + engine.input.promptChunk));
  };
  const toDepth = async (): Promise<void> => {
    await slot.keep(wish.depth);
    const has = slot.tokens().length;
    if (has < wish.depth) await feed(deep.slice(has));
  };
  await slot.keep(0);
  const result: { prompt: number[]; decode: number[] } = { prompt: [], decode: [] };
  for (let round = 0; round <= wish.repeats; round += 1) {
    if (wish.promptTokens > 0) {
      await toDepth();
      const startedAtMs = performance.now();
      await feed(made.slice(wish.depth, wish.depth + wish.promptTokens));
      if (round > 0) result.prompt.push((wish.promptTokens * 1000) / (performance.now() - startedAtMs));
    }
    if (wish.decodeTokens > 0) {
      await toDepth();
      const release = spin.hold();
      const decoding = slot.decode(made.slice(wish.depth, wish.depth + 1), GREEDY);
      try {
        const startedAtMs = performance.now();
        for (let count = 0; count < wish.decodeTokens; count += 1) await decoding.next();
        if (round > 0) result.decode.push((wish.decodeTokens * 1000) / (performance.now() - startedAtMs));
      } finally {
        release();
        await decoding.end();
      }
    }
  }
  await slot.keep(0);
  return result;
}

/** The same for every run: a linear congruential generator (Numerical Recipes' constants). */
export function madeUpTokens(count: number, vocabulary: number): Token[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state % vocabulary) as Token;
  });
}
