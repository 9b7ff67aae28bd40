import { useState, type ReactNode } from 'react';
import type { ComponentHealth } from '../../../contract/optimize.ts';
import { useMachine } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import { formatAge } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { stateIcon } from '../../ui/state-mark.tsx';
import { healthWords } from './effect-words.ts';
import { TroubleNote } from './trouble-note.tsx';

/** Driver, torch, CUDA, cuDNN, attention, compile, llama.cpp: one mark each; a click says why. */
export function HealthStrip(): ReactNode {
  const remote = useMachine((s) => s.health);
  const [open, setOpen] = useState<ComponentHealth['id'] | null>(null);
  const nowMs = useNow(60_000);
  const list = valueOf(remote);
  const shown = list?.find((c) => c.id === open) ?? null;
  if (remote.state === 'failed') return <TroubleNote problem={remote.problem} />;
  if (list === null) return <p className="health waits" role="status">Looking at the components.</p>;
  return (
    <div className="health" role="group" aria-label="Components">
      <ul>
        {list.map((c) => {
          const words = healthWords[c.state];
          return (
            <li key={c.id}>
              <button type="button" aria-expanded={open === c.id} title={plainText(c.detail)} onClick={() => setOpen(open === c.id ? null : c.id)}>
                <span className={`st ${words.kind}`}><Icon name={c.state === 'absent' ? 'none' : stateIcon(words.kind)} /></span>{c.title} <span className={words.kind === 'problem' ? 'bad' : 'q'}>{words.word}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {shown !== null && (
        <div className="more">
          <p className="note"><b>{shown.title}:</b> {plainText(shown.detail)} <span className="q">{shown.provedAtMs === null ? 'Never proved here.' : `Proved ${formatAge(Math.max(0, (nowMs - shown.provedAtMs) / 1000))}.`}</span></p>
          {shown.problem !== null && <TroubleNote problem={shown.problem} />}
        </div>
      )}
    </div>
  );
}
