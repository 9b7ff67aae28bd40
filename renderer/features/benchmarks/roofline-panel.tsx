import { memo, useMemo, useState, type ReactNode } from 'react';
import { CartesianGrid, ReferenceLine, Scatter, ScatterChart, XAxis, YAxis } from 'recharts';
import type { BenchmarkInfo, BenchmarkRun } from '../../../contract/benchmarks.ts';
import { formatFigures, formatShare, formatWhole } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Select } from '../../ui/select.tsx';
import { gridAt, writeLabel } from './chart-parts.tsx';
import { PlaceMark, placeColour } from './place-mark.tsx';
import type { ShownPlace } from './places.ts';
import { decideRoofAxes, decideRoofCorners, decideRoofline, precisionWords, type Precision, type Roof, type RoofAxes } from './roofline.ts';
import { useSize } from './use-size.ts';
import { useUnchanged } from './use-unchanged.ts';

const shapes = ['circle', 'square', 'triangle', 'diamond'] as const;
const tick = { fill: 'var(--ink-3)', fontSize: 11 };
const formatTick = (value: number): string => (value >= 1 ? formatWhole(value) : String(value));

/** What a place allows at each intensity, from its own measured bandwidth and arithmetic, and where the cases lie under it. */
export function RooflinePanel({ infos, runs, places, onRun }: { readonly infos: readonly BenchmarkInfo[]; readonly runs: readonly BenchmarkRun[]; readonly places: readonly ShownPlace[]; onRun(name: string): void }): ReactNode {
  const [wanted, setWanted] = useState<Precision | null>(null);
  const { precisions, precision, roofs } = useUnchanged(useMemo(() => decideRoofline(infos, runs, places, wanted), [infos, runs, places, wanted]));
  const bandwidth = infos.find((i) => i.cases.some((c) => c.peak === 'bytes'));
  const compute = infos.find((i) => i.cases.some((c) => c.intensity !== null));
  const roofless = roofs.filter((r) => r.gigabytesPerSecond === null);
  return (
    <Panel
      className="b-roof"
      title="Roofline"
      sub={precision === null ? 'measured roofs' : `measured roofs, ${precisionWords[precision]}`}
      side={precision !== null && precisions.length > 1 && <Select<Precision> label="Precision of the roofline" value={precision} options={precisions.map((p) => ({ value: p, text: precisionWords[p] }))} onChange={setWanted} />}
    >
      {roofs.length === 0 ? (
        <p className="bempty">A roofline needs two measurements of a place: {compute?.title ?? 'arithmetic'} for its ceiling and {bandwidth?.title ?? 'memory bandwidth'} for its slope.{compute !== undefined && <> <button type="button" className="linklike" onClick={() => onRun(compute.name)}>Measure {compute.title}…</button></>}</p>
      ) : (
        <>
          <RoofPlot roofs={roofs} />
          <RoofTable roofs={roofs} />
          {roofless.length > 0 && bandwidth !== undefined && (
            <p className="sub pad">{roofless.map((r) => r.place.name).join(', ')}: the memory has not been measured, so there is no roof to draw. <button type="button" className="linklike" onClick={() => onRun(bandwidth.name)}>Measure {bandwidth.title}…</button></p>
          )}
        </>
      )}
    </Panel>
  );
}

const RoofPlot = memo(function RoofPlot({ roofs }: { readonly roofs: readonly Roof[] }): ReactNode {
  const [box, { width, height }] = useSize<HTMLDivElement>();
  const axes = decideRoofAxes(roofs);
  // The figures of the lower roofs would lie on lines and points; the legend has them.
  const [highest] = roofs.filter((r) => r.tflops !== null && r.gigabytesPerSecond !== null).sort((a, b) => (b.tflops ?? 0) - (a.tflops ?? 0));
  return (
    <div ref={box} className="bplot" aria-hidden="true">
      {width > 0 && (
        <ScatterChart width={width} height={height} margin={{ top: 22, right: 16, bottom: 18, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid {...gridAt({ x: axes.xTicks, y: axes.yTicks })} stroke="var(--grid)" />
          <XAxis type="number" dataKey="intensity" scale="log" domain={[...axes.x]} ticks={[...axes.xTicks]} interval={0} allowDataOverflow tickLine={false} axisLine={{ stroke: 'var(--axis)' }} tick={tick} tickFormatter={formatTick} height={24} label={{ position: 'insideBottomRight', offset: -14, dx: -16, content: writeLabel({ text: 'FLOP per byte', anchor: 'end', size: 11, colour: 'var(--ink-3)' }) }} />
          <YAxis type="number" dataKey="tflops" scale="log" domain={[...axes.y]} ticks={[...axes.yTicks]} interval={0} allowDataOverflow tickLine={false} axisLine={{ stroke: 'var(--axis)' }} tick={tick} tickFormatter={formatTick} width={48} label={{ position: 'top', offset: 8, content: writeLabel({ text: 'TFLOPS', anchor: 'middle', size: 11, colour: 'var(--ink-3)' }) }} />
          {roofs.flatMap((roof) => drawRoof(roof, axes, roof === highest))}
          {roofs.map((roof, i) => <Scatter key={roof.place.key} data={[...roof.points]} shape={shapes[i % shapes.length] ?? 'circle'} fill="var(--surface)" stroke={placeColour(roof.place)} strokeWidth={1.5} isAnimationActive={false} />)}
        </ScatterChart>
      )}
    </div>
  );
});

function drawRoof(roof: Roof, axes: RoofAxes, named: boolean): readonly ReactNode[] {
  const corners = decideRoofCorners(roof, axes);
  const [left, bend, right] = corners ?? [];
  if (left === undefined || bend === undefined || right === undefined) return [];
  const stroke = placeColour(roof.place);
  return [
    <ReferenceLine key={`${roof.place.key} slope`} segment={[left, bend]} stroke={stroke} strokeWidth={1.25} ifOverflow="hidden" />,
    <ReferenceLine key={`${roof.place.key} top`} segment={[bend, right]} stroke={stroke} strokeWidth={1.25} ifOverflow="hidden" {...(!named ? {} : { label: { position: 'insideBottomLeft' as const, offset: 5, content: writeLabel({ text: `${formatFigures(bend.y)} TFLOPS`, anchor: 'start', size: 11, colour: 'var(--ink-2)' }) } })} />,
  ];
}

/** The same in numbers: the legend for the eye, the points for a reader. */
function RoofTable({ roofs }: { readonly roofs: readonly Roof[] }): ReactNode {
  const shapeWords = ['circle', 'square', 'triangle', 'diamond'] as const;
  return (
    <>
      <ul className="blegend">
        {roofs.map(({ place, tflops, gigabytesPerSecond }, i) => (
          <li key={place.key}>
            <PlaceMark place={place} />
            <span>{place.name}</span>
            <span className="q">{shapeWords[i % shapeWords.length]}</span>
            <span className="num">{tflops === null ? '—' : formatFigures(tflops)}<span className="u">TFLOPS</span></span>
            <span className="num">{gigabytesPerSecond === null ? '—' : formatFigures(gigabytesPerSecond)}<span className="u">GB/s</span></span>
          </li>
        ))}
      </ul>
      <table className="sr" aria-label="Points of the roofline">
        <thead><tr><th>Place</th><th>Case</th><th>FLOP per byte</th><th>TFLOPS</th><th>Share of the roof</th></tr></thead>
        <tbody>{roofs.flatMap(({ place, points }) => points.map((p) => <tr key={`${place.key} ${p.title}`}><td>{place.name}</td><td>{plainText(p.title)}</td><td>{formatFigures(p.intensity)}</td><td>{formatFigures(p.tflops)}</td><td>{p.share === null ? 'not known' : `${formatShare(p.share).text} %`}</td></tr>))}</tbody>
      </table>
    </>
  );
}
