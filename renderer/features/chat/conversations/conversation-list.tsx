import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { Conversation, ConversationHit } from '../../../../contract/chat.ts';
import { useApp, useChat } from '../../../app/context.tsx';
import { useNow } from '../../../app/use-now.ts';
import { valueOf } from '../../../connection/remote.ts';
import { Button } from '../../../ui/button.tsx';
import { formatCount, formatWhen } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { ProblemNote } from '../../../ui/problem-note.tsx';
import { hrefOfConversation } from '../chat-place.ts';

const ROW_PX = 42;
/** Typing pauses so long before words are looked for, ms. */
const SEARCH_MS = 200;
const none: readonly never[] = [];

/** Conversations, newest first, found by their words; renamed in place, put into the bin with a way back. */
export function ConversationList({ onNew, onGone }: { onNew(): void; /** The place was left: a drawer may close. */ onGone(): void }): ReactNode {
  const { chat } = useApp();
  const conversations = useChat((s) => s.conversations);
  const openId = useChat((s) => s.openId);
  const hits = useChat((s) => s.hits);
  const binned = useChat((s) => s.binned);
  const [text, setText] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => void chat.getState().search(text), text === '' ? 0 : SEARCH_MS);
    return () => clearTimeout(timer);
  }, [chat, text]);
  const list = valueOf(conversations) ?? none;
  const found = hits === null ? null : valueOf(hits.found);
  return (
    <nav className="convs" aria-label="Conversations">
      <div className="convtop">
        <Button onClick={onNew}>New conversation</Button>
        <label className="find">
          <Icon name="search" small />
          <input type="search" aria-label="Search conversations" placeholder="Search" value={text} maxLength={500} onChange={(e) => setText(e.target.value)} onKeyDown={(e) => {
            if (e.key !== 'Escape' || text === '') return;
            e.stopPropagation();
            setText('');
          }} />
        </label>
      </div>
      {conversations.state === 'failed' && <ProblemNote problem={conversations.problem} />}
      {hits?.found.state === 'failed' && <ProblemNote problem={hits.found.problem} />}
      {hits === null ? <Rows list={list} openId={openId} onGone={onGone} /> : <Hits found={found} text={hits.text} onGone={onGone} />}
      {hits === null && list.length === 0 && conversations.state === 'ready' && <p className="sub none">None yet.</p>}
      {binned !== null && (
        <p className="undo" role="status">
          <span className="trunc">“{plainText(binned.title)}” is in the bin for 30 days.</span>
          <button type="button" className="linklike" onClick={() => void chat.getState().restore().then((id) => { if (id !== null) location.hash = hrefOfConversation(id); })}>Undo</button>
        </p>
      )}
    </nav>
  );
}

function Rows({ list, openId, onGone }: { readonly list: readonly Conversation[]; readonly openId: string | null; onGone(): void }): ReactNode {
  const { chat } = useApp();
  const nowMs = useNow(60_000);
  const [renaming, setRenaming] = useState<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: list.length, getScrollElement: () => scroller.current, estimateSize: () => ROW_PX, getItemKey: (i) => list[i]?.id ?? i, overscan: 8 });
  const bin = (c: Conversation): void => {
    if (c.id === openId) location.hash = hrefOfConversation(null);
    void chat.getState().bin(c);
  };
  const onKey = (c: Conversation, at: number) => (e: KeyboardEvent): void => {
    if (e.key === 'F2') setRenaming(c.id);
    else if (e.key === 'Delete') bin(c);
    else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      const to = at + (e.key === 'ArrowDown' ? 1 : -1);
      rows.scrollToIndex(to);
      const link = scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"] a`);
      link?.focus();
    } else return;
    e.preventDefault();
  };
  return (
    <div className="convlist" ref={scroller}>
      <ul style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const c = list[item.index];
          if (c === undefined) return null;
          return (
            <li key={item.key} data-index={item.index} style={{ top: item.start, height: item.size }}>
              {renaming === c.id ? (
                <Rename title={c.title} onDone={(title) => {
                  setRenaming(null);
                  if (title !== null) void chat.getState().rename(c.id, title);
                }} />
              ) : (
                <>
                  <a href={hrefOfConversation(c.id)} aria-current={c.id === openId ? 'true' : undefined} title={plainText(c.title)} onClick={onGone} onKeyDown={onKey(c, item.index)} onDoubleClick={() => setRenaming(c.id)}>
                    <span className="trunc ct">{plainText(c.title) || 'Untitled'}</span>
                    <span className="d"><span>{c.writingId !== null ? <><Icon name="run" small label="an answer is being written" /> writes</> : formatCount(c.messages, 'message')}</span><span>{formatWhen(c.changedAtMs, nowMs)}</span></span>
                  </a>
                  <span className="convacts">
                    <button type="button" className="act" title="Rename (F2)" aria-label={`Rename ${plainText(c.title)}`} onClick={() => setRenaming(c.id)}>Rename</button>
                    <button type="button" className="act" title="Put into the bin (Delete)" aria-label={`Put ${plainText(c.title)} into the bin`} onClick={() => bin(c)}><Icon name="x" small /></button>
                  </span>
                </>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Rename({ title, onDone }: { readonly title: string; onDone(title: string | null): void }): ReactNode {
  const [text, setText] = useState(title);
  return (
    <form
      className="rename"
      onSubmit={(e) => {
        e.preventDefault();
        onDone(text);
      }}
    >
      <input aria-label="Title" autoFocus value={text} maxLength={500} onChange={(e) => setText(e.target.value)} onFocus={(e) => e.target.select()} onBlur={() => onDone(text === title ? null : text)} onKeyDown={(e) => {
        if (e.key !== 'Escape') return;
        e.stopPropagation();
        onDone(null);
      }} />
    </form>
  );
}

function Hits({ found, text, onGone }: { readonly found: readonly ConversationHit[] | null; readonly text: string; onGone(): void }): ReactNode {
  const nowMs = useNow(60_000);
  return (
    <div className="convlist hits">
      <p className="sr" role="status">{found === null ? 'Searching' : found.length === 0 ? `Nothing found for ${text}` : formatCount(found.length, 'hit')}</p>
      {found?.length === 0 && <p className="sub none">Nothing has these words.</p>}
      <ul>
        {found?.map((h) => (
          <li key={`${h.conversationId} ${h.messageId ?? ''}`}>
            <a href={hrefOfConversation(h.conversationId, h.messageId)} onClick={onGone}>
              <span className="trunc ct">{plainText(h.title)}</span>
              <span className="around">{plainText(h.before)}<mark>{plainText(h.hit)}</mark>{plainText(h.after)}</span>
              <span className="d"><span /><span>{formatWhen(h.atMs, nowMs)}</span></span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
