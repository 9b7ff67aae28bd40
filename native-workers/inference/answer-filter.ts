import type { TokenLogprob } from '../../contract/inference.ts';

export type Channel = 'answer' | 'thinking';

/** A piece of the answer that may be shown. */
export interface AnswerPiece {
  readonly channel: Channel;
  readonly text: string;
  /** How many tokens ended in it. */
  readonly tokens: number;
  readonly logprobs: readonly TokenLogprob[];
}

export interface FilterOptions {
  /** Where one of these begins, the answer ends; none of it is shown. */
  readonly stops: readonly string[];
  /** Around thinking; null: the model has no such marks. */
  readonly thinking: { readonly open: string | null; readonly close: string | null; readonly startsOpen: boolean } | null;
  /** Spaces and line ends are shown only when something follows (an answer that is JSON). */
  readonly trimEnd: boolean;
}

export interface AnswerFilter {
  push(text: string, logprob: TokenLogprob | null): { readonly pieces: readonly AnswerPiece[]; readonly stopped: boolean };
  /** What was held because a stop or a mark might have begun there, with what the last tokens still give. */
  finish(rest?: string): readonly AnswerPiece[];
}

interface Entry {
  /** Where the token's text begins in what is held. */
  start: number;
  readonly logprob: TokenLogprob | null;
}

/** Takes stop strings and the marks of thinking out of a text that comes in pieces. No I/O, no time. */
export function createAnswerFilter(options: FilterOptions): AnswerFilter {
  const { thinking } = options;
  let channel: Channel = thinking?.startsOpen === true ? 'thinking' : 'answer';
  let held = '';
  let entries: Entry[] = [];
  let stopped = false;
  // Line ends beside a mark belong to the mark.
  let atStart = channel === 'thinking';

  const marks = (): { readonly text: string; readonly stop: boolean }[] => {
    if (channel === 'thinking') return thinking?.close == null ? [] : [{ text: thinking.close, stop: false }];
    const stops = options.stops.map((text) => ({ text, stop: true }));
    return thinking?.open == null ? stops : [...stops, { text: thinking.open, stop: false }];
  };

  /** Takes the first `length` characters off what is held. `show`: false for marks. */
  const take = (length: number, show: boolean): AnswerPiece[] => {
    let text = held.slice(0, length);
    held = held.slice(length);
    // With nothing left the tokens without text (control tokens) go too.
    const done = entries.filter((entry) => entry.start < length || held === '');
    entries = held === '' ? [] : entries.filter((entry) => entry.start >= length);
    for (const entry of entries) entry.start -= length;
    if (show && atStart) {
      text = text.replace(/^[\r\n]+/, '');
      if (text !== '') atStart = false;
    }
    if (!show || text === '') return [];
    return [{ channel, text, tokens: done.length, logprobs: done.flatMap((entry) => (entry.logprob === null ? [] : [entry.logprob])) }];
  };

  const drain = (): AnswerPiece[] => {
    const pieces: AnswerPiece[] = [];
    for (;;) {
      const found = firstMark(held, marks());
      if (found === null) break;
      pieces.push(...take(found.at, true));
      if (found.stop) {
        stopped = true;
        held = '';
        entries = [];
        return pieces;
      }
      take(found.length, false);
      channel = channel === 'answer' ? 'thinking' : 'answer';
      atStart = true;
    }
    const free = held.length - heldBack(held, marks().map((mark) => mark.text), options.trimEnd);
    if (free > 0) pieces.push(...take(free, true));
    return pieces;
  };

  return {
    push(text, logprob) {
      if (stopped) return { pieces: [], stopped };
      entries.push({ start: held.length, logprob });
      held += text;
      const pieces = drain();
      return { pieces, stopped };
    },
    finish(rest = '') {
      if (stopped) return [];
      held += rest;
      const length = options.trimEnd ? held.trimEnd().length : held.length;
      return length === 0 ? [] : take(length, true);
    },
  };
}

function firstMark(text: string, marks: readonly { readonly text: string; readonly stop: boolean }[]): { readonly at: number; readonly length: number; readonly stop: boolean } | null {
  let first: { at: number; length: number; stop: boolean } | null = null;
  for (const mark of marks) {
    const at = text.indexOf(mark.text);
    if (at >= 0 && (first === null || at < first.at)) first = { at, length: mark.text.length, stop: mark.stop };
  }
  return first;
}

/** How many characters at the end may be the beginning of a mark (or, with `trimEnd`, are blank). */
function heldBack(text: string, marks: readonly string[], trimEnd: boolean): number {
  let most = trimEnd ? text.length - text.trimEnd().length : 0;
  for (const mark of marks) {
    for (let length = Math.min(mark.length - 1, text.length); length > most; length -= 1) {
      if (text.endsWith(mark.slice(0, length))) {
        most = length;
        break;
      }
    }
  }
  return most;
}
