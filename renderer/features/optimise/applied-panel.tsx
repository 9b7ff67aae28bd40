import { useState, type ReactNode } from 'react';
import type { Application, Toggle } from '../../../contract/optimize.ts';
import { useOptimise } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatWhen } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { ApplyDialog } from './apply-dialog.tsx';
import { applicationWords, meansWords } from './effect-words.ts';
import { TroubleNote } from './trouble-note.tsx';

/** What was written into environments, whether it still stands, and the way back. */
export function AppliedPanel({ toggles }: { readonly toggles: readonly Toggle[] }): ReactNode {
  const remote = useOptimise((s) => s.applications);
  const [undoing, setUndoing] = useState<Application | null>(null);
  const nowMs = useNow(60_000);
  const list = valueOf(remote);
  const named = (a: Application): string => a.toggles.map((t) => {
    const known = toggles.find((one) => one.id === t.toggleId);
    const value = known?.values.find((v) => v.id === t.value)?.title;
    return known === undefined ? t.toggleId : known.values.length === 1 || value === undefined ? known.title : `${known.title}: ${value}`;
  }).join(', ');
  return (
    <Panel title="Applied" id="optimise-applied" sub="what Warpdeck has written into environments" className="optpanel">
      {remote.state === 'failed' && <TroubleNote problem={remote.problem} />}
      {remote.state === 'loading' && <p className="pad note" role="status">Reading.</p>}
      {list?.length === 0 && <p className="pad note">Nothing. Apply… writes only after a plan was shown, and everything can be undone.</p>}
      {list !== null && list.length > 0 && (
        <ul className="applied">
          {list.map((a) => {
            const words = applicationWords[a.state];
            return (
              <li key={a.id}>
                <div>
                  <b>{plainText(a.environmentName)}</b> <span className="q">{meansWords[a.means].text}, {formatWhen(a.appliedAtMs, nowMs)}</span>
                  <p className="note">{named(a)}</p>
                  {words.means !== null && <p className="note">{words.means}</p>}
                  {a.state === 'in_force' && <p className="note q">Off for one start: <code>{a.killSwitch}</code></p>}
                </div>
                <StateMark kind={words.kind}>{words.word}</StateMark>
                {(a.state === 'in_force' || a.state === 'edited') && <Button small aria-label={`Undo in ${plainText(a.environmentName)}`} onClick={() => setUndoing(a)}>Undo…</Button>}
              </li>
            );
          })}
        </ul>
      )}
      {undoing !== null && <ApplyDialog task={{ kind: 'undo', application: undoing }} onClose={() => setUndoing(null)} />}
    </Panel>
  );
}
