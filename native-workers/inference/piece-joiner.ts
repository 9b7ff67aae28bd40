import type { TokenLogprob } from '../../contract/inference.ts';
import type { WorkerGenerationEvent } from '../../contract/inference-worker.ts';
import type { AnswerPiece } from './answer-filter.ts';

/** Text of so long is joined to one event (contract/inference.ts). */
const JOIN_MS = 16;

export interface PieceJoiner {
  add(piece: AnswerPiece): void;
  flush(): void;
}

/** Joins pieces of one channel. The first piece after a pause goes at once; what follows waits up to 16 ms. */
export function createPieceJoiner(send: (event: WorkerGenerationEvent['event']) => void, withLogprobs: boolean): PieceJoiner {
  let channel: AnswerPiece['channel'] = 'answer';
  let text = '';
  let tokens = 0;
  let logprobs: TokenLogprob[] = [];
  let sentAtMs = -Infinity;
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (text === '') return;
    sentAtMs = performance.now();
    // The clock that all processes share, so that who reads it can tell how long it was on its way.
    send({ t: 'text', text, channel, tokens, atMs: performance.timeOrigin + sentAtMs, ...(withLogprobs ? { logprobs } : {}) });
    text = '';
    tokens = 0;
    logprobs = [];
  };
  return {
    add(piece) {
      if (piece.channel !== channel) flush();
      channel = piece.channel;
      text += piece.text;
      tokens += piece.tokens;
      logprobs.push(...piece.logprobs);
      const wait = sentAtMs + JOIN_MS - performance.now();
      if (wait <= 0) flush();
      else timer ??= setTimeout(flush, wait);
    },
    flush,
  };
}
