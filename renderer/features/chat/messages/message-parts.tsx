import { memo, useId, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Message } from '../../../../contract/chat.ts';
import { useNow } from '../../../app/use-now.ts';
import { branchOf, type Thread } from '../../../stores/chat-thread.ts';
import { liveSpeed, type LiveAnswer } from '../../../stores/live-answer.ts';
import { formatCount, formatWhole } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { ProblemActions } from '../../../app/problem-actions.tsx';
import { CopyButton } from '../markdown/code-block.tsx';
import { MarkdownBlock } from '../markdown/markdown-block.tsx';
import { describeFigures, describeProgress, reasonWords, sizeOf } from './figures.ts';
import type { EditedMessage } from './edit-form.tsx';
import type { LiveBlocks } from './live-blocks.ts';

/** What can be done with a message; the same object for as long as the page stands. */
export interface MessageActions {
  edit(message: Message): void;
  /** null: it stays as it is. */
  edited(message: Message, edited: EditedMessage | null): void;
  regenerate(message: Message): void;
  showBranch(headId: string): void;
  whole(message: Message): Promise<Message | null>;
  expand(message: Message): void;
}

/** Thinking that is shown at most, characters: the rest can be copied. */
const THINKING_SHOWN = 60_000;

/** Who, and when. */
export const MessageHead = memo(function MessageHead({ message, when }: { readonly message: Message; readonly when: string }): ReactNode {
  const who = message.role === 'user' ? 'You' : message.role === 'assistant' ? plainText(message.answer?.modelName || 'Model') : message.role === 'system' ? 'System' : 'Tool';
  return (
    <h3 className="who">
      <span>{who}</span>
      <span>{message.answer !== null && message.answer.state !== 'done' ? 'writes' : when}</span>
      {message.answer?.truth?.colour === 'red' && <span className="st problem"><Icon name="bad" />{message.answer.truth.title}</span>}
      {message.answer?.truth?.colour === 'amber' && <span className="st attention"><Icon name="warn" />{message.answer.truth.title}</span>}
    </h3>
  );
});

/** Words of the user, as they were written. */
export function Words({ text, place }: { readonly text: string; readonly place: string }): ReactNode {
  return <div className={`body words ${place}`} dir="auto">{text}</div>;
}

/** What the model thought before it answered: closed, with its length. */
export function Thinking({ text, cut, tokens, writing }: { readonly text: string; readonly cut: number | null; readonly tokens: number | null; readonly writing: boolean }): ReactNode {
  const [open, setOpen] = useState(false);
  const id = useId();
  const length = cut ?? text.length;
  return (
    <div className="thinking">
      <button type="button" className="linklike" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <Icon name="down" small className={open ? '' : 'shut'} />
        {writing ? 'Thinks' : 'Thought'}{' '}
        <span className="q">{tokens === null ? <span className="est" title="About four characters a token">{formatCount(Math.max(1, Math.round(length / 4)), 'token')}</span> : formatCount(tokens, 'token')}</span>
      </button>
      {open && (
        <div id={id} className="thoughts" tabIndex={0} role="region" aria-label="Thinking">
          {length > THINKING_SHOWN && <p className="q">The last {formatWhole(THINKING_SHOWN)} of {formatWhole(length)} characters.</p>}
          {text.slice(-THINKING_SHOWN)}
        </div>
      )}
    </div>
  );
}

/** Files that went with a message. */
export function Attached({ message }: { readonly message: Message }): ReactNode {
  return (
    <ul className="attached" aria-label="Attached files">
      {message.attachments.map((a, i) => (
        <li key={i} className="tag" title={`${formatWhole(a.characters)} characters`}>{plainText(a.name)} <span className="u">{sizeOf(a.characters)}</span></li>
      ))}
    </ul>
  );
}

/** `‹ 2 of 3 ›` where a message has siblings. */
export const BranchSwitch = memo(function BranchSwitch({ branches, messageId, actions }: { readonly branches: Thread['branches']; readonly messageId: string; readonly actions: MessageActions }): ReactNode {
  const branch = branchOf({ branches }, messageId);
  if (branch === null) return null;
  const { before, after } = branch;
  return (
    <span className="branch" role="group" aria-label={`Version ${branch.at} of ${branch.of}`}>
      <button type="button" className="act" aria-label="Version before" disabled={before === null} onClick={() => before !== null && actions.showBranch(before)}>‹</button>
      {branch.at} of {branch.of}
      <button type="button" className="act" aria-label="Version after" disabled={after === null} onClick={() => after !== null && actions.showBranch(after)}>›</button>
    </span>
  );
});

/** Under a message: figures, trouble, and what can be done. */
export const MessageFoot = memo(function MessageFoot({ message, branches, busy, actions }: { readonly message: Message; readonly branches: Thread['branches']; readonly busy: boolean; readonly actions: MessageActions }): ReactNode {
  const { answer } = message;
  const ending = answer?.reason ? reasonWords[answer.reason] : null;
  return (
    <div className="foot">
      {answer?.problem && <ProblemActions problem={answer.problem} {...(busy ? {} : { onRetry: () => actions.regenerate(message) })} />}
      {answer !== null && answer.problem === null && answer.reason === 'interrupted' && (
        <p className="callout">
          The answer was interrupted. What had been written is kept. <button type="button" className="linklike" disabled={busy} onClick={() => actions.regenerate(message)}>Answer again</button>
        </p>
      )}
      {answer?.figures && (
        <div className="figs">
          {describeFigures(answer.figures, answer.provider !== null).map((f) => <span key={f.key} title={f.title}>{f.text}</span>)}
          {ending !== null && answer.reason !== 'interrupted' && <span className="m">{ending}</span>}
        </div>
      )}
      <div className="acts">
        <BranchSwitch branches={branches} messageId={message.id} actions={actions} />
        <CopyButton what={message.role === 'user' ? 'the message' : 'the answer'} text={async () => (message.cut === undefined ? message : ((await actions.whole(message)) ?? message)).content} />
        {message.role === 'user' && <button type="button" className="act" disabled={busy} onClick={() => actions.edit(message)}>Edit</button>}
        {message.role === 'assistant' && <button type="button" className="act" disabled={busy} title="Another answer beside this one" onClick={() => actions.regenerate(message)}>Answer again</button>}
      </div>
    </div>
  );
});

/** The block that grows: the only thing that is rendered with each frame. */
export function GrowingBlock({ blocks, live }: { readonly blocks: LiveBlocks; readonly live: LiveAnswer }): ReactNode {
  const block = useSyncExternalStore(blocks.subscribe, blocks.open);
  return (
    <div className="body growing" dir="auto">
      {block === null ? null : <MarkdownBlock block={block} definitions={blocks.definitions()} growing onDrawn={live.spent} />}
      <span className="caret" aria-hidden="true" />
    </div>
  );
}

/** Thinking that is still being written; its length changes twice a second. */
export function GrowingThinking({ live }: { readonly live: LiveAnswer }): ReactNode {
  useNow(500);
  const now = live.snapshot();
  return <Thinking text={now?.thinking ?? ''} cut={null} tokens={now?.thinkingTokens ?? null} writing={now?.content === ''} />;
}

/** Under the answer that is being written: what it does, twice a second. */
export function GrowingFoot({ live }: { readonly live: LiveAnswer }): ReactNode {
  useNow(500);
  const now = live.snapshot();
  return (
    <div className="foot">
      <div className="figs">
        <span>{now === null ? 'begins' : describeProgress(now, liveSpeed(now))}</span>
      </div>
    </div>
  );
}
