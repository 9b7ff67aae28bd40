import type { Device } from '../../../contract/gpu.ts';
import type { LatestOfDevice, LiveSeries } from '../../live-series/live-series.ts';
import type { PointBuffer } from '../../live-series/point-buffer.ts';
import { formatCelsius, formatClock, formatDeviceName, formatDuration, formatGib, formatPercent, formatWattsWhole, type Quantity } from '../../ui/format.ts';
import type { CardState } from './card-state.ts';
import type { summariseSpans } from './throttle-spans.ts';
import type { Track } from './tracks.ts';

/** Mean of the values in a buffer; null without any. */
export function meanOf(points: PointBuffer): number | null {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < points.count; i++) {
    const value = points.values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}

/** All bits seen in a buffer. */
export function orOf(points: PointBuffer): number {
  let bits = 0;
  for (let i = 0; i < points.count; i++) bits |= points.values[i] || 0;
  return bits;
}

const say = (value: number | null | undefined, format: (v: number) => Quantity): string => {
  if (value === null || value === undefined) return 'not reported';
  const { text, unit } = format(value);
  return `${text} ${unit}`;
};

/** A card in one sentence, for who does not see the charts. */
export function describeCard(device: Device, latest: LatestOfDevice | null, state: CardState, slowed: ReturnType<typeof summariseSpans>): string {
  const name = `GPU ${device.index}, ${formatDeviceName(device.name)}: ${state.word}.`;
  if (latest === null) return name;
  if (state.gone) return `${name}${latest.okAtMs === null ? '' : ` Last reading at ${formatClock(latest.okAtMs)}.`} ${state.advice ?? ''}`.trim();
  const parts = [
    `utilisation ${say(latest.fast?.utilGpuPercent, formatPercent)}`,
    `memory ${say(latest.medium?.memUsedBytes, formatGib)}${device.memTotalBytes === null ? '' : ` of ${say(device.memTotalBytes, formatGib)}`}`,
    `power ${say(latest.fast?.powerWatts, formatWattsWhole)}`,
    `temperature ${say(latest.medium?.tempCelsius, formatCelsius)}`,
  ];
  const slow = slowed === null ? '' : ` In this window slowed by ${slowed.label} for ${formatDuration(slowed.totalMs / 1000)}.`;
  return `${name} ${parts.join(', ')}.${slow}`;
}

/** All charted values of one moment, spoken when the crosshair moves by keyboard. */
export function describeMoment(series: LiveSeries, device: Device, tracks: readonly Track[], atMs: number, spanMs: number): string {
  const values = tracks
    .filter((t) => t.kind === 'lines')
    .flatMap((t) => t.lines.filter((l) => l.role === 'main').map((l) => {
      const value = series.valueAt(device.uuid, l.metric, atMs, spanMs);
      return `${t.title.toLowerCase()} ${value === undefined || Number.isNaN(value) ? 'not reported' : say(value, t.format)}`;
    }));
  return `${formatClock(atMs)}: ${values.join(', ')}`;
}
