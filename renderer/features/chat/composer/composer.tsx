import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import type { Answerer, Attachment } from '../../../../contract/chat.ts';
import type { LoadedModel, Provider } from '../../../../contract/inference.ts';
import type { Problem } from '../../../../contract/problem.ts';
import { Button } from '../../../ui/button.tsx';
import { formatWhole } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { ProblemNote } from '../../../ui/problem-note.tsx';
import { describePlacement } from '../model-choices.ts';
import { ModelSelect } from '../model-select.tsx';
import { sizeOf } from '../messages/figures.ts';
import { readAttachments } from './read-attachments.ts';

export interface ComposerProps {
  /** Words that were not sent yet, kept while one looks elsewhere. */
  readonly unsent: string;
  onUnsent(words: string): void;
  readonly answerer: Answerer;
  readonly loaded: LoadedModel | null;
  readonly providers: readonly Provider[];
  /** Tokens of the context that are used; null: not known yet. */
  readonly context: { readonly used: number; readonly of: number } | null;
  readonly writing: boolean;
  readonly sending: boolean;
  /** Why nothing can be sent now; null: it can. */
  readonly blocked: string | null;
  readonly files: readonly File[];
  onFilesTaken(): void;
  onAnswerer(answerer: Answerer): void;
  onSend(content: string, attachments: readonly Attachment[]): Promise<boolean>;
  onStop(): void;
  onCompare(): void;
  onSettings(): void;
  readonly settingsOpen: boolean;
}

/** The message that is being written, with the model that will answer. Stop stands where send stood. */
export function Composer(props: ComposerProps): ReactNode {
  const { unsent, onUnsent, answerer, loaded, providers, context, writing, sending, blocked, files, onFilesTaken, onAnswerer, onSend, onStop, onCompare, onSettings, settingsOpen } = props;
  const [words, setWords] = useState(unsent);
  const [attachments, setAttachments] = useState<readonly Attachment[]>([]);
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const write = (next: string): void => {
    setWords(next);
    onUnsent(next);
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [words]);
  useEffect(() => {
    // A first message made a conversation, and this box anew: who was writing goes on writing.
    if (document.activeElement === null || document.activeElement === document.body) box.current?.focus();
  }, []);
  const attach = async (chosen: readonly File[]): Promise<void> => {
    const read = await readAttachments(chosen, attachments.length);
    setAttachments((before) => [...before, ...read.attachments]);
    setTrouble(read.problem);
  };
  const attachLatest = useRef(attach);
  useLayoutEffect(() => {
    attachLatest.current = attach;
  });
  useEffect(() => {
    if (files.length === 0) return;
    onFilesTaken();
    void attachLatest.current(files);
  }, [files, onFilesTaken]);
  const empty = words.trim() === '' && attachments.length === 0;
  const send = async (): Promise<void> => {
    if (empty || writing || sending || blocked !== null) return;
    const [content, sent] = [words, attachments];
    write('');
    setAttachments([]);
    setTrouble(null);
    if (await onSend(content, sent)) return;
    // It did not arrive: nothing that was written is lost.
    write(content);
    setAttachments(sent);
  };
  const provider = providers.find((p) => p.id === answerer.provider) ?? null;
  const share = context === null ? null : Math.min(1, context.used / context.of);
  return (
    <div className="composer">
      <form
        className="box"
        onSubmit={(e) => {
          e.preventDefault();
          void send();
        }}
      >
        {trouble && <ProblemNote problem={trouble} onDismiss={() => setTrouble(null)} />}
        {attachments.length > 0 && (
          <ul className="attached" aria-label="Files that go with the message">
            {attachments.map((a, i) => (
              <li key={i} className="tag">
                {plainText(a.name)} <span className="u">{sizeOf(a.text.length)}</span>
                <button type="button" className="act" aria-label={`Remove ${plainText(a.name)}`} onClick={() => setAttachments(attachments.filter((_, at) => at !== i))}><Icon name="x" small /></button>
              </li>
            ))}
          </ul>
        )}
        <textarea
          ref={box}
          aria-label="Message"
          placeholder="Write a message"
          rows={1}
          value={words}
          onChange={(e) => write(e.target.value)}
          onKeyDown={(e) => {
            // While characters are being composed, Enter belongs to the input method.
            if (e.key !== 'Enter' || e.shiftKey || e.nativeEvent.isComposing) return;
            e.preventDefault();
            void send();
          }}
          onPaste={(e) => {
            const pasted = [...e.clipboardData.files];
            if (pasted.length === 0) return;
            e.preventDefault();
            void attach(pasted);
          }}
        />
        <div className="cfoot">
          <ModelSelect label="Model" value={answerer} providers={providers} disabled={writing} onChange={(choice) => onAnswerer({ ...answerer, ...choice })} />
          <span className={`sub trunc placement${loaded?.truth.colour === 'red' ? ' red' : ''}`}>{describePlacement(loaded, provider, answerer.provider)}</span>
          <span className="sp" />
          {context !== null && share !== null && (
            <span className="cmeter" title={`Context: ${formatWhole(context.used)} of ${formatWhole(context.of)} tokens are used`}>
              <span className={`bar${share > 0.9 ? ' full' : ''}`} role="meter" aria-label="Context used" aria-valuemin={0} aria-valuemax={context.of} aria-valuenow={context.used} aria-valuetext={`${formatWhole(context.used)} of ${formatWhole(context.of)} tokens`}><i style={{ width: `${share * 100}%` }} /></span>
              <span className="sub">{formatWhole(Math.round(share * 100))} %</span>
            </span>
          )}
          <input ref={picker} type="file" multiple hidden tabIndex={-1} aria-hidden="true" onChange={(e) => {
            void attach([...(e.target.files ?? [])]);
            e.target.value = '';
          }} />
          <Button small onClick={() => picker.current?.click()} title="Attach text files; they can also be dropped or pasted">Attach</Button>
          <Button small aria-expanded={settingsOpen} onClick={onSettings} title="System prompt, sampling and engine settings">Settings</Button>
          <Button small onClick={onCompare} title="The same prompt to two or three configurations">Compare</Button>
          {writing ? (
            <Button icon="stop" label="Stop (Esc)" onClick={onStop} />
          ) : (
            <button type="submit" className="btn primary icon" title={blocked ?? 'Send (Enter)'} aria-label="Send" disabled={empty || sending || blocked !== null}><Icon name="send" /></button>
          )}
        </div>
      </form>
    </div>
  );
}
