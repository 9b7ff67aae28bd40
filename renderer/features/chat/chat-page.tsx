import './chat.css';
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useApp, useChat, useLoaded, useModels, useRegisterIntents } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { findLoaded } from '../../stores/loaded-store.ts';
import { settingsOf } from '../../stores/chat-store.ts';
import { Button } from '../../ui/button.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { hrefOfComparison, hrefOfConversation, parseChatPlace } from './chat-place.ts';
import { ComparePage } from './compare/compare-page.tsx';
import { Composer } from './composer/composer.tsx';
import { ConversationList } from './conversations/conversation-list.tsx';
import { FirstModel } from './first-model.tsx';
import { InstrumentPanel } from './instruments/instrument-panel.tsx';
import { LinkOpener } from './markdown/external-link.tsx';
import { describeEnd } from './messages/figures.ts';
import { MessageList } from './messages/message-list.tsx';
import { canChat } from './model-choices.ts';
import { ProblemActions } from '../../app/problem-actions.tsx';
import { AnswerSettings } from './settings/answer-settings.tsx';
import { useProviders, useSettingNotes } from './use-providers.ts';

const none: readonly never[] = [];

/** `#/chat`: a new conversation (`?model=ID`: with that model). `#/chat/ID`: one. `#/chat/compare`, `#/chat/compare:ID`: configurations side by side. */
export function ChatPage({ section, query }: { readonly section: string | null; readonly query: URLSearchParams }): ReactNode {
  const { shell, ui, chat } = useApp();
  const place = parseChatPlace(section);
  const model = query.get('model');
  useEffect(() => chat.getState().wake(), [chat]);
  useEffect(() => {
    if (model === null || section !== null) return;
    chat.getState().open(null);
    void chat.getState().change({ answerer: { ...chat.getState().draft.answerer, provider: null, model } });
  }, [chat, model, section]);
  const openLink = useCallback(
    (url: string): void => {
      // The desktop window asks by itself before it opens an address; a tab does not.
      const asked = shell.kind === 'browser' ? shell.confirm({ title: `Open ${new URL(url).host}?`, detail: url.slice(0, 300), confirmLabel: 'Open' }) : Promise.resolve(true);
      void asked.then((yes) => (yes ? shell.openExternal(url) : true)).then((opened) => { if (!opened) ui.getState().say('This address is not opened: only https is.'); });
    },
    [shell, ui],
  );
  return <LinkOpener value={openLink}>{place.kind === 'compare' ? <ComparePage id={place.id} /> : <Conversations section={place.id} sought={query.get('message')} />}</LinkOpener>;
}

function Conversations({ section, sought }: { readonly section: string | null; readonly sought: string | null }): ReactNode {
  const { chat, loaded: loadedStore, shell, ui } = useApp();
  const openId = useChat((s) => s.openId);
  const remote = useChat((s) => s.thread);
  const fetchingOlder = useChat((s) => s.fetchingOlder);
  const settings = useChat(settingsOf);
  const sending = useChat((s) => s.sending);
  const ended = useChat((s) => s.ended);
  const problem = useChat((s) => s.problem);
  const models = useModels((s) => s.list);
  const allLoaded = useLoaded((s) => valueOf(s.loaded)) ?? none;
  const loadProblem = useLoaded((s) => s.problem);
  const providers = useProviders();
  const notes = useSettingNotes();
  const [list, setList] = useState(false);
  const [side, setSide] = useState<'instruments' | 'settings'>('instruments');
  const [sideOpen, setSideOpen] = useState(true);
  const [files, setFiles] = useState<readonly File[]>(none);
  const [dropping, setDropping] = useState(false);
  const store = chat.getState();
  useEffect(() => chat.getState().open(section), [chat, section]);
  useEffect(() => {
    if (sought !== null && openId !== null) void chat.getState().reach(sought);
  }, [chat, sought, openId, remote.state]);
  const thread = valueOf(remote);
  const last = thread?.messages.findLast((m) => m.role === 'assistant') ?? null;
  const writing = last?.answer != null && last.answer.state !== 'done';
  const { answerer } = settings;
  const here = valueOf(models)?.models.filter(canChat) ?? none;
  const lastName = last?.answer?.modelName ?? null;
  const loaded = answerer.provider !== null ? null : answerer.model !== null ? findLoaded(allLoaded, answerer.model) : (findLoaded(allLoaded.filter((m) => lastName === m.name || lastName === `${m.name} ${m.quantisation}`), null) ?? (lastName === null ? findLoaded(allLoaded, null) : null));
  const noModel = models.state === 'ready' && models.value.searchedAtMs !== null && here.length === 0 && providers.length === 0 && answerer.provider === null;
  const stop = useCallback(() => void chat.getState().stop(), [chat]);
  useStopKey(writing, stop);
  const newOne = useCallback((): void => {
    location.hash = hrefOfConversation(null);
    document.querySelector<HTMLElement>('.composer textarea')?.focus();
  }, []);
  useRegisterIntents(useMemo(() => [
    { id: 'chat.new', title: 'New conversation', group: 'do' as const, icon: 'chat' as const, words: 'chat message', guard: () => null, perform: newOne },
    { id: 'chat.compare', title: 'Compare models', group: 'go' as const, icon: 'cols' as const, words: 'side by side blind vote prompt', guard: () => null, perform: () => { location.hash = hrefOfComparison(null); } },
  ], [newOne]));
  const send = async (content: string, attachments: Parameters<typeof store.send>[0]['attachments']): Promise<boolean> => {
    const id = await store.send({ content, attachments, replaces: null });
    if (id !== null && id !== chat.getState().openId) location.hash = hrefOfConversation(id);
    return id !== null;
  };
  const save = async (format: 'markdown' | 'json'): Promise<void> => {
    const file = openId === null ? null : await store.exportAs(openId, format);
    if (file === null) return;
    const path = await shell.saveFile({ suggestedName: file.fileName, bytes: new TextEncoder().encode(file.text) });
    if (path !== null) ui.getState().say(`Saved as ${path}.`);
  };
  const context = contextOf(last?.answer?.figures ?? null, loaded);
  const taken = useCallback(() => setFiles(none), []);
  const showSide = (what: 'instruments' | 'settings'): void => {
    setSideOpen(!(sideOpen && side === what));
    setSide(what);
  };
  return (
    <div
      className={`chat${list ? ' listopen' : ''}${sideOpen ? '' : ' sideshut'}${dropping ? ' dropping' : ''}`}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes('Files')) return;
        e.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(e) => {
        if (!(e.relatedTarget instanceof Node) || !e.currentTarget.contains(e.relatedTarget)) setDropping(false);
      }}
      onDrop={(e) => {
        setDropping(false);
        if (e.dataTransfer.files.length === 0) return;
        e.preventDefault();
        setFiles([...e.dataTransfer.files]);
      }}
    >
      <ConversationList onNew={() => { setList(false); newOne(); }} onGone={() => setList(false)} />
      <section className="thread" aria-label="Conversation">
        <header className="convbar">
          <Button small className="tolist" aria-expanded={list} onClick={() => setList(!list)}>Conversations</Button>
          <h1 className="trunc">{thread === null ? (section === null ? 'New conversation' : 'Chat') : plainText(thread.conversation.title) || 'Untitled'}</h1>
          <span className="sp" />
          {thread !== null && <Button small look="bare" title="Save the shown branch as Markdown" onClick={() => void save('markdown')}>Save as Markdown</Button>}
          {thread !== null && <Button small look="bare" title="Save all of it, with every branch" onClick={() => void save('json')}>Save as JSON</Button>}
          <Button small aria-expanded={sideOpen && side === 'instruments'} onClick={() => showSide('instruments')}>Instruments</Button>
        </header>
        {problem && <ProblemActions problem={problem} />}
        {loadProblem && <ProblemActions problem={loadProblem} />}
        {remote.state === 'failed' && <ProblemActions problem={remote.problem} />}
        {thread !== null && thread.messages.length > 0 ? (
          <MessageList
            key={`list ${thread.conversation.id}`}
            thread={thread}
            live={chat.live}
            fetchingOlder={fetchingOlder}
            sought={sought}
            onOlder={() => void store.older()}
            onEdit={(message, { text, kept }) => void store.send({ content: text, attachments: none, replaces: { message, kept } })}
            onRegenerate={(message) => void store.regenerate(message.id)}
            onShowBranch={(id) => void store.showBranch(id)}
            onWhole={(message) => store.whole(message.id)}
          />
        ) : (
          <div className="msgs empty">{noModel ? <FirstModel /> : remote.state === 'loading' ? <p className="sub" role="status">Reading the conversation.</p> : <Welcome />}</div>
        )}
        <Composer
          key={`box ${openId ?? ''}`}
          unsent={chat.unsent.get(openId ?? '') ?? ''}
          onUnsent={(words) => { if (words === '') chat.unsent.delete(openId ?? ''); else chat.unsent.set(openId ?? '', words); }}
          answerer={answerer}
          loaded={loaded}
          providers={providers}
          context={context}
          writing={writing}
          sending={sending}
          blocked={noModel ? 'There is no model yet' : null}
          files={files}
          onFilesTaken={taken}
          onAnswerer={(next) => void store.change({ answerer: next })}
          onSend={send}
          onStop={stop}
          onCompare={() => { location.hash = hrefOfComparison(null); }}
          onSettings={() => showSide('settings')}
          settingsOpen={sideOpen && side === 'settings'}
        />
      </section>
      {sideOpen && (
        <aside className="instr" aria-label={side === 'instruments' ? 'Instruments' : 'Settings'} tabIndex={0}>
          <div className="sidehead">
            <h2>{side === 'instruments' ? 'Instruments' : 'Settings of this conversation'}</h2>
            <Button look="bare" small icon="x" label="Close" onClick={() => setSideOpen(false)} />
          </div>
          {side === 'instruments' ? (
            <InstrumentPanel loaded={loaded} answer={last} remote={answerer.provider !== null} loadable={here.length > 0} onLoad={() => void loadedStore.getState().load({ model: answerer.model, settings: answerer.settings })} />
          ) : (
            <AnswerSettings key={openId ?? 'new'} answerer={answerer} notes={notes} systemPrompt={settings.systemPrompt} onAnswerer={(next) => void store.change({ answerer: next })} onSystemPrompt={(text) => void store.change({ systemPrompt: text })} />
          )}
        </aside>
      )}
      <div className="sr" role="status" aria-live="polite">{ended?.answer ? describeEnd(ended.answer) : ''}</div>
      {dropping && <div className="drop" aria-hidden="true">Text files go with the message</div>}
    </div>
  );
}

function Welcome(): ReactNode {
  return (
    <div className="welcome">
      <h2>Talk to a model on this machine</h2>
      <p>The answer comes as it is written. Under it stand the speed, the time to the first token, the energy and the share of what this card could do; at the right, where the model really runs.</p>
    </div>
  );
}

/** Tokens of the context that the conversation uses, as its last answer said. Pure. */
export function contextOf(figures: { readonly contextUsed: number | null; readonly contextTokens: number | null } | null, loaded: { readonly contextTokens: number | null; readonly contextUsed: number | null } | null): { readonly used: number; readonly of: number } | null {
  const of = loaded?.contextTokens ?? figures?.contextTokens ?? null;
  const used = figures?.contextUsed ?? null;
  return of === null || used === null || of <= 0 ? null : { used, of };
}

/** Escape stops the answer, unless something above the page takes it. */
function useStopKey(on: boolean, stop: () => void): void {
  const app = useApp();
  const latest = useRef(stop);
  useEffect(() => {
    latest.current = stop;
  }, [stop]);
  useEffect(() => {
    if (!on) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || app.jobs.getState().drawer || document.querySelector('dialog[open], [role="tooltip"]') !== null) return;
      event.preventDefault();
      latest.current();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [app, on]);
}
