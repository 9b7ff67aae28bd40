/** A piece of an answer that is drawn by itself and, once finished, never parsed again. */
export interface Block {
  readonly kind: 'markdown' | 'code';
  /** Place of its first character in the answer; what tells blocks apart. */
  readonly start: number;
  readonly text: string;
  /** Of code: the first word behind the fence. */
  readonly language: string | null;
  /** Long code comes in pieces that are drawn as one. */
  readonly place: 'only' | 'first' | 'middle' | 'last';
}

export interface BlockStream {
  /** The whole text so far; it must begin with what was given before. */
  feed(text: string): void;
  /** Nothing more comes. */
  finish(): void;
  /** Blocks that will not change; always the same array, which grows. */
  done(): readonly Block[];
  /** The one that still grows; null: there is none. */
  open(): Block | null;
  /** `[label]: address` lines by label, lower case. */
  definitions(): ReadonlyMap<string, string>;
}

/** From here a list, table or paragraph is cut where that does not show, characters; lists and tables also by lines. */
const SOFT_CHARACTERS = 4000;
const SOFT_LINES = 40;
/** And here wherever a line ends. */
const HARD_CHARACTERS = 12_000;
/** A line longer than this counts as several. */
const LINE_CHARACTERS = 4000;
/** Code is drawn in pieces of about this. */
const CODE_CHARACTERS = 8000;
const MOST_DEFINITIONS = 200;

const ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const ANY_ITEM = /^\s*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const FENCE = /^( {0,3})(`{3,}|~{3,})[ \t]*([^\s`]*)([^`]*)$/;
const DEFINITION = /^ {0,3}\[([^\][\n]{1,200})\]:[ \t]*\S[^\n]{0,2000}$/gm;

/**
 * Cuts Markdown into blocks as it comes, a line at a time, so that however it arrives the blocks are the same. Coarser
 * than Markdown's own blocks: a list with the paragraphs in it is one.
 */
export function createBlockStream(): BlockStream {
  let text = '';
  /** First character that was not looked at as a line yet. */
  let line = 0;
  /** Where the open block begins. */
  let start = 0;
  let mode: 'none' | 'text' | 'list' | 'table' | 'code' = 'none';
  let fence: { readonly mark: string; readonly language: string | null; pieces: number } | null = null;
  let blank = false;
  let previous = '';
  let lines = 0;
  /** Header and rule of the open table, put again before its next part. */
  let tableHead = '';
  let head = '';
  const done: Block[] = [];
  const definitions = new Map<string, string>();

  const endText = (end: number): void => {
    const own = text.slice(start, end).trimEnd();
    if (own !== '') {
      done.push({ kind: 'markdown', start, text: head + own, language: null, place: 'only' });
      if (own.includes(']:')) for (const [whole, label = ''] of own.matchAll(DEFINITION)) if (definitions.size < MOST_DEFINITIONS && !definitions.has(label.toLowerCase())) definitions.set(label.toLowerCase(), whole);
    }
    mode = 'none';
    head = '';
    previous = '';
    lines = 0;
    start = end;
  };
  const endCode = (end: number, last: boolean): void => {
    if (fence === null) return;
    const place = last ? (fence.pieces === 0 ? 'only' : 'last') : fence.pieces === 0 ? 'first' : 'middle';
    done.push({ kind: 'code', start, text: text.slice(start, end).replace(/\n$/, ''), language: fence.language, place });
    fence.pieces += 1;
    start = end;
  };
  const takeLine = (from: number, end: number, cutInLine: boolean): void => {
    const now = text.slice(from, end).replace(/\r?\n$/, '');
    if (fence !== null) {
      const closing = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(now)?.[1];
      if (closing !== undefined && closing.startsWith(fence.mark)) {
        endCode(from, true);
        fence = null;
        mode = 'none';
        start = end;
      } else if (end - start > CODE_CHARACTERS) endCode(end, false);
      return;
    }
    if (now.trim() === '') {
      blank = true;
      if (mode === 'none') start = end;
      return;
    }
    const opening = FENCE.exec(now);
    if (opening !== null && (mode !== 'list' || (opening[1] ?? '').length < 2)) {
      if (mode !== 'none') endText(from);
      fence = { mark: opening[2] ?? '```', language: opening[3] ? opening[3].slice(0, 40) : null, pieces: 0 };
      mode = 'code';
      start = end;
      blank = false;
      return;
    }
    const size = from - start;
    const large = size > SOFT_CHARACTERS || lines >= SOFT_LINES;
    if (mode !== 'none' && blank && !(mode === 'list' && (ANY_ITEM.test(now) || /^(?: {2}|\t)/.test(now)))) endText(from);
    else if (mode === 'list' && large && ITEM.test(now)) endText(from);
    else if (mode === 'table' && large) {
      const again = tableHead;
      endText(from);
      head = again;
      tableHead = again;
      mode = 'table';
    } else if (mode === 'text' && size > SOFT_CHARACTERS) endText(from);
    else if (mode !== 'none' && size > HARD_CHARACTERS) endText(from);
    if (mode === 'none') {
      start = from;
      mode = ITEM.test(now) ? 'list' : 'text';
    } else if (mode === 'text') {
      if (ITEM.test(now)) mode = 'list';
      else if (previous.includes('|') && TABLE_RULE.test(now)) {
        mode = 'table';
        tableHead = `${previous}\n${now}\n`;
      }
    }
    previous = now;
    lines += 1;
    blank = false;
    if (cutInLine) endText(end);
  };
  const takeLines = (): void => {
    for (;;) {
      const end = text.indexOf('\n', line);
      const long = (end < 0 ? text.length : end) - line > LINE_CHARACTERS;
      if (end < 0 && !long) return;
      const next = long ? decideCut(text, line, line + LINE_CHARACTERS) : end + 1;
      takeLine(line, next, long);
      line = next;
    }
  };
  return {
    feed: (whole) => {
      text = whole;
      takeLines();
    },
    finish: () => {
      if (line < text.length) takeLine(line, text.length, false);
      line = text.length;
      if (fence !== null) endCode(text.length, true);
      else endText(text.length);
      fence = null;
      mode = 'none';
    },
    done: () => done,
    open: () => {
      if (fence !== null) return { kind: 'code', start, text: text.slice(start).replace(/\n$/, ''), language: fence.language, place: fence.pieces === 0 ? 'only' : 'last' };
      const from = mode === 'none' ? line : start;
      const rest = text.slice(from).trimEnd();
      return rest === '' ? null : { kind: 'markdown', start: from, text: head + rest, language: null, place: 'only' };
    },
    definitions: () => definitions,
  };
}

/** Where a line that is too long is cut: behind a space, else between two characters, never inside one. Pure. */
function decideCut(text: string, from: number, most: number): number {
  const space = text.lastIndexOf(' ', most);
  if (space > from + LINE_CHARACTERS / 2) return space + 1;
  const unit = text.charCodeAt(most - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? most - 1 : most;
}

/** All blocks of a text that is complete. Pure. */
export function splitBlocks(text: string): { readonly blocks: readonly Block[]; readonly definitions: ReadonlyMap<string, string> } {
  const stream = createBlockStream();
  stream.feed(text);
  stream.finish();
  return { blocks: stream.done(), definitions: stream.definitions() };
}

/** A block with the link addresses that it names, which stand elsewhere in the answer. Pure. */
export function withDefinitions(text: string, definitions: ReadonlyMap<string, string>): string {
  if (definitions.size === 0 || !text.includes('[')) return text;
  const lower = text.toLowerCase();
  const used = [...definitions].filter(([label]) => lower.includes(`[${label}]`)).map(([, whole]) => whole);
  return used.length === 0 ? text : `${text}\n\n${used.join('\n')}`;
}

/** The code of a fence whose first piece is at this place among the blocks, all pieces joined. Pure. */
export function joinCode(blocks: readonly Block[], at: number): string {
  const pieces: string[] = [];
  for (let i = at; i < blocks.length; i++) {
    const block = blocks[i];
    if (block === undefined || block.kind !== 'code') break;
    pieces.push(block.text);
    if (block.place === 'only' || block.place === 'last') break;
  }
  return pieces.join('\n');
}
