import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Message } from '../../../../contract/chat.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { sizeOf } from './figures.ts';

/** A message as it was changed: its words, and the places of those of its files that still go with it. */
export interface EditedMessage {
  readonly text: string;
  readonly kept: readonly number[];
}

export interface EditFormProps {
  readonly message: Pick<Message, 'content' | 'attachments'>;
  onSend(edited: EditedMessage): void;
  onCancel(): void;
}

/** The words and files of a message, to be sent anew beside it. */
export function EditForm({ message, onSend, onCancel }: EditFormProps): ReactNode {
  const [words, setWords] = useState(message.content);
  const [kept, setKept] = useState<readonly number[]>(() => message.attachments.map((_, place) => place));
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    box.current?.focus();
    box.current?.setSelectionRange(message.content.length, message.content.length);
  }, [message.content]);
  const empty = words.trim() === '' && kept.length === 0;
  const send = (): void => {
    if (!empty) onSend({ text: words, kept });
  };
  return (
    <form
      className="edit"
      onSubmit={(e) => {
        e.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        aria-label="Edit the message"
        rows={Math.min(12, 2 + (message.content.match(/\n/g)?.length ?? 0))}
        value={words}
        onChange={(e) => setWords(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') {
            e.preventDefault();
            e.stopPropagation();
            onCancel();
          } else if (e.key === 'Enter' && !e.shiftKey && !e.nativeEvent.isComposing) {
            e.preventDefault();
            send();
          }
        }}
      />
      {kept.length > 0 && (
        <ul className="attached" aria-label="Files that go with the message">
          {kept.map((place) => {
            const file = message.attachments[place];
            return file === undefined ? null : (
              <li key={place} className="tag">
                {plainText(file.name)} <span className="u">{sizeOf(file.characters)}</span>
                <button type="button" className="act" aria-label={`Remove ${plainText(file.name)}`} onClick={() => {
                  setKept(kept.filter((one) => one !== place));
                  box.current?.focus();
                }}><Icon name="x" small /></button>
              </li>
            );
          })}
        </ul>
      )}
      <div className="acts">
        <span className="q">The conversation goes on from here; what was before stays beside it.</span>
        <button type="button" className="btn s" onClick={onCancel}>Cancel</button>
        <button type="submit" className="btn s primary" disabled={empty}>Send</button>
      </div>
    </form>
  );
}
