import type { ReactNode } from 'react';
import { useApp, useMachine } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatAge, formatDeviceName, formatPercent } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { TroubleNote } from './trouble-note.tsx';

/** How long the GPU is watched, s. */
const WATCH_SECONDS = 10;

/** Watches for ten seconds, then says what can make it slow, each with its number. */
export function WhySlow({ place, name }: { readonly place: string | null; readonly name: string }): ReactNode {
  const { machine } = useApp();
  const slow = useMachine((s) => s.slow);
  const nowMs = useNow(10_000);
  const report = valueOf(slow);
  const busy = slow.state === 'loading';
  const ask = (): void => void machine.getState().explainSlow(place, WATCH_SECONDS);
  return (
    <Panel title="Why is it slow?" id="optimise-slow" sub={report === null ? name : `${plainText(formatDeviceName(report.place.name))}, ${formatAge(Math.max(0, (nowMs - report.atMs) / 1000))}`} side={<Button small disabled={busy} onClick={ask}>{busy ? 'Watching' : report === null ? `Watch for ${String(WATCH_SECONDS)} s` : 'Watch again'}</Button>} className="optpanel">
      <div aria-live="polite" aria-busy={busy}>
        {busy && <p className="pad note">Watching {name} for {WATCH_SECONDS} s. Leave your program running.</p>}
        {slow.state === 'idle' && <p className="pad note">Start your program, then watch: clocks, power, link, memory and other processes are looked at while it runs.</p>}
        {slow.state === 'failed' && <TroubleNote problem={slow.problem} onRetry={ask} />}
        {report !== null && report.causes.length === 0 && <p className="pad note"><b>Nothing was found that slows it.</b></p>}
        {report !== null && report.causes.length > 0 && (
          <ol className="causes">
            {report.causes.map((c) => (
              <li key={c.id}>
                <span className="w"><b>{formatPercent(c.weight * 100).text}</b><span className="u">%</span><span className="bar" aria-hidden="true"><i style={{ width: `${c.weight * 100}%` }} /></span></span>
                <div><b>{plainText(c.title)}</b> <span className="q">{plainText(c.number)}</span><p className="note">{plainText(c.remedy)}</p></div>
              </li>
            ))}
          </ol>
        )}
        {report !== null && report.causes.length > 0 && <p className="pad note q">The share is how much of the time or speed a cause can explain at most; they do not add up.</p>}
        {report?.notes.map((note) => <p key={note} className="pad note">{plainText(note)}</p>)}
      </div>
    </Panel>
  );
}
