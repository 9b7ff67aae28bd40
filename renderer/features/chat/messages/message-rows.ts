import type { Message } from '../../../../contract/chat.ts';
import { splitBlocks, type Block } from '../markdown/block-stream.ts';

/** A line of the message list: a message is several, so that a long one costs no more than what is seen of it. */
export type Row =
  | { readonly kind: 'head'; readonly key: string; readonly message: Message }
  | { readonly kind: 'attached'; readonly key: string; readonly message: Message }
  | { readonly kind: 'thinking'; readonly key: string; readonly message: Message }
  | { readonly kind: 'words'; readonly key: string; readonly message: Message; readonly text: string; readonly place: 'only' | 'first' | 'middle' | 'last' }
  | { readonly kind: 'block'; readonly key: string; readonly message: Message; readonly block: Block; readonly blocks: readonly Block[]; readonly at: number; readonly definitions: ReadonlyMap<string, string> }
  | { readonly kind: 'more'; readonly key: string; readonly message: Message; readonly characters: number }
  | { readonly kind: 'growing'; readonly key: string; readonly message: Message }
  | { readonly kind: 'foot'; readonly key: string; readonly message: Message };

/** A message that is longer is shown in part until it is asked for, characters. */
export const COLLAPSE_CHARACTERS = 100_000;
/** So much of it. */
export const COLLAPSED_CHARACTERS = 12_000;
/** Words of the user are drawn in pieces of about this. */
const PIECE_CHARACTERS = 8000;

const kept = new WeakMap<Message, { readonly whole: boolean; readonly rows: readonly Row[] }>();

/** How much of a text is shown. Pure. */
export function shownLength(length: number, whole: boolean): number {
  return whole || length <= COLLAPSE_CHARACTERS ? length : COLLAPSED_CHARACTERS;
}

/** The rows of a message that is not being written. The same message gives the same rows. */
export function rowsOf(message: Message, whole: boolean): readonly Row[] {
  const before = kept.get(message);
  if (before?.whole === whole) return before.rows;
  const rows = makeRows(message, whole);
  kept.set(message, { whole, rows });
  return rows;
}

function makeRows(message: Message, whole: boolean): readonly Row[] {
  const { id } = message;
  const rows: Row[] = [{ kind: 'head', key: `${id} head`, message }];
  if (message.thinking !== '') rows.push({ kind: 'thinking', key: `${id} thinking`, message });
  const length = message.cut?.characters ?? message.content.length;
  const shown = message.content.slice(0, shownLength(message.content.length, whole && message.cut === undefined));
  if (message.role === 'assistant') {
    const { blocks, definitions } = splitBlocks(shown);
    blocks.forEach((block, at) => rows.push({ kind: 'block', key: `${id} ${block.start}`, message, block, blocks, at, definitions }));
  } else {
    const pieces = cutWords(shown);
    pieces.forEach((text, i) => rows.push({ kind: 'words', key: `${id} words ${i}`, message, text, place: pieces.length === 1 ? 'only' : i === 0 ? 'first' : i === pieces.length - 1 ? 'last' : 'middle' }));
  }
  if (shown.length < length) rows.push({ kind: 'more', key: `${id} more`, message, characters: length });
  if (message.attachments.length > 0) rows.push({ kind: 'attached', key: `${id} attached`, message });
  rows.push({ kind: 'foot', key: `${id} foot`, message });
  return rows;
}

/** The rows of the answer that is being written: finished blocks, then the one that grows. Keys are those it ends with. */
export function rowsWhileWriting(message: Message, state: { readonly thinks: boolean; readonly blocks: readonly Block[]; readonly definitions: ReadonlyMap<string, string> }): readonly Row[] {
  const { id } = message;
  return [
    { kind: 'head', key: `${id} head`, message },
    ...(state.thinks ? [{ kind: 'thinking' as const, key: `${id} thinking`, message }] : []),
    ...state.blocks.map((block, at): Row => ({ kind: 'block', key: `${id} ${block.start}`, message, block, blocks: state.blocks, at, definitions: state.definitions })),
    { kind: 'growing', key: `${id} growing`, message },
    { kind: 'foot', key: `${id} foot`, message },
  ];
}

/** Text in pieces of about the same length, cut behind line ends where there are any. Pure. */
export function cutWords(text: string): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  while (text.length - from > PIECE_CHARACTERS * 1.5) {
    const line = text.lastIndexOf('\n', from + PIECE_CHARACTERS);
    let end = line > from + PIECE_CHARACTERS / 2 ? line + 1 : from + PIECE_CHARACTERS;
    const unit = text.charCodeAt(end - 1);
    if (unit >= 0xd800 && unit <= 0xdbff) end -= 1;
    pieces.push(text.slice(from, end).replace(/\n$/, ''));
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** Height that a row will have before it was measured, px; near is good enough. Pure. */
export function estimateHeight(row: Row): number {
  switch (row.kind) {
    case 'head':
      return 24;
    case 'foot':
      return 52;
    case 'thinking':
    case 'more':
      return 36;
    case 'attached':
      return 32;
    case 'growing':
      return 32;
    case 'words':
      return 18 + 22 * countLines(row.text, 92);
    case 'block':
      return row.block.kind === 'code' ? 52 + 18 * (1 + (row.block.text.match(/\n/g)?.length ?? 0)) : estimateMarkdown(row.block.text);
  }
}

/** As the style sheet sets it: lines of 22 px, rows of a table of 27, 4 between the items of a list, 10 below. */
function estimateMarkdown(text: string): number {
  if (/^ {0,3}\|/.test(text)) return 10 + 27 * Math.max(1, text.match(/\n/g)?.length ?? 0);
  const items = text.match(/^\s*(?:[-*+]|\d{1,9}[.)])[ \t]/gm)?.length ?? 0;
  // What marks words takes no room.
  return 10 + 22 * countLines(text.replace(/[*`]+|^#+ /gm, ''), 106) + 4 * Math.max(0, items - 1);
}

function countLines(text: string, width: number): number {
  let lines = 0;
  let from = 0;
  for (;;) {
    const end = text.indexOf('\n', from);
    lines += Math.max(1, Math.ceil(((end < 0 ? text.length : end) - from) / width));
    if (end < 0) return lines;
    from = end + 1;
  }
}
