import type { FinishReason, GenerationFigures } from '../../../../contract/inference.ts';
import type { LiveSnapshot } from '../../../stores/live-answer.ts';
import { formatBytes, formatCount, formatFigures, formatWhole, type Quantity } from '../../../ui/format.ts';

/** Times: ms below a second, else s. */
export function formatMs(ms: number): Quantity {
  return ms < 1000 ? { text: formatWhole(Math.round(ms)), unit: 'ms' } : { text: formatFigures(ms / 1000), unit: 's' };
}

/** `141 tok/s`: whole from a hundred on, else three figures. */
export function formatSpeed(tokensPerSecond: number): Quantity {
  return { text: tokensPerSecond < 100 ? tokensPerSecond.toFixed(tokensPerSecond < 10 ? 2 : 1) : formatWhole(Math.round(tokensPerSecond)), unit: 'tok/s' };
}

const words = (q: Quantity): string => `${q.text} ${q.unit}`;

/** How an answer ended, in words; null: by itself, which needs none. */
export const reasonWords: Readonly<Record<FinishReason, string | null>> = {
  stop: null,
  length: 'ended at the longest length that was set',
  context_full: 'ended because the context is full',
  tool_calls: 'ended with a call of a tool',
  cancelled: 'stopped',
  time_limit: 'ended at the time limit',
  interrupted: 'interrupted',
};

export interface Figure {
  readonly key: string;
  readonly text: string;
  /** Shown on hover: what it is, or why it is not there. */
  readonly title: string;
}

/** The quiet line under an answer: what was measured, a dash with its reason where something was not. Pure. */
export function describeFigures(f: GenerationFigures, remote: boolean): readonly Figure[] {
  const reason = remote ? 'The server does not report it.' : 'The engine did not report it.';
  const list: Figure[] = [
    { key: 'decode', text: f.decodeTokensPerSecond === null ? '— tok/s' : words(formatSpeed(f.decodeTokensPerSecond)), title: f.decodeTokensPerSecond === null ? (f.answerTokens !== null && f.answerTokens < 2 ? 'One token has no speed.' : reason) : 'Speed of writing: tokens a second between the first and the last' },
    { key: 'first', text: `first token ${f.firstTokenMs === null ? '—' : words(formatMs(f.firstTokenMs))}`, title: f.firstTokenMs === null ? reason : `From the request to the first token${f.queuedMs >= 1 ? `; before that it waited ${words(formatMs(f.queuedMs))}` : ''}` },
    { key: 'tokens', text: f.answerTokens === null ? '— tokens' : formatCount(f.answerTokens, 'token'), title: f.promptTokens === null ? reason : `${formatCount(f.promptTokens, 'token')} of prompt${f.cachedTokens !== null && f.cachedTokens > 0 ? `, ${formatWhole(f.cachedTokens)} of them still in the context` : ''}` },
    { key: 'prompt', text: `prompt ${f.promptTokensPerSecond === null ? '—' : words(formatSpeed(f.promptTokensPerSecond))}`, title: f.promptTokensPerSecond === null ? (f.promptTokens !== null && f.cachedTokens !== null && f.promptTokens <= f.cachedTokens + 1 ? 'The prompt was still in the context.' : reason) : 'Speed of reading the prompt' },
    { key: 'seconds', text: words(formatMs(f.seconds * 1000)), title: 'In all, without waiting' },
    { key: 'energy', text: f.joulesPerToken === null ? 'energy —' : `${formatFigures(f.joulesPerToken)} J/tok`, title: f.joulesPerToken === null ? (remote ? reason : 'No GPU reported its energy for this answer alone.') : `${f.joules === null ? '' : `${formatFigures(f.joules)} J in all, `}of the GPUs it ran on` },
    { key: 'roofline', text: f.rooflineShare === null ? 'roofline —' : `${formatWhole(Math.round(f.rooflineShare * 100))} % of the roofline`, title: f.rooflineShare === null ? 'The bandwidth of the memory that it ran in is not known, or there was no speed.' : 'Speed of writing, of what the memory’s bandwidth would allow' },
  ];
  if (f.turnsDropped > 0) list.push({ key: 'dropped', text: `${formatCount(f.turnsDropped, 'old turn')} left out`, title: 'The context was full: the model did not see the oldest turns.' });
  if (f.drafted !== null && f.accepted !== null && f.drafted > 0) list.push({ key: 'draft', text: `${formatWhole(Math.round((f.accepted / f.drafted) * 100))} % of the draft taken`, title: `${formatWhole(f.accepted)} of ${formatWhole(f.drafted)} tokens that the small model guessed` });
  return list;
}

/** What an answer that is being written does, in words. Pure. */
export function describeProgress(live: Pick<LiveSnapshot, 'state' | 'done' | 'total' | 'tokens'>, speed: number | null): string {
  if (live.state === 'queued') return live.done !== null && live.done > 0 ? `waits for ${formatCount(live.done, 'request')}` : 'waits';
  if (live.state === 'loading') return live.done === null ? 'loads the model' : `loads the model, ${formatWhole(Math.round((live.total !== null && live.total > 1 ? live.done / live.total : live.done) * 100))} %`;
  if (live.state === 'prompt') return live.done === null || live.total === null ? 'reads the prompt' : `reads the prompt, ${formatWhole(live.done)} of ${formatCount(live.total, 'token')}`;
  return `${speed === null ? '' : `${words(formatSpeed(speed))}, `}${formatCount(live.tokens, 'token')} so far`;
}

/** One sentence for a screen reader when an answer has ended. Pure. */
export function describeEnd(answer: { readonly reason: FinishReason | null; readonly figures: GenerationFigures | null; readonly problem: { readonly title: string; readonly cause: string } | null }): string {
  if (answer.problem !== null) return `${answer.problem.title}. ${answer.problem.cause}`;
  const how = answer.reason === null ? null : reasonWords[answer.reason];
  const first = answer.reason === 'cancelled' ? 'Stopped' : how === null ? 'The answer is complete' : `The answer ${how}`;
  return `${first}${answer.figures === null || answer.figures.answerTokens === null ? '' : `: ${formatCount(answer.figures.answerTokens, 'token')}`}.`;
}

/** Of a text that goes with a message, in characters as bytes: what people know files by. */
export function sizeOf(characters: number): string {
  const { text, unit } = formatBytes(characters);
  return `${text} ${unit}`;
}
