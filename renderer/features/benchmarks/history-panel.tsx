import { memo, useEffect, useMemo, useState, type ReactNode } from 'react';
import { Area, CartesianGrid, ComposedChart, Line, ReferenceLine, XAxis, YAxis } from 'recharts';
import type { PastRun } from '../../../contract/benchmarks.ts';
import { useApp, useBenchmarks } from '../../app/context.tsx';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { formatCount, formatDate, formatFigures, formatWhen } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Select } from '../../ui/select.tsx';
import { gridAt, writeLabel } from './chart-parts.tsx';
import { decideHistoryLine, decideTimeTicks, decideValueDomain, decideValueTicks, listSeries, type HistoryEvent, type HistoryLine, type HistoryPoint } from './history-line.ts';
import { PlaceMark, placeColour } from './place-mark.tsx';
import type { ShownPlace } from './places.ts';
import { comparedWords, formatWithInterval } from './run-words.ts';
import { useSize } from './use-size.ts';

const DAY_MS = 86_400_000;
/** More would be a band, and each is a node. */
const MOST_DOTS = 120;
/** Rows that a reader hears; the runs themselves are in the list of runs. */
const MOST_TOLD = 30;
const tick = { fill: 'var(--ink-3)', fontSize: 11 };

const shortDay = (atMs: number): string => formatDate(atMs).replace(/ \d{4}$/, '').replace(/([A-Z][a-z]{2})[a-z]+/, '$1');
const shortTime = (atMs: number): string => `${String(new Date(atMs).getHours()).padStart(2, '0')}:${String(new Date(atMs).getMinutes()).padStart(2, '0')}`;

/** One case (at first one of the size that the bars show) at one place over time, with the changes of driver, torch and engine; which side of the last change is better is the engine's word. */
/** `reading`: the earlier runs are not there yet; a line of the newest alone would be drawn to be drawn again. */
export function HistoryPanel({ runs, places, facet, reading }: { readonly runs: readonly PastRun[]; readonly places: readonly ShownPlace[]; readonly facet: string | null; readonly reading: boolean }): ReactNode {
  const { benchmarks: store } = useApp();
  const trend = useBenchmarks((s) => s.trend);
  const [placeKey, setPlaceKey] = useState<string | null>(null);
  const [seriesKey, setSeriesKey] = useState<string | null>(null);
  const place = places.find((p) => p.key === placeKey) ?? places[0] ?? null;
  const series = useMemo(() => (place === null ? [] : listSeries(runs, place.key)), [runs, place]);
  const one = series.find((s) => s.key === seriesKey) ?? series.find((s) => facet !== null && s.caseId.endsWith(`-${facet}`)) ?? series[0] ?? null;
  const line = useMemo(() => (place === null || one === null ? null : decideHistoryLine(runs, place.key, one)), [runs, place, one]);
  const before = line?.turn?.before ?? null;
  const after = line?.turn?.after ?? null;
  useEffect(() => {
    if (before !== null && after !== null) void store.getState().judge(before, after);
  }, [store, before, after]);
  const row = one === null || trend === null || trend.a !== before || trend.b !== after ? null : (valueOf(trend.result)?.rows.find((r) => r.caseId === one.caseId) ?? null);
  const words = row === null ? null : comparedWords[row.word];
  return (
    <Panel
      className="b-hist"
      title="History"
      side={words !== null && line?.turn != null && <span className={`st ${words.look}`}><Icon name={words.icon} />{words.word} since {shortDay(line.turn.sinceMs)}</span>}
      sub={
        <span className="bpick">
          {series.length > 0 && <Select label="Case of the history" value={one?.key ?? ''} options={series.map((s) => ({ value: s.key, text: s.text }))} onChange={setSeriesKey} />}
          {places.length > 1 && place !== null && <Select label="Place of the history" value={place.key} options={places.map((p) => ({ value: p.key, text: p.name }))} onChange={setPlaceKey} />}
          {place !== null && <PlaceMark place={place} />}
        </span>
      }
    >
      {reading ? <p className="bempty" role="status">Reading earlier runs.</p> : line === null || place === null || line.points.length === 0 ? <p className="bempty">Every finished run adds a point here.</p> : (
        <>
          <HistoryPlot line={line} place={place} />
          <HistoryTable line={line} name={`${one?.text ?? ''} on ${place.name}`} />
          {line.points.length === 1 && <p className="sub pad">One run so far. A line needs two.</p>}
          {line.left > 0 && <p className="sub pad">The newest {line.points.length} runs are shown, {formatCount(line.left, 'older one')} left out.</p>}
        </>
      )}
    </Panel>
  );
}

const HistoryPlot = memo(function HistoryPlot({ line: { points, events }, place }: { readonly line: HistoryLine; readonly place: ShownPlace }): ReactNode {
  const [box, { width, height }] = useSize<HTMLDivElement>();
  const from = points[0]?.atMs ?? 0;
  const to = points.at(-1)?.atMs ?? 0;
  const last = points.at(-1);
  const domain = decideValueDomain(points);
  const ticks = decideTimeTicks(from, to, Math.max(2, Math.min(7, Math.floor(width / 110))));
  const valueTicks = decideValueTicks(domain);
  const colour = placeColour(place);
  const figure = last === undefined ? null : formatWithInterval(last.value, last.low, last.high);
  return (
    <div className="bhist">
      <div ref={box} className="bplot" aria-hidden="true">
        {width > 0 && (
          <ComposedChart
            width={width} height={height} data={points.map((p) => ({ ...p, span: [p.low, p.high] }))} margin={{ top: 38, right: 16, bottom: 0, left: 0 }} accessibilityLayer={false}
            onClick={(state) => {
              const point = points[Number(state.activeTooltipIndex)];
              if (point !== undefined) goTo('benchmarks', point.runId);
            }}
          >
            <CartesianGrid {...gridAt({ y: valueTicks })} stroke="var(--grid)" />
            <XAxis type="number" dataKey="atMs" scale="time" domain={from === to ? [from - DAY_MS, to + DAY_MS] : [from, to]} ticks={[...ticks]} interval={0} tickLine={false} axisLine={{ stroke: 'var(--axis)' }} tick={tick} height={22} tickFormatter={to - from < 2 * DAY_MS ? shortTime : shortDay} />
            <YAxis type="number" domain={[...domain]} tickLine={false} axisLine={{ stroke: 'var(--axis)' }} tick={tick} width={52} ticks={[...valueTicks]} interval={0} tickFormatter={formatFigures} label={{ position: 'insideTopLeft', offset: 0, dx: 56, content: writeLabel({ text: last?.unit ?? '', anchor: 'start', hangs: true, size: 11, colour: 'var(--ink-3)' }) }} />
            <Area dataKey="span" fill={colour} fillOpacity={0.18} stroke="none" isAnimationActive={false} activeDot={false} />
            <Line dataKey="value" stroke={colour} strokeWidth={1.25} dot={points.length <= MOST_DOTS ? { r: 1.8, fill: colour, strokeWidth: 0 } : false} isAnimationActive={false} type="linear" />
            {events.map((event, i) => drawEvent(event, i))}
          </ComposedChart>
        )}
      </div>
      {last !== undefined && figure !== null && (
        <p className="bnow"><b>{figure.value}{figure.half === null ? '' : ` ± ${figure.half}`}</b><span className="q">{last.unit}, {shortDay(last.atMs)}</span></p>
      )}
    </div>
  );
});

function drawEvent({ atMs, kind, text, row }: HistoryEvent, i: number): ReactNode {
  return <ReferenceLine key={`${atMs} ${kind} ${i}`} x={atMs} stroke={kind === 'torch' ? 'var(--line-strong)' : 'var(--ink-3)'} {...(kind === 'torch' ? { strokeDasharray: '2 3' } : {})} {...(row === null ? {} : { label: { position: 'top' as const, offset: row === 0 ? 20 : 6, content: writeLabel({ text, anchor: 'middle', size: 10, colour: 'var(--ink-2)' }) } })} />;
}

function HistoryTable({ line: { points, events }, name }: { readonly line: HistoryLine; readonly name: string }): ReactNode {
  const now = Date.now();
  const told = points.slice(-MOST_TOLD);
  const words = (p: HistoryPoint): string => `${formatFigures(p.value)}, ${formatFigures(p.low)} to ${formatFigures(p.high)} ${p.unit}`;
  return (
    <div className="sr">
      <table aria-label={`History of ${name}`}>
        <caption>{points.length > told.length ? `The newest ${told.length} of ${formatCount(points.length, 'run')}` : formatCount(points.length, 'run')}</caption>
        <thead><tr><th>When</th><th>Median and 95 % interval</th></tr></thead>
        <tbody>{told.map((p) => <tr key={p.runId}><td>{formatWhen(p.atMs, now)}</td><td>{words(p)}</td></tr>)}</tbody>
      </table>
      {events.length > 0 && <ul aria-label="Changes">{events.map((e) => <li key={`${e.atMs} ${e.text}`}>{`${formatWhen(e.atMs, now)}: ${e.text}`}</li>)}</ul>}
    </div>
  );
}
