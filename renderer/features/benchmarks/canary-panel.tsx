import type { ReactNode } from 'react';
import type { CanaryState } from '../../../contract/benchmarks.ts';
import { useApp, useBenchmarks } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatDeviceName, formatFigures, formatWhen } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { StateMark, type StateKind } from '../../ui/state-mark.tsx';
import { ProblemButtons } from './problem-buttons.tsx';
import { formatChange } from './run-words.ts';

const words: Readonly<Record<CanaryState['state'], { readonly kind: StateKind; readonly word: string }>> = {
  never: { kind: 'unknown', word: 'Never checked' },
  learning: { kind: 'pending', word: 'Learns' },
  running: { kind: 'pending', word: 'Checks now' },
  calm: { kind: 'fine', word: 'As before' },
  alarm: { kind: 'problem', word: 'Slower than before' },
  failed: { kind: 'attention', word: 'Could not check' },
};

/** This machine against its own history: the last word of the canary, what it stands on, and the way back where there is one. */
export function CanaryPanel({ busy }: { readonly busy: boolean }): ReactNode {
  const { benchmarks: store, jobs } = useApp();
  const remote = useBenchmarks((s) => s.canary);
  const canary = valueOf(remote);
  if (remote.state === 'failed') return <ProblemNote problem={remote.problem} />;
  if (canary === null) return null;
  const { kind, word } = words[canary.state];
  const check = async (): Promise<void> => {
    const job = await store.getState().runCanary(null);
    if (job !== null) jobs.getState().open(job.id);
  };
  const context = [canary.place === null ? null : formatDeviceName(plainText(canary.place.name)), canary.atMs === null ? null : formatWhen(canary.atMs, Date.now()), canary.because === null || canary.because === 'asked' ? null : `after ${plainText(canary.because)}`].filter((w) => w !== null).join(', ');
  return (
    <section className="panel bcanary" aria-label="Canary">
      <div className="brow">
        <h2>Canary</h2>
        <span role="status"><StateMark kind={kind}>{word}</StateMark></span>
        <p className="bsay">{plainText(canary.sentence)} <span className="q">{context}</span></p>
        <Button small disabled={busy || canary.state === 'running'} title="A fixed minute of measurements, compared with earlier ones on this machine" onClick={() => void check()}>Check now</Button>
      </div>
      {canary.problem !== null && <div className="bback"><ProblemNote problem={canary.problem} /><ProblemButtons problem={canary.problem} /></div>}
      {canary.rows.length > 0 && (
        <details className="bcond" open={canary.state === 'alarm'}>
          <summary>What was compared ({canary.rows.length})</summary>
          <table className="tbl">
            <thead><tr><th>Case</th><th className="num">Usual here</th><th className="num">Now</th><th>Unit</th><th className="num">Change</th><th className="num">Interval</th></tr></thead>
            <tbody>
              {canary.rows.map((row) => {
                const change = formatChange(row);
                return <tr key={row.caseId}><td>{plainText(row.title)}</td><td className="num m">{row.a === null ? '—' : formatFigures(row.a)}</td><td className="num m">{row.b === null ? '—' : formatFigures(row.b)}</td><td className="q">{row.unit}</td><td className="num">{change === null ? '—' : <>{change.change}<span className="u">%</span></>}</td><td className="num q">{change?.interval ?? '—'}</td></tr>;
              })}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}
