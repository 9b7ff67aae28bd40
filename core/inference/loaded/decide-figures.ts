import type { GenerationFigures } from '../../../contract/inference.ts';
import type { WorkerGenerateResult } from '../../../contract/inference-worker.ts';

export interface FiguresInput {
  /** null: it ended before the worker could say. */
  readonly result: WorkerGenerateResult | null;
  /** Counted from the events, for an answer without a result. */
  readonly seen: { readonly promptTokens: number; readonly answerTokens: number };
  /** Of the engine's clock, ms: from the request's arrival. */
  readonly firstTokenMs: number | null;
  readonly queuedMs: number;
  /** Since the worker was asked, s, for an answer without a result. */
  readonly workedSeconds: number;
  readonly joules: number | null;
  readonly contextTokens: number;
  readonly seed: number;
  /** Tokens a second that the memory's bandwidth allows at this depth; null: not known. */
  readonly roofline: number | null;
}

/** The figures under an answer. What was not measured is null. */
export function decideFigures(input: FiguresInput): GenerationFigures {
  const { result, seen, joules, roofline } = input;
  const answerTokens = result?.answerTokens ?? seen.answerTokens;
  const decode = result === null ? null : decodeSpeed(result);
  return {
    promptTokens: result?.promptTokens ?? seen.promptTokens,
    cachedTokens: result?.cachedTokens ?? 0,
    answerTokens,
    firstTokenMs: input.firstTokenMs,
    queuedMs: input.queuedMs,
    promptTokensPerSecond: result === null ? null : promptSpeed(result),
    decodeTokensPerSecond: decode,
    seconds: result === null ? input.workedSeconds : Math.max(0, ((result.lastTokenAtMs ?? result.promptDoneAtMs ?? result.receivedAtMs) - result.receivedAtMs) / 1000),
    joules,
    joulesPerToken: joules === null || answerTokens === 0 ? null : joules / answerTokens,
    rooflineShare: decode === null || roofline === null || roofline <= 0 ? null : decode / roofline,
    contextTokens: input.contextTokens,
    contextUsed: result?.contextUsed ?? seen.promptTokens + seen.answerTokens,
    turnsDropped: result?.turnsDropped ?? 0,
    seed: input.seed,
    drafted: result?.drafted ?? null,
    accepted: result?.accepted ?? null,
  };
}

/** Of the tokens that were really computed. */
function promptSpeed({ promptTokens, cachedTokens, promptStartedAtMs, promptDoneAtMs }: WorkerGenerateResult): number | null {
  const computed = promptTokens - cachedTokens;
  if (promptDoneAtMs === null || promptStartedAtMs === null || computed <= 0 || promptDoneAtMs <= promptStartedAtMs) return null;
  return computed / ((promptDoneAtMs - promptStartedAtMs) / 1000);
}

/** Between the first and the last token: the first one's time belongs to the prompt. */
function decodeSpeed({ answerTokens, firstTokenAtMs, lastTokenAtMs }: WorkerGenerateResult): number | null {
  if (answerTokens < 2 || firstTokenAtMs === null || lastTokenAtMs === null || lastTokenAtMs <= firstTokenAtMs) return null;
  return (answerTokens - 1) / ((lastTokenAtMs - firstTokenAtMs) / 1000);
}
