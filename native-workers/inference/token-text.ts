import type { LlamaModel, Token } from 'node-llama-cpp';

/** Bytes of one character never lie in more tokens than this. */
const MAX_HELD = 8;
/** The library looks at so many tokens before, for the space between words. */
const LOOK_BACK = 3;
const REPLACEMENT = '\uFFFD';

export interface TokenText {
  /** The text that is complete with this token: empty while a character is cut. */
  push(token: Token): string;
  /** What is held; at the end of an answer a cut character is shown as such. */
  flush(): string;
}

/**
 * Tokens to text, one after another. `marks`: control tokens that are told (the model's marks of thinking); all
 * others are left out.
 */
export function createTokenText(model: Pick<LlamaModel, 'detokenize'>, before: readonly Token[], marks: ReadonlySet<Token>): TokenText {
  let last: Token[] = before.slice(-LOOK_BACK);
  let held: Token[] = [];
  const take = (): string => {
    const text = model.detokenize(held, false, last);
    last = [...last, ...held].slice(-LOOK_BACK);
    held = [];
    return text;
  };
  return {
    push(token) {
      if (marks.has(token)) {
        const text = held.length === 0 ? '' : take();
        last = [...last, token].slice(-LOOK_BACK);
        return text + model.detokenize([token], true);
      }
      held.push(token);
      if (held.length < MAX_HELD && model.detokenize(held, false, last).endsWith(REPLACEMENT)) return '';
      return take();
    },
    flush: () => (held.length === 0 ? '' : take()),
  };
}
