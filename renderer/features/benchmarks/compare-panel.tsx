import { useLayoutEffect, useMemo, useState, type ReactNode } from 'react';
import type { ComparedRow, PastRun } from '../../../contract/benchmarks.ts';
import { useApp, useBenchmarks } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatFigures } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Select } from '../../ui/select.tsx';
import { comparedWords, formatChange, listRunChoices } from './run-words.ts';

/** The run that a run is compared with at first: the one before it at the same place with the same model, else any before it. Pure. */
export function decidePredecessor(runs: readonly PastRun[], run: PastRun): PastRun | null {
  const before = runs.filter((r) => r.id !== run.id && r.name === run.name && r.startedAtMs <= run.startedAtMs && r.state !== 'running');
  return before.find((r) => r.place.key === run.place.key && r.model?.id === run.model?.id) ?? before.find((r) => r.place.key === run.place.key) ?? before[0] ?? null;
}

/** Two runs of a benchmark, row by row and in words. `runs`: of one benchmark, newest first. */
export function ComparePanel({ runs, shown }: { readonly runs: readonly PastRun[]; readonly shown: Pick<PastRun, 'id'> | null }): ReactNode {
  const { benchmarks: store } = useApp();
  const pair = useBenchmarks((s) => s.pair);
  const [chosen, setChosen] = useState<{ readonly a: string | null; readonly b: string | null }>({ a: null, b: null });
  const ended = useMemo(() => runs.filter((r) => r.state !== 'running' && r.figures.length > 0), [runs]);
  const options = useMemo(() => listRunChoices(ended), [ended]);
  const of = (id: string | null): PastRun | null => ended.find((r) => r.id === id) ?? null;
  const b = of(chosen.b) ?? of(shown?.id ?? null) ?? ended[0] ?? null;
  const a = of(chosen.a) ?? (b === null ? null : decidePredecessor(ended, b)) ?? ended.find((r) => r.id !== b?.id) ?? null;
  const aId = a?.id ?? null;
  const bId = b?.id ?? null;
  // Asked for before the charts of the page are drawn, not after: the engine compares meanwhile.
  useLayoutEffect(() => {
    if (aId !== null && bId !== null && aId !== bId) void store.getState().compare(aId, bId);
  }, [store, aId, bId]);
  const result = pair !== null && pair.a === aId && pair.b === bId ? pair.result : null;
  const compared = result === null ? null : valueOf(result);
  const reach = decideReach(compared?.rows ?? []);
  if (a === null || b === null) return <Panel className="b-cmp" title="Two runs"><p className="bempty">Two runs of this benchmark are needed. Run it again, for instance after an update of the driver or of PyTorch.</p></Panel>;
  return (
    <Panel className="b-cmp" title="Two runs" side={<Button look="bare" small onClick={() => setChosen({ a: b.id, b: a.id })}>Swap</Button>}>
      <div className="bpair">
        <span>A <Select label="Run A" value={a.id} options={options} onChange={(id) => setChosen({ a: id, b: b.id })} /></span>
        <span>B <Select label="Run B" value={b.id} options={options} onChange={(id) => setChosen({ a: a.id, b: id })} /></span>
      </div>
      {a.id === b.id && <p className="bempty">A and B are the same run. Choose another one.</p>}
      {(result?.state === 'failed' || result?.state === 'stale') && <ProblemNote problem={result.problem} />}
      {compared !== null && (
        <>
          <p className="bsentence" role="status">{plainText(compared.sentence)}</p>
          <div className="tscroll" tabIndex={0} role="region" aria-label="Rows of the comparison">
            <table className="tbl">
              <thead><tr><th>Case</th><th className="num c1">A</th><th className="num c1">B</th><th className="c2">Unit</th><th className="num c3">Change</th><th className="num c4">95 % interval</th><th className="c6"><span className="sr">Interval drawn</span></th><th className="c5">In words</th></tr></thead>
              <tbody>{compared.rows.map((row) => <Row key={row.caseId} row={row} reach={reach} />)}</tbody>
            </table>
          </div>
          {compared.differ.length > 0 && (
            <details className="bcond" open={compared.differ.length <= 4}>
              <summary>What else differs ({compared.differ.length})</summary>
              <table className="tbl"><thead><tr><th>What</th><th>A</th><th>B</th></tr></thead><tbody>{compared.differ.map((d) => <tr key={d.what}><td>{plainText(d.what)}</td><td title={plainText(d.a)}>{plainText(d.a)}</td><td title={plainText(d.b)}>{plainText(d.b)}</td></tr>)}</tbody></table>
            </details>
          )}
          <p className="sub pad">Change is in the sense of better: more is faster. The intervals hold for all rows together.</p>
        </>
      )}
      {result?.state === 'loading' && <p className="bempty" role="status">Comparing the samples.</p>}
    </Panel>
  );
}

/** How far the drawn intervals reach to either side of no change: the widest one fits, and 1 % is never the whole width. Pure. */
export function decideReach(rows: readonly Pick<ComparedRow, 'low' | 'high'>[]): number {
  return Math.max(0.02, ...rows.flatMap(({ low, high }) => [low, high].flatMap((r) => (r === null || !(r > 0) ? [] : [Math.abs(Math.log(r))]))));
}

const STRIP = 56;
/** An interval about the line of no change, on a scale of ratios that all rows share; the words beside it say the same. */
function Strip({ row: { ratio, low, high }, reach, look }: { readonly row: ComparedRow; readonly reach: number; readonly look: string }): ReactNode {
  if (ratio === null || low === null || high === null) return null;
  const at = (r: number): number => STRIP / 2 + (Math.log(r) / reach) * (STRIP / 2 - 3);
  return (
    <svg className={`bstrip ${look}`} width={STRIP} height="14" viewBox={`0 0 ${STRIP} 14`} aria-hidden="true">
      <path className="zero" d={`M${STRIP / 2} 0V14`} />
      <path d={`M${at(low)} 7H${at(high)}M${at(low)} 4V10M${at(high)} 4V10`} />
      <circle cx={at(ratio)} cy="7" r="2" />
    </svg>
  );
}

function Row({ row, reach }: { readonly row: ComparedRow; readonly reach: number }): ReactNode {
  const change = formatChange(row);
  const words = comparedWords[row.word];
  return (
    <tr>
      <td title={plainText(row.title)}>{plainText(row.title)}</td>
      <td className="num m">{row.a === null ? '—' : formatFigures(row.a)}</td>
      <td className="num m">{row.b === null ? '—' : formatFigures(row.b)}</td>
      <td className="q">{row.unit}</td>
      <td className="num">{change === null ? '—' : <>{change.change}<span className="u">%</span></>}</td>
      <td className="num q">{change?.interval ?? '—'}</td>
      <td className="c6d"><Strip row={row} reach={reach} look={words.look} /></td>
      <td><span className={`st ${words.look}`}><Icon name={words.icon} />{words.word}</span></td>
    </tr>
  );
}
