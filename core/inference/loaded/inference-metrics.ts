import type { InferenceTotals, LoadedModel } from '../../../contract/inference.ts';
import type { AnswerOutcome } from './run-answer.ts';

/** One line of `/metrics`; `add` of the text maker takes its parts in this order. */
export interface MetricSample {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null;
}

export interface InferenceMetrics {
  asked(): void;
  refused(): void;
  answered(outcome: AnswerOutcome): void;
  totals(): InferenceTotals;
  samples(models: readonly LoadedModel[]): MetricSample[];
}

/** Totals since the engine started, and the last answer's figures. No path, no text. */
export function createInferenceMetrics(): InferenceMetrics {
  let totals: InferenceTotals = { promptTokens: 0, answerTokens: 0, requests: 0, refused: 0 };
  let joulesPerToken: number | null = null;
  let firstTokenSeconds: number | null = null;
  return {
    asked() {
      totals = { ...totals, requests: totals.requests + 1 };
    },
    refused() {
      totals = { ...totals, refused: totals.refused + 1 };
    },
    answered({ figures }) {
      totals = { ...totals, promptTokens: totals.promptTokens + (figures.promptTokens ?? 0) - (figures.cachedTokens ?? 0), answerTokens: totals.answerTokens + (figures.answerTokens ?? 0) };
      joulesPerToken = figures.joulesPerToken;
      if (figures.firstTokenMs !== null) firstTokenSeconds = figures.firstTokenMs / 1000;
    },
    totals: () => totals,
    samples(models) {
      const working = models.map((model) => model.tokensPerSecondNow).filter((speed) => speed !== null);
      return [
        { name: 'warpdeck_inference_tokens_total', type: 'counter', help: 'Tokens that were computed.', labels: { kind: 'prompt' }, value: totals.promptTokens },
        { name: 'warpdeck_inference_tokens_total', type: 'counter', help: 'Tokens that were computed.', labels: { kind: 'answer' }, value: totals.answerTokens },
        { name: 'warpdeck_inference_requests_total', type: 'counter', help: 'Answers that were asked for.', labels: {}, value: totals.requests },
        { name: 'warpdeck_inference_refused_total', type: 'counter', help: 'Requests that were refused because too many waited.', labels: {}, value: totals.refused },
        { name: 'warpdeck_inference_tokens_per_second', type: 'gauge', help: 'Speed at which all models write now.', labels: {}, value: working.reduce((sum, speed) => sum + speed, 0) },
        { name: 'warpdeck_inference_joules_per_token', type: 'gauge', help: 'Energy of the GPUs for one token of the last answer.', labels: {}, value: joulesPerToken },
        { name: 'warpdeck_inference_time_to_first_token_seconds', type: 'gauge', help: 'From the last request to its first token.', labels: {}, value: firstTokenSeconds },
        { name: 'warpdeck_inference_models_loaded', type: 'gauge', help: 'Models in memory.', labels: {}, value: models.filter((model) => model.state === 'ready').length },
      ];
    },
  };
}
