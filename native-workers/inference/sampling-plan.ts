import type { LlamaGrammarEvaluationState } from 'node-llama-cpp';
import type { GenerateRequest } from '../../contract/inference.ts';
import type { SamplingPlan } from './decoder.ts';

/** What a request asks of sampling, in the decoder's words. Penalties that change nothing are left out: they cost time. */
export function makeSamplingPlan(request: Pick<GenerateRequest, 'sampling' | 'topLogprobs'>, seed: number, grammar: LlamaGrammarEvaluationState | null): SamplingPlan {
  const { sampling } = request;
  const punishes = sampling.repeatLastTokens > 0 && (sampling.repeatPenalty !== 1 || sampling.presencePenalty !== 0 || sampling.frequencyPenalty !== 0);
  return {
    temperature: sampling.temperature,
    topK: sampling.topK,
    topP: sampling.topP,
    minP: sampling.minP,
    seed,
    penalty: punishes ? { repeat: sampling.repeatPenalty, presence: sampling.presencePenalty, frequency: sampling.frequencyPenalty, lastTokens: sampling.repeatLastTokens } : null,
    grammar,
    topLogprobs: request.topLogprobs,
  };
}
