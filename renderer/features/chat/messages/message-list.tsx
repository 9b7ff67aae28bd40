import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { Message } from '../../../../contract/chat.ts';
import { useNow } from '../../../app/use-now.ts';
import type { Thread } from '../../../stores/chat-thread.ts';
import type { LiveAnswer } from '../../../stores/live-answer.ts';
import { Icon } from '../../../ui/icons.tsx';
import { formatCount, formatWhen } from '../../../ui/format.ts';
import { joinCode } from '../markdown/block-stream.ts';
import { MarkdownBlock } from '../markdown/markdown-block.tsx';
import { createLiveBlocks, type LiveBlocks } from './live-blocks.ts';
import { EditForm, type EditedMessage } from './edit-form.tsx';
import { sizeOf } from './figures.ts';
import { Attached, GrowingBlock, GrowingFoot, GrowingThinking, MessageFoot, MessageHead, Thinking, Words, type MessageActions } from './message-parts.tsx';
import { estimateHeight, rowsOf, rowsWhileWriting, type Row } from './message-rows.ts';

export interface MessageListProps {
  readonly thread: Thread;
  readonly live: LiveAnswer;
  readonly fetchingOlder: boolean;
  /** A message that was looked for: scrolled to once. */
  readonly sought: string | null;
  onOlder(): void;
  onEdit(message: Message, edited: EditedMessage): void;
  onRegenerate(message: Message): void;
  onShowBranch(headId: string): void;
  onWhole(message: Message): Promise<Message | null>;
}

/** Nearer to the end than this one reads on with what comes, px. */
const AT_END_PX = 48;
/** Nearer to the beginning than this older messages are fetched, px. */
const NEAR_START_PX = 1200;
const OVERSCAN = 3;

/** The shown branch, a few rows of it at a time; what is being written grows in its last row but one. */
export function MessageList(props: MessageListProps): ReactNode {
  const { thread, live, fetchingOlder, sought, onOlder } = props;
  const [blocks] = useState(() => createLiveBlocks(live));
  const version = useSyncExternalStore(blocks.subscribe, blocks.version);
  const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
  const [editing, setEditing] = useState<string | null>(null);
  const nowMs = useNow(60_000);
  const scroller = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  useLayoutEffect(() => {
    latest.current = props;
  });
  const writingId = thread.messages.find((m) => m.answer !== null && m.answer.state !== 'done')?.id ?? null;
  const liveId = blocks.messageId();
  // What was watched while it was written stays whole when it ends: the text must not fold under the reader's eyes.
  useEffect(() => {
    if (liveId !== null) setWhole((before) => (before.has(liveId) ? before : new Set([...before, liveId])));
  }, [liveId]);
  const rows = useMemo(
    () => thread.messages.flatMap((m) => (m.id === liveId && m.answer?.state !== 'done' ? rowsWhileWriting(m, { thinks: blocks.thinks(), blocks: blocks.done(), definitions: blocks.definitions() }) : rowsOf(m, whole.has(m.id)))),
    // `version` stands for what `blocks` holds now.
    [thread.messages, whole, liveId, version, blocks],
  );
  const actions = useMemo<MessageActions>(
    () => ({
      edit: (m) => void (m.cut === undefined ? Promise.resolve(m) : latest.current.onWhole(m)).then((whole) => { if (whole !== null) setEditing(m.id); }),
      edited: (m, edited) => {
        setEditing(null);
        if (edited !== null) latest.current.onEdit(m, edited);
      },
      regenerate: (m) => latest.current.onRegenerate(m),
      showBranch: (id) => latest.current.onShowBranch(id),
      whole: (m) => latest.current.onWhole(m),
      expand: (m) => {
        setWhole((before) => new Set([...before, m.id]));
        if (m.cut !== undefined) void latest.current.onWhole(m);
      },
    }),
    [],
  );
  // Whoever reads at the end stays there while it grows, until they scroll up.
  const reading = useRef({ atEnd: true, top: 0 });
  const noteScroll = useCallback((box: HTMLElement): void => {
    const distance = box.scrollHeight - box.scrollTop - box.clientHeight;
    if (distance <= AT_END_PX) reading.current.atEnd = true;
    else if (box.scrollTop < reading.current.top - 1) reading.current.atEnd = false;
    reading.current.top = box.scrollTop;
  }, []);
  const stayAtEnd = useCallback((): void => {
    const box = scroller.current;
    if (box === null || !reading.current.atEnd) return;
    const end = box.scrollHeight - box.clientHeight;
    if (end - box.scrollTop > 1) box.scrollTop = end;
    reading.current.top = box.scrollTop;
  }, []);
  const list = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: useCallback((i: number) => {
      const row = rows[i];
      return row === undefined ? 0 : estimateHeight(row);
    }, [rows]),
    getItemKey: useCallback((i: number) => rows[i]?.key ?? i, [rows]),
    overscan: OVERSCAN,
    paddingStart: 16,
    paddingEnd: 24,
    // What is read keeps its place when older messages come before it.
    anchorTo: 'end',
    // A row was measured, or the view moved.
    onChange: () => {
      // Only who reads at the end is moved; for others the position would be asked for in the middle of a change, which lays out twice.
      if (!reading.current.atEnd || scroller.current === null) return;
      noteScroll(scroller.current);
      stayAtEnd();
    },
    directDomUpdates: true,
    directDomUpdatesMode: 'position',
  });
  useLayoutEffect(stayAtEnd);
  const soughtDone = useRef<string | null>(null);
  useEffect(() => {
    if (sought === null || soughtDone.current === sought) return;
    const at = rows.findIndex((r) => r.message.id === sought);
    if (at < 0) return;
    soughtDone.current = sought;
    reading.current.atEnd = false;
    list.scrollToIndex(at, { align: 'start' });
  }, [sought, rows, list]);
  const [away, setAway] = useState(false);
  const onScroll = (): void => {
    const box = scroller.current;
    if (box === null) return;
    noteScroll(box);
    // In a task of its own: the list must have heard of this scroll before anything comes above it.
    if (box.scrollTop < NEAR_START_PX && thread.from > 0 && !fetchingOlder) setTimeout(onOlder);
    setAway(box.scrollHeight - box.scrollTop - box.clientHeight > box.clientHeight);
  };
  return (
    <div className="msgs" ref={scroller} tabIndex={0} role="region" aria-label="Messages" aria-busy={fetchingOlder} onScroll={onScroll}>
      {fetchingOlder && <p className="fetching" role="status">Reading older messages</p>}
      <div className="rows" ref={list.containerRef}>
        {list.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return row === undefined ? null : (
            <MessageRow key={item.key} measure={list.measureElement} index={item.index} row={row} branches={thread.branches} editing={editing === row.message.id} growing={row.message.id === liveId && row.message.answer?.state !== 'done'} when={row.kind === 'head' ? formatWhen(row.message.atMs, nowMs) : ''} busy={writingId !== null} live={live} blocks={blocks} actions={actions} />
          );
        })}
      </div>
      {away && (
        <button type="button" className="btn toend" onClick={() => { reading.current.atEnd = true; stayAtEnd(); scroller.current?.focus(); }}>
          <Icon name="down" small />
          To the end
        </button>
      )}
    </div>
  );
}

interface MessageRowProps {
  readonly measure: (element: HTMLDivElement | null) => void;
  readonly index: number;
  readonly row: Row;
  readonly branches: Thread['branches'];
  readonly editing: boolean;
  /** Its message is the answer that is being written. */
  readonly growing: boolean;
  /** Of its head, in words: a row is drawn again when these change, not with each tick of a clock. */
  readonly when: string;
  /** An answer is being written: nothing else can be asked. */
  readonly busy: boolean;
  readonly live: LiveAnswer;
  readonly blocks: LiveBlocks;
  readonly actions: MessageActions;
}

/** A row, drawn again only when something of it changed: the list itself is drawn with every step that it is scrolled. */
const MessageRow = memo(function MessageRow({ measure, index, ...body }: MessageRowProps): ReactNode {
  const { row } = body;
  return (
    <div ref={measure} data-index={index} className={`row ${row.message.role === 'user' ? 'me' : 'it'} r-${row.kind}${row.kind === 'block' && (row.block.place === 'first' || row.block.place === 'middle') ? ' joined' : ''}`}>
      <div className="measure"><RowBody {...body} /></div>
    </div>
  );
});

function RowBody({ row, branches, editing, growing, when, busy, live, blocks, actions }: Omit<MessageRowProps, 'measure' | 'index'>): ReactNode {
  const { message } = row;
  switch (row.kind) {
    case 'head':
      return <MessageHead message={message} when={when} />;
    case 'thinking':
      return growing ? <GrowingThinking live={live} /> : <Thinking text={message.thinking} cut={message.cut?.thinkingCharacters ?? null} tokens={message.thinkingTokens ?? null} writing={false} />;
    case 'words':
      if (editing) return row.place === 'only' || row.place === 'first' ? <EditForm message={message} onSend={(edited) => actions.edited(message, edited)} onCancel={() => actions.edited(message, null)} /> : null;
      return <Words text={row.text} place={row.place} />;
    case 'attached':
      // The form has them, to be taken off.
      return editing ? null : <Attached message={message} />;
    case 'block':
      return (
        <div className="body" dir="auto">
          <MarkdownBlock block={row.block} definitions={row.definitions} {...(row.block.place === 'first' ? { copyText: () => joinCode(row.blocks, row.at) } : {})} />
        </div>
      );
    case 'more':
      return (
        <p className="more">
          <button type="button" className="linklike" onClick={() => actions.expand(message)}>Show all ({sizeOf(row.characters)})</button> <span className="q">{formatCount(row.characters, 'character')}</span>
        </p>
      );
    case 'growing':
      return <GrowingBlock blocks={blocks} live={live} />;
    case 'foot':
      return growing ? <GrowingFoot live={live} /> : <MessageFoot message={message} branches={branches} busy={busy} actions={actions} />;
  }
}
