import { memo, type ReactNode } from 'react';
import { Bar, BarChart, CartesianGrid, ErrorBar, XAxis, YAxis } from 'recharts';
import { formatFigures, formatWhole } from '../../ui/format.ts';
import { decideTicks, type CaseSection } from './case-groups.ts';
import { gridAt } from './chart-parts.tsx';
import { placeColour } from './place-mark.tsx';
import type { ShownPlace } from './places.ts';
import { useWidth } from './use-size.ts';

/** As in the style sheet: a line of the table, and what a group has above, below and as its border, px. */
const ROW = 19;
const GROUP_EXTRA = 11;
const AXIS = 20;
const BAR = 7;
/** Room of a number under the axis. */
const TICK = 36;

type Datum = Record<string, string | number | readonly [number, number] | null>;

/** One record a case: `v0`, `e0` are the figure of the first place and how far its interval reaches down and up. Pure. */
export function makeBarData(section: CaseSection): readonly Datum[] {
  return section.groups.map((group) => {
    const datum: Datum = { label: group.caseId };
    group.values.forEach(({ result }, i) => {
      datum[`v${i}`] = result?.median ?? null;
      if (result?.median != null && result.low !== null && result.high !== null) datum[`e${i}`] = [result.median - result.low, result.high - result.median];
    });
    return datum;
  });
}

const formatTick = (value: number): string => (Number.isInteger(value) ? formatWhole(value) : formatFigures(value));

/** The bars of a section with their intervals. The table that it lies in has the figures: for a reader it is not there. */
export const SectionBars = memo(function SectionBars({ section, places }: { readonly section: CaseSection; readonly places: readonly ShownPlace[] }): ReactNode {
  const [box, width] = useWidth<HTMLDivElement>();
  const ticks = decideTicks(section.most);
  // Asked to decide by itself, the library measures every label in the document.
  const leftOut = Math.max(1, Math.ceil((ticks.length * TICK) / Math.max(1, width))) - 1;
  const height = section.groups.length * (places.length * ROW + GROUP_EXTRA) + AXIS;
  return (
    <div ref={box} className="btrack" aria-hidden="true" style={{ height }}>
      {width > 0 && (
        <BarChart layout="vertical" width={width} height={height} data={makeBarData(section)} margin={{ top: 0, right: 12, bottom: 0, left: 0 }} barGap={ROW - BAR} barSize={BAR} accessibilityLayer={false}>
          <CartesianGrid {...gridAt({ x: ticks })} stroke="var(--grid)" />
          <XAxis type="number" domain={[0, section.most * 1.03 || 1]} ticks={[...ticks]} height={AXIS} interval={leftOut} tickLine={false} axisLine={{ stroke: 'var(--axis)' }} tick={{ fill: 'var(--ink-3)', fontSize: 10 }} tickFormatter={formatTick} />
          <YAxis type="category" dataKey="label" hide width={0} />
          {places.map((place, i) => (
            <Bar key={place.key} dataKey={`v${i}`} fill={placeColour(place)} isAnimationActive={false}>
              <ErrorBar dataKey={`e${i}`} width={4} strokeWidth={1} stroke="var(--ink)" isAnimationActive={false} />
            </Bar>
          ))}
        </BarChart>
      )}
    </div>
  );
});
