import type { ReactNode } from 'react';
import { useApp, useEnvironments } from '../../app/context.tsx';
import { hrefOf } from '../../app/routes.ts';
import { Button } from '../../ui/button.tsx';
import { formatClock } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { verdictWords } from './verdict-words.ts';

/** What other programs changed and nobody has looked at yet. */
export function DriftNotes(): ReactNode {
  const { environments: store } = useApp();
  const unseen = useEnvironments((s) => s.drift).filter((d) => !d.seen);
  return unseen.map((d) => (
    <p key={d.id} className="callout below row">
      <span>
        <b>{plainText(d.environmentName)}: torch went from {d.fromTorch ?? 'none'} to {d.toTorch ?? 'none'}</b> at {formatClock(d.atMs)}{d.by === null ? '' : <>, by <code>{plainText(d.by)}</code></>}. Its verdict was {verdictWords[d.fromWorst].word}, now it is {verdictWords[d.toWorst].word}.
      </span>
      <span className="sp" />
      {d.upgradeId !== null ? (
        <a className="btn s" href={`${hrefOf('environments', d.environmentId)}?do=undo&upgrade=${encodeURIComponent(d.upgradeId)}`}>Put back</a>
      ) : d.fromTorch !== null ? (
        <a className="btn s" href={`${hrefOf('environments', d.environmentId)}?do=repair&to=${encodeURIComponent(d.fromTorch)}`}>Put back</a>
      ) : null}
      <Button small onClick={() => void store.getState().seeDrift(d.id)}>This is wanted</Button>
    </p>
  ));
}
