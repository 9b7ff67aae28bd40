import type { ReactNode } from 'react';
import type { BenchmarkInfo, BenchmarkRun } from '../../../contract/benchmarks.ts';
import { formatMhz, formatShare } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Segmented } from '../../ui/segmented.tsx';
import { Tip } from '../../ui/tip.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { SectionBars } from './bar-chart.tsx';
import type { CaseSection, CaseValue, Facet } from './case-groups.ts';
import { PlaceMark } from './place-mark.tsx';
import type { ShownPlace } from './places.ts';
import { describeResult, formatWithInterval, markWords } from './run-words.ts';

export interface BarsPanelProps {
  readonly info: Pick<BenchmarkInfo, 'title' | 'what'>;
  readonly sections: readonly CaseSection[];
  readonly places: readonly ShownPlace[];
  readonly facets: readonly Facet[];
  readonly facet: string | null;
  onFacet(id: string): void;
  /** What the runs say of themselves, and under which conditions. */
  readonly runs: readonly BenchmarkRun[];
}

/** Room for the longest name, CSS px: about 7 a letter. Pure. */
function decideLabelWidth({ groups }: Pick<CaseSection, 'groups'>): number {
  return Math.min(240, Math.max(72, 24 + 7 * Math.max(...groups.map((g) => g.label.length))));
}

/** Medians with their intervals as bars, by case and place; the numbers, the share of the peak and the marks beside them. */
export function BarsPanel({ info, sections, places, facets, facet, onFacet, runs }: BarsPanelProps): ReactNode {
  const chosen = facets.find((f) => f.id === facet) ?? null;
  return (
    <Panel
      className="b-bars"
      title={chosen === null ? info.title : `${info.title}, ${chosen.text}`}
      sub="median with 95 % interval"
      side={<div className="legend">{places.map((p) => <span key={p.key}><PlaceMark place={p} />{p.name}</span>)}</div>}
    >
      {facets.length > 1 && <div className="bfacets"><Segmented label="Size" value={facet} options={facets.map((f) => ({ value: f.id, text: f.text }))} onChange={onFacet} /></div>}
      {sections.map((section) => (
        <div key={`${section.unit} ${String(section.higherIsBetter)}`} className="bsection" style={{ '--label': `${decideLabelWidth(section)}px` } as Record<string, string>}>
          <SectionBars section={section} places={places} />
          <table className="btab" aria-label={`${info.title}, ${section.unit}`}>
            <colgroup><col className="k1" /><col className="k2" /><col /><col className="k4" /><col className="k5" /><col className="k6" /></colgroup>
            <thead>
              <tr>{['Case', 'Place', 'Bar', section.unit, 'Share of the peak', 'Marks'].map((w) => <th key={w} scope="col"><span className="sr">{w}</span></th>)}</tr>
            </thead>
            <tbody>
              {section.groups.flatMap((group) => group.values.map((value, i) => (
                <tr key={`${group.caseId} ${value.place.key}`} className={`${i === 0 ? 'first' : ''}${i === group.values.length - 1 ? ' last' : ''}`}>
                  {i === 0 && <th scope="rowgroup" rowSpan={group.values.length} className="g" title={plainText(group.label)}>{plainText(group.label)}</th>}
                  <td className="pm"><PlaceMark place={value.place} /><span className="sr">{value.place.name}</span></td>
                  <td className="trk" />
                  <ResultCells value={value} unit={section.unit} />
                </tr>
              )))}
            </tbody>
          </table>
          <p className="bunit sub">{section.unit}{section.higherIsBetter ? '' : ', less is better'}</p>
        </div>
      ))}
      <Footnotes sections={sections} places={places} runs={runs} what={info.what} />
    </Panel>
  );
}

function ResultCells({ value: { result, run }, unit }: { readonly value: CaseValue; readonly unit: string }): ReactNode {
  if (result?.median == null) {
    const reason = result?.problem != null ? `${result.problem.title}. ${plainText(result.problem.cause)}` : run === null ? 'It was not measured here.' : run.state === 'running' ? 'It has not been measured yet.' : 'It is not part of this run.';
    return <><td className="num"><NotReported reason={reason} /></td><td className="num pk" /><td className="mk" /></>;
  }
  const { value, half } = formatWithInterval(result.median, result.low, result.high);
  const [first] = [...result.marks].sort((a, b) => Number(markWords[b].doubt) - Number(markWords[a].doubt));
  return (
    <>
      <td className="num">
        <Tip text={<ul className="blines">{describeResult(result).map((line) => <li key={line}>{line}</li>)}</ul>}>
          {(target) => <span className="figure" tabIndex={0} {...target}>{value}{half !== null && <span className="q"> ± {half}</span>}<span className="sr"> {unit}</span></span>}
        </Tip>
      </td>
      <td className="num pk">{result.peakShare !== null && <Value of={{ text: formatShare(result.peakShare).text, unit: '% of peak' }} />}</td>
      <td className="mk">
        {first !== undefined && (
          <span className={`st ${markWords[first].doubt ? 'attention' : 'q'}`} title={result.marks.map((m) => `${markWords[m].word}: ${markWords[m].why}`).join(' ')}>
            <Icon name={markWords[first].doubt ? 'warn' : 'info'} />
            <span className="mkw">{markWords[first].word}{result.marks.length > 1 ? ` + ${result.marks.length - 1}` : ''}</span>
          </span>
        )}
      </td>
    </>
  );
}

/** Why a share can be more than all: the clock of the run and the share at it. */
function describeClock(sections: readonly CaseSection[]): ReactNode {
  const all = sections.flatMap((s) => s.groups.flatMap((g) => g.values.map((v) => ({ ...v, label: g.label }))));
  const most = all.filter((v) => v.result?.peakShareAtClock != null && v.result.smClockMhz !== null).sort((a, b) => (b.result?.peakShare ?? 0) - (a.result?.peakShare ?? 0))[0];
  if (most?.result?.peakShareAtClock == null || most.result.smClockMhz === null) return null;
  return <> At the clock of the run (<Value of={formatMhz(most.result.smClockMhz)} />) the {most.place.name} reaches <Value of={formatShare(most.result.peakShareAtClock)} /> in {plainText(most.label)}.</>;
}

function Footnotes({ sections, places, runs, what }: { readonly sections: readonly CaseSection[]; readonly places: readonly ShownPlace[]; readonly runs: readonly BenchmarkRun[]; readonly what: string }): ReactNode {
  const hasPeak = sections.some((s) => s.groups.some((g) => g.values.some((v) => v.result?.peakShare != null)));
  const notes = runs.flatMap((r) => r.notes);
  return (
    <div className="bfoot">
      <p className="sub">{what}</p>
      {hasPeak && <p className="sub">Peak is dense, for the same accumulator, at NVIDIA’s boost clock. GeForce cards run above that clock, so more than 100 % is possible.{describeClock(sections)}</p>}
      {[...new Set(notes)].slice(0, 20).map((note) => <p key={note} className="sub">{plainText(note)}</p>)}
      {runs.some((r) => Object.keys(r.conditions).length > 0) && (
        <details className="bcond">
          <summary>Conditions</summary>
          {runs.map((run) => (
            <dl key={run.id} className="kv">
              <dt>{places.find((p) => p.key === run.place.key)?.name ?? plainText(run.place.name)}</dt>
              <dd>{run.driverVersion === null ? '' : `driver ${run.driverVersion}`}</dd>
              {Object.entries(run.conditions).slice(0, 60).flatMap(([name, value]) => [<dt key={`${name} t`}>{plainText(name)}</dt>, <dd key={`${name} d`}>{value === null ? '—' : plainText(String(value))}</dd>])}
            </dl>
          ))}
        </details>
      )}
    </div>
  );
}
