import type { LlamaContextSequence, LlamaGrammarEvaluationState, Token } from 'node-llama-cpp';

/** How the next token is chosen. Temperature 0: the likeliest. */
export interface SamplingPlan {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly penalty: { readonly repeat: number; readonly presence: number; readonly frequency: number; readonly lastTokens: number } | null;
  readonly grammar: LlamaGrammarEvaluationState | null;
  /** Likeliest alternatives to tell with each token; null: not even the token's own probability. */
  readonly topLogprobs: number | null;
}

export interface DecodedLogprob {
  readonly token: Token;
  readonly logprob: number;
}
export interface DecodedToken {
  readonly token: Token;
  /** Natural logarithms of the probabilities; null: not asked for. */
  readonly logprobs: { readonly own: number; readonly top: readonly DecodedLogprob[] } | null;
}

/** One answer under way: every call computes one more token, the end-of-generation token among them. */
export interface Decoding {
  next(): Promise<DecodedToken>;
  end(): Promise<void>;
}

/** One of the places in the context where an answer can be computed. Whoever holds it calls one method at a time. */
export interface Slot {
  readonly index: number;
  /** What its cache holds. */
  tokens(): readonly Token[];
  /** Shortens the cache to at most so many tokens. Some models can only be emptied: ask `tokens()` for the truth. */
  keep(length: number): Promise<void>;
  /** Puts tokens into the cache. */
  feed(tokens: readonly Token[]): Promise<void>;
  /** Feeds the tokens (at least one), then every `next` is one more token. */
  decode(tokens: readonly Token[], plan: SamplingPlan): Decoding;
  /** Tokens that a draft model has guessed, and those that were taken, since the start; null: there is none. */
  drafts(): { readonly drafted: number; readonly accepted: number } | null;
  /** For what the library does itself (calls of tools); its cache is this slot's. */
  withSequence<T>(use: (sequence: LlamaContextSequence) => Promise<T>): Promise<T>;
}

/** Computes tokens. The library's own loop is one; another may take its place. */
export interface Decoder {
  readonly name: string;
  readonly slots: readonly Slot[];
}

/** How many tokens both begin with. */
export function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a[index] === b[index]) index += 1;
  return index;
}
