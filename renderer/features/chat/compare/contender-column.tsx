import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Answerer, Comparison } from '../../../../contract/chat.ts';
import type { EngineSettingNote, Provider } from '../../../../contract/inference.ts';
import { Button } from '../../../ui/button.tsx';
import { formatFigures } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { NotReported, Value } from '../../../ui/value.tsx';
import { describeFigures, formatMs, formatSpeed, reasonWords } from '../messages/figures.ts';
import { Thinking } from '../messages/message-parts.tsx';
import { ModelSelect } from '../model-select.tsx';
import { ProblemActions } from '../../../app/problem-actions.tsx';
import { AnswerSettings } from '../settings/answer-settings.tsx';
import { AnswerText } from './answer-text.tsx';
import { answersOf, formatRowValue, isBlindNow, letterOf } from './comparison-words.ts';

/** A configuration that will answer: model and settings. */
export function ContenderForm({ at, answerer, providers, notes, onChange, onRemove }: { readonly at: number; readonly answerer: Answerer; readonly providers: readonly Provider[]; readonly notes: readonly EngineSettingNote[]; onChange(answerer: Answerer): void; readonly onRemove: (() => void) | null }): ReactNode {
  const letter = letterOf(at);
  const changed = Object.keys(answerer.settings).length + Object.keys(answerer.sampling).length;
  const [open, setOpen] = useState(false);
  return (
    <section className="cmp" aria-label={`Configuration ${letter}`}>
      <header>
        <Mark at={at} />
        <ModelSelect label={`Model of ${letter}`} value={answerer} providers={providers} onChange={(choice) => onChange({ ...answerer, ...choice })} />
        <span className="sp" />
        <Button small aria-expanded={open} onClick={() => setOpen(!open)}>Settings{changed === 0 ? '' : ` (${changed})`}</Button>
        {onRemove !== null && <Button small look="bare" icon="x" label={`Remove ${letter}`} onClick={onRemove} />}
      </header>
      {open && <div className="txt"><AnswerSettings answerer={answerer} notes={notes} systemPrompt={null} onAnswerer={onChange} /></div>}
    </section>
  );
}

/** The letter, in a shape of its own: colour is never the only sign. */
export function Mark({ at }: { readonly at: number }): ReactNode {
  return <span className={`ab ${letterOf(at)}`}>{letterOf(at)}</span>;
}

export interface ContenderColumnProps {
  readonly comparison: Comparison;
  readonly at: number;
  readonly prompt: number;
  /** A number that goes up when the place where the answers part is looked for. */
  readonly seek: number;
  onVote(contender: number): void;
}

/** What one configuration answered to a prompt, and what that cost. */
export function ContenderColumn({ comparison, at, prompt, seek, onVote }: ContenderColumnProps): ReactNode {
  const [repeat, setRepeat] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const letter = letterOf(at);
  const blind = isBlindNow(comparison);
  const all = answersOf(comparison.answers, at, prompt);
  // While they are written, the newest is looked at.
  const newest = all.findLastIndex((a) => a.state !== 'waiting');
  const shownAt = comparison.state === 'running' ? Math.max(0, newest) : Math.min(repeat, Math.max(0, all.length - 1));
  const answer = all[shownAt] ?? null;
  const voted = comparison.votes.find((v) => v.prompt === prompt);
  const mean = (figure: Comparison['rows'][number]['figure']): number | null => comparison.rows.find((r) => r.figure === figure)?.values[at]?.mean ?? null;
  const speed = mean('decode') ?? answer?.figures?.decodeTokensPerSecond ?? null;
  const first = mean('first_token') ?? answer?.figures?.firstTokenMs ?? null;
  const memory = mean('memory');
  const energy = mean('energy') ?? answer?.figures?.joulesPerToken ?? null;
  // They part in the first answers to the first prompt.
  const partAt = prompt === 0 && shownAt === 0 ? (at === 0 ? (comparison.partAt.find((p) => p !== null) ?? null) : (comparison.partAt[at - 1] ?? null)) : null;
  useEffect(() => {
    if (seek > 0) box.current?.querySelector('mark')?.scrollIntoView({ block: 'center' });
  }, [seek]);
  const growing = answer?.state === 'writing';
  return (
    <section className="cmp" aria-label={blind ? `Answer ${at + 1}` : `Configuration ${letter}`}>
      <header>
        {blind ? <span className="ab">{at + 1}</span> : <Mark at={at} />}
        <span className="trunc nm">{plainText(comparison.names[at] ?? letter)}</span>
        <span className="sp" />
        {answer?.truth && <span className={`st ${{ green: 'fine', amber: 'attention', red: 'problem', grey: 'unknown' }[answer.truth.colour]}`} title={plainText(answer.truth.sentence)}><Icon name={answer.truth.colour === 'green' ? 'ok' : answer.truth.colour === 'grey' ? 'unk' : answer.truth.colour === 'amber' ? 'warn' : 'bad'} />{plainText(answer.truth.title)}{answer.truth.layers > 0 ? `, ${answer.truth.layersOnGpu} of ${answer.truth.layers}` : ''}</span>}
      </header>
      {!blind && (
        <div className="costs">
          <Cost label="Speed" value={speed === null ? null : formatSpeed(speed)} />
          <Cost label="First token" value={first === null ? null : formatMs(first)} />
          <Cost label="Memory" value={memory === null ? null : formatRowValue('memory', memory)} />
          <Cost label="Energy" value={energy === null ? null : { text: formatFigures(energy), unit: 'J/tok' }} />
        </div>
      )}
      <div className="txt" ref={box} tabIndex={0} role="region" aria-label={`Text of ${blind ? `answer ${at + 1}` : letter}`}>
        {all.length > 1 && comparison.state !== 'running' && (
          <p className="who">
            <button type="button" className="act" aria-label="Answer before" disabled={shownAt === 0} onClick={() => setRepeat(shownAt - 1)}>‹</button>
            answer {shownAt + 1} of {all.length}
            <button type="button" className="act" aria-label="Answer after" disabled={shownAt >= all.length - 1} onClick={() => setRepeat(shownAt + 1)}>›</button>
          </p>
        )}
        {answer === null || answer.state === 'waiting' ? <p className="sub">Waits for its turn.</p> : answer.state === 'loading' ? <p className="sub" role="status">Loads the model.</p> : null}
        {answer !== null && answer.thinking !== '' && <Thinking text={answer.thinking} cut={null} tokens={null} writing={growing && answer.content === ''} />}
        {answer !== null && <AnswerText text={answer.content} growing={growing} partAt={partAt} />}
        {answer?.problem && <ProblemActions problem={answer.problem} />}
        {answer?.figures && (
          <div className="figs">
            {describeFigures(answer.figures, (comparison.wish.contenders[at]?.provider ?? null) !== null).filter((f) => f.key !== 'decode' && f.key !== 'first').map((f) => <span key={f.key} title={f.title}>{f.text}</span>)}
            <span>{(answer.reason === null ? null : reasonWords[answer.reason]) ?? 'stopped by itself'}</span>
          </div>
        )}
      </div>
      {comparison.wish.contenders.length > 1 && (
        <footer className="votebar">
          <Button small aria-pressed={voted?.contender === at} disabled={answer?.state !== 'done'} onClick={() => onVote(at)}>{voted?.contender === at ? 'Liked best' : 'Best'}</Button>
        </footer>
      )}
    </section>
  );
}

function Cost({ label, value }: { readonly label: string; readonly value: { readonly text: string; readonly unit: string } | null }): ReactNode {
  return (
    <div>
      <span className="lab">{label}</span>
      <b>{value === null ? <NotReported reason="It was not reported, or there is no answer yet." /> : <Value of={value} />}</b>
    </div>
  );
}
