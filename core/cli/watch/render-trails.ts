import type { Device } from '../../../contract/gpu.ts';
import { throttleKind, type ThrottleKind } from '../../../contract/throttle.ts';
import { powerLimit } from '../device-state-word.ts';
import { fitText } from '../display-width.ts';
import { formatClock, formatDuration, formatPercent, formatWatts } from '../format-values.ts';
import { renderHeight } from './bars.ts';
import { cutLine, fitLine, gpuStyle, span, spreadLine, type Line, type Span, type Style } from './line.ts';
import { deviceName } from './render-gpu-table.ts';
import { cutTrail, decideCells, type Trail, type TrailCell } from './trail.ts';
import { ranges, type WatchState } from './watch-state.ts';

/** `full`: utilisation, power, what slows. `brief`: without power. `util`: one line per device. */
export type TrailDetail = 'full' | 'brief' | 'util';

interface TrailFrame {
  readonly left: number;
  readonly cells: number;
  readonly cellSeconds: number;
  readonly value: number;
  readonly nowMs: number;
  readonly stepMs: number;
}

const marks: Readonly<Record<Exclude<ThrottleKind, 'none'>, { readonly glyph: string; readonly style: Style; readonly word: string }>> = {
  power: { glyph: '░', style: 'throttle-power', word: 'power cap' },
  heat: { glyph: '▓', style: 'throttle-heat', word: 'heat' },
  hardware: { glyph: '█', style: 'throttle-hardware', word: 'hardware' },
};
const severity: readonly ThrottleKind[] = ['none', 'power', 'heat', 'hardware'];
const VALUE = 8;

function decideFrame(state: WatchState): TrailFrame {
  const isWide = state.columns >= 100;
  const left = isWide ? 17 : 12;
  const room = Math.max(10, state.columns - left - VALUE - (isWide ? 34 : 1));
  const range = ranges[state.rangeIndex] ?? ranges[1];
  return { left, ...decideCells(range.ms, room), value: VALUE, nowMs: state.pausedAtMs ?? state.nowMs, stepMs: state.intervalMs * 2 };
}

/** The devices whose course is shown: the chosen one, else all. */
export const trailDevices = (state: WatchState): readonly Device[] => (state.inventory?.devices ?? []).filter((d) => state.onlyUuid === null || d.uuid === state.onlyUuid);

function deviceCells(state: WatchState, device: Device, frame: TrailFrame): readonly TrailCell[] {
  return cutTrail(state.trails.get(device.uuid) ?? [], frame.nowMs, frame.cellSeconds, frame.cells, frame.stepMs);
}

/** What slowed a device in the range, in words; since when, if it still does. */
export function describeThrottle(trail: Trail, cells: readonly TrailCell[], nowMs: number): string {
  const worst = cells.reduce<ThrottleKind>((w, c) => (severity.indexOf(c.kind) > severity.indexOf(w) ? c.kind : w), 'none');
  if (worst === 'none') return '';
  if (worst === 'power') return 'power cap, normal at full load';
  const word = worst === 'heat' ? 'heat' : 'hardware slowdown';
  let i = trail.length - 1;
  const kindAt = (at: number): ThrottleKind => throttleKind(trail[at]?.reasons ?? 0);
  if (kindAt(i) === worst) {
    while (i > 0 && kindAt(i - 1) === worst) i -= 1;
    const sinceMs = trail[i]?.secondMs ?? nowMs;
    return `${word}, since ${formatClock(sinceMs)} (${formatDuration((nowMs - sinceMs) / 1000)})`;
  }
  while (i >= 0 && kindAt(i) !== worst) i -= 1;
  return i < 0 ? word : `${word}, until ${formatClock(trail[i]?.secondMs ?? nowMs)}`;
}

function renderAxis(frame: TrailFrame): Line {
  const steps = [15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((s) => s / frame.cellSeconds >= (s < 60 ? 11 : 8)) ?? 3600;
  const cellMs = frame.cellSeconds * 1000;
  const first = Math.floor(frame.nowMs / cellMs) - frame.cells + 1;
  const text = Array.from({ length: frame.cells }, () => ' ');
  for (let at = Math.ceil((first * cellMs) / (step * 1000)) * step * 1000; at <= frame.nowMs; at += step * 1000) {
    const label = formatClock(at, step < 60);
    const cell = Math.floor(at / cellMs) - first;
    if (cell >= 0 && cell + label.length <= frame.cells) [...label].forEach((c, i) => { text[cell + i] = c; });
  }
  return [span(' '.repeat(frame.left)), span(text.join(''), 'quiet')];
}

function trailLine(frame: TrailFrame, label: readonly Span[], cells: readonly Span[], value: string, note: string): Line {
  return [...fitLine(label, frame.left), ...cells, span(fitText(value, frame.value, 'right')), ...(note === '' ? [] : [span(`   ${note}`, 'quiet')])];
}

function renderDeviceTrail(state: WatchState, device: Device, frame: TrailFrame, detail: TrailDetail): readonly Line[] {
  const cells = deviceCells(state, device, frame);
  const sample = state.samples.get(device.uuid) ?? null;
  const colour = gpuStyle(device.index);
  const isWide = frame.left > 12;
  const label = (text: string, first = false): readonly Span[] => [span(first ? fitText(String(device.index), 3, 'right') : '   ', colour), span(`${isWide ? '  ' : ' '}${text}`, 'quiet')];
  const highest = powerLimit(device, sample) ?? Math.max(1, ...cells.map((c) => c.powerWatts ?? 0));
  const name = isWide ? deviceName(device, state.inventory?.source === 'simulate') : '';
  const lines: Line[] = [trailLine(frame, label('util', true), [span(cells.map((c) => renderHeight(c.utilGpuPercent, 100)).join(''), colour)], formatPercent(sample?.fast?.utilGpuPercent ?? null), name)];
  if (detail === 'full') lines.push(trailLine(frame, label('power'), [span(cells.map((c) => renderHeight(c.powerWatts, highest)).join(''), colour)], formatWatts(sample?.fast?.powerWatts ?? null), ''));
  if (detail !== 'util' && cells.some((c) => c.kind !== 'none')) {
    const slowed = cells.map((c) => (c.kind === 'none' ? span(' ') : span(marks[c.kind].glyph, marks[c.kind].style)));
    lines.push(trailLine(frame, label(isWide ? 'slowed by' : 'slowed'), slowed, '', isWide ? describeThrottle(state.trails.get(device.uuid) ?? [], cells, frame.nowMs) : ''));
  }
  return lines;
}

/** How many lines a level of detail takes, heading and axis included. */
export function countTrailLines(state: WatchState, detail: TrailDetail): number {
  const frame = decideFrame(state);
  return trailDevices(state).reduce((sum, device) => {
    const slowed = detail !== 'util' && deviceCells(state, device, frame).some((c) => c.kind !== 'none') ? 1 : 0;
    return sum + (detail === 'full' ? 2 : 1) + slowed;
  }, 2);
}

export function renderTrails(state: WatchState, detail: TrailDetail): readonly Line[] {
  const frame = decideFrame(state);
  const range = ranges[state.rangeIndex] ?? ranges[1];
  const cell = frame.cellSeconds >= 60 && frame.cellSeconds % 60 === 0 ? `${String(frame.cellSeconds / 60)} min` : `${String(frame.cellSeconds)} s`;
  const legend = (['power', 'heat', 'hardware'] as const).flatMap((kind, i) => [span(i === 0 ? '' : '   '), span(marks[kind].glyph, marks[kind].style), span(` ${marks[kind].word}`, 'quiet')]);
  const heading = spreadLine([span(` LAST ${range.name}, ${cell} A CELL`, 'quiet')], detail === 'util' ? [] : legend, Math.min(state.columns, Math.max(frame.left + frame.cells + frame.value, 60)));
  const lines = trailDevices(state).flatMap((device) => renderDeviceTrail(state, device, frame, detail));
  return [heading, renderAxis(frame), ...lines].map((line) => cutLine(line, state.columns));
}
