/** Marks between which models think when a server does not take the thinking out of the answer. */
const MARKS = [['<think>', '</think>'], ['<thinking>', '</thinking>'], ['[THINK]', '[/THINK]']] as const;

export type Channel = 'answer' | 'thinking';
export interface Piece {
  readonly channel: Channel;
  readonly text: string;
}

export interface ThinkingSplitter {
  push(text: string): Piece[];
  /** What was held back because it could have become a mark. */
  end(): Piece[];
}

/**
 * Tells thinking from the answer. Only a mark at the very beginning counts: an answer may well speak of `<think>`.
 * At most a mark's length is held back.
 */
export function createThinkingSplitter(): ThinkingSplitter {
  let held = '';
  let state: 'start' | 'thinking' | 'after' | 'answer' = 'start';
  let closing = '';

  const begin = (): Piece[] => {
    const text = held.trimStart();
    const mark = MARKS.find(([open]) => text.startsWith(open));
    if (mark !== undefined) {
      state = 'thinking';
      closing = mark[1];
      held = text.slice(mark[0].length).replace(/^\r?\n/, '');
      return think();
    }
    if (MARKS.some(([open]) => open.startsWith(text))) return [];
    state = 'answer';
    return take('answer', held.length);
  };
  const think = (): Piece[] => {
    const at = held.indexOf(closing);
    if (at < 0) return take('thinking', held.length - overlap(held, closing));
    const thought = take('thinking', at);
    held = held.slice(closing.length);
    state = 'after';
    return [...thought, ...after()];
  };
  /** The blank lines between the thinking and the answer belong to neither. */
  const after = (): Piece[] => {
    held = held.trimStart();
    if (held === '') return [];
    state = 'answer';
    return take('answer', held.length);
  };
  const take = (channel: Channel, length: number): Piece[] => {
    const text = held.slice(0, length);
    held = held.slice(length);
    return text === '' ? [] : [{ channel, text }];
  };
  return {
    push(text) {
      held += text;
      if (state === 'start') return begin();
      if (state === 'thinking') return think();
      return state === 'after' ? after() : take('answer', held.length);
    },
    end: () => (state === 'after' ? [] : take(state === 'thinking' ? 'thinking' : 'answer', held.length)),
  };
}

/** How many characters at the end of `text` could be the beginning of `mark`. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
}
