import type { Device, DeviceSample } from '../../../contract/gpu.ts';
import { decideStateWord, powerLimit } from '../device-state-word.ts';
import { cleanText, displayWidth, fitText } from '../display-width.ts';
import { formatCelsius, formatGib, formatMemory, formatMhz, formatPcie, formatPercent, formatPower, formatWatts, NOT_REPORTED, shortDeviceName } from '../format-values.ts';
import { renderBar } from './bars.ts';
import { cutLine, gpuStyle, span, type Line, type Span, type Style } from './line.ts';
import type { WatchState } from './watch-state.ts';

/** How wide each part of a row is; 0 leaves it out. Units are never among what is left out. */
export interface GpuLayout {
  readonly name: number;
  readonly state: number;
  readonly utilBar: number;
  readonly memoryBar: number;
  readonly memory: number;
  readonly memoryWithTotal: boolean;
  readonly power: number;
  readonly powerWithLimit: boolean;
  readonly clock: number;
  readonly pcie: number;
}

const INDEX = 3;
const PERCENT = 5;
const TEMP = 6;
const CLOCK = 9;
const PCIE = 6;
const STATE_WORD = 16;
const PLAIN_MEMORY = 8;
const UTIL_BAR = 8;
const MEMORY_BAR = 9;
const MOST_BAR = 24;
/** Between parts; the state's column and bars stand a little farther apart, as their content is ragged. */
const GAP = 2;

export function layoutWidth(l: GpuLayout): number {
  const parts = [INDEX, l.name, l.state, l.utilBar > 0 ? l.utilBar + 1 + PERCENT : PERCENT, l.memoryBar > 0 ? l.memoryBar + 1 + l.memory : l.memory, l.power, TEMP, l.clock, l.pcie].filter((w) => w > 0);
  return 1 + parts.reduce((a, b) => a + b, 0) + (parts.length - 1) * GAP;
}

/** What gives way, in this order, until a row fits; what room is left goes to the bars. Pure. */
export function decideGpuLayout(room: number, needs: { readonly name: number; readonly memory: number; readonly power: number; readonly powerPlain: number }): GpuLayout {
  let layout: GpuLayout = { name: needs.name, state: STATE_WORD, utilBar: UTIL_BAR, memoryBar: MEMORY_BAR, memory: needs.memory, memoryWithTotal: true, power: needs.power, powerWithLimit: true, clock: CLOCK, pcie: PCIE };
  const steps: readonly ((l: GpuLayout) => GpuLayout)[] = [
    (l) => ({ ...l, pcie: 0 }), (l) => ({ ...l, clock: 0 }), (l) => ({ ...l, name: Math.min(l.name, 14) }), (l) => ({ ...l, memoryBar: 0 }), (l) => ({ ...l, state: 1 }),
    (l) => ({ ...l, utilBar: 0 }), (l) => ({ ...l, name: Math.min(l.name, 9) }), (l) => ({ ...l, power: needs.powerPlain, powerWithLimit: false }), (l) => ({ ...l, memory: PLAIN_MEMORY, memoryWithTotal: false }), (l) => ({ ...l, name: Math.min(l.name, 4) }),
  ];
  for (const step of steps) {
    if (layoutWidth(layout) <= room) break;
    layout = step(layout);
  }
  while (layoutWidth(layout) + 2 <= room && layout.memoryBar > 0 && layout.memoryBar < MOST_BAR) layout = { ...layout, utilBar: layout.utilBar + 1, memoryBar: layout.memoryBar + 1 };
  return layout;
}

export function deviceName(device: Device, isSimulated: boolean): string {
  return `${cleanText(shortDeviceName(device.name))}${isSimulated ? ' sim' : ''}`;
}

/** Room for a table of these devices; by what they could say, not by what they say now, so that nothing jumps. */
export function measureDevices(devices: readonly Device[], isSimulated: boolean): { readonly name: number; readonly memory: number; readonly power: number; readonly powerPlain: number } {
  const most = (texts: readonly string[], least: number): number => texts.reduce((w, text) => Math.max(w, displayWidth(text)), least);
  return {
    name: Math.min(22, most(devices.map((d) => deviceName(d, isSimulated)), 8)),
    memory: most(devices.map((d) => (d.memTotalBytes === null ? NOT_REPORTED : `9.99 / ${formatGib(d.memTotalBytes)}`)), 8),
    power: most(devices.map((d) => formatPower(d.powerMaxLimitWatts ?? d.powerLimitWatts ?? 0, d.powerMaxLimitWatts ?? d.powerLimitWatts)), 5),
    powerPlain: most(devices.map((d) => formatWatts(d.powerMaxLimitWatts ?? d.powerLimitWatts)), 5),
  };
}

const right = (text: string, width: number, style: Style = 'ink'): Span => span(fitText(text, width, 'right'), style);
const gap = span(' '.repeat(GAP));

function bar(share: number | null, cells: number, style: Style): readonly Span[] {
  const { filled, track } = renderBar(share, cells);
  return [span(filled, style), span(track, 'track')];
}

function joinParts(parts: readonly (readonly Span[])[]): Line {
  return [span(' '), ...parts.filter((p) => p.length > 0).flatMap((part, i) => (i === 0 ? part : [gap, ...part]))];
}

function renderHeader(l: GpuLayout): Line {
  const title = (text: string, width: number, align: 'left' | 'right' = 'left'): readonly Span[] => (width === 0 ? [] : [span(fitText(text, width, align), 'quiet')]);
  return joinParts([
    title('GPU', INDEX, 'right'), title('NAME', l.name), title(l.state > 1 ? 'STATE' : ' ', l.state), l.utilBar > 0 ? title('UTILISATION', l.utilBar + 1 + PERCENT) : title('UTIL', PERCENT, 'right'),
    l.memoryBar > 0 ? title('MEMORY', l.memoryBar + 1 + l.memory) : title('MEMORY', l.memory, 'right'), title('POWER', l.power, 'right'), title('TEMP', TEMP, 'right'), title('SM CLOCK', l.clock, 'right'), title('PCIe', l.pcie, 'right'),
  ]);
}

function renderDevice(device: Device, sample: DeviceSample | null, l: GpuLayout, isSimulated: boolean, isChosen: boolean): Line {
  const colour = gpuStyle(device.index);
  const state = decideStateWord(sample);
  const fast = sample?.fast ?? null;
  const medium = sample?.medium ?? null;
  const used = medium?.memUsedBytes ?? null;
  const share = used === null || !device.memTotalBytes ? null : used / device.memTotalBytes;
  const util = fast?.utilGpuPercent ?? null;
  const stateStyle: Style = state.level === 'unknown' ? 'quiet' : state.level;
  const limit = powerLimit(device, sample);
  // The slower tiers come a moment after the first picture: blank until then, since a dash says "not reported".
  const slower = (text: string): string => (medium === null && (sample === null || sample.state === 'ok') ? '' : text);
  return joinParts([
    [right(String(device.index), INDEX, colour)],
    [span(fitText(deviceName(device, isSimulated), l.name), isChosen ? 'title' : 'ink')],
    [span(state.icon, stateStyle), ...(l.state > 1 ? [span(fitText(` ${state.word}`, l.state - 1), state.level === 'fine' ? 'ink' : stateStyle)] : [])],
    [...(l.utilBar > 0 ? [...bar(util === null ? null : util / 100, l.utilBar, colour), span(' ')] : []), right(formatPercent(util), PERCENT)],
    [...(l.memoryBar > 0 ? [...bar(share, l.memoryBar, colour), span(' ')] : []), right(slower(l.memoryWithTotal ? formatMemory(used, device.memTotalBytes) : formatGib(used)), l.memory)],
    [right(l.powerWithLimit ? formatPower(fast?.powerWatts ?? null, limit) : formatWatts(fast?.powerWatts ?? null), l.power)],
    [right(slower(formatCelsius(medium?.tempCelsius ?? null)), TEMP)],
    l.clock > 0 ? [right(formatMhz(fast?.clockSmMhz ?? null), l.clock)] : [],
    l.pcie > 0 ? [right(slower(formatPcie(medium?.pcieGen ?? null, medium?.pcieWidth ?? null)), l.pcie)] : [],
  ]);
}

/** The table of devices in at most `rows` lines, heading included. */
export function renderGpuTable(state: WatchState, rows: number): readonly Line[] {
  const { inventory, columns } = state;
  if (!inventory || rows < 1) return [];
  const { devices } = inventory;
  const isSimulated = inventory.source === 'simulate';
  const layout = decideGpuLayout(columns, measureDevices(devices, isSimulated));
  const fits = devices.length <= rows - 1 ? devices : devices.slice(0, Math.max(0, rows - 2));
  const lines = [renderHeader(layout), ...fits.map((d) => renderDevice(d, state.samples.get(d.uuid) ?? null, layout, isSimulated, d.uuid === state.onlyUuid))];
  if (fits.length < devices.length && rows >= 2) lines.push([span(`     … ${String(devices.length - fits.length)} more; a taller window shows them`, 'quiet')]);
  return lines.map((line) => cutLine(line, columns));
}
