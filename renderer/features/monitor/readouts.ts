import type { Device } from '../../../contract/gpu.ts';
import type { MetricKey } from '../../../contract/metrics.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import { formatClock, formatPercent, type Quantity } from '../../ui/format.ts';
import { isHot } from './card-state.ts';
import type { Track } from './tracks.ts';

/** Writes changing numbers into a card's text nodes. React made the nodes and never touches their text again. */
export interface Readouts {
  /** The readouts beside the charts: of the crosshair's time, or of now when null. */
  updateAt(atMs: number | null, spanMs: number): void;
  /** The four big numbers: always now. `averagePercent`: mean utilisation of the window. */
  updateNow(averagePercent: number | null): void;
  /** Ends of the axes of one track. */
  updateEnds(key: Track['key'], lo: string, hi: string): void;
  /** Performance state and fan in the name line, and the age of a lost device. */
  updateMeta(): void;
  /** How long something slowed the device in the window. */
  updateSlowed(ms: number): void;
  /** A limit that changed. */
  updateLimit(key: Track['key'], limit: Quantity): void;
}

interface Field {
  readonly element: HTMLElement;
  readonly metric: MetricKey;
  readonly format: (value: number) => Quantity;
}

/** Finds the places: `data-at`, `data-now` (a metric), `data-bar`, `data-average`, `data-end` (a track). */
export function createReadouts(card: HTMLElement, device: Device, tracks: readonly Track[], series: LiveSeries): Readouts {
  const formatOf = new Map<MetricKey, (value: number) => Quantity>();
  for (const t of tracks) for (const { metric } of [...t.lines, ...t.readouts]) formatOf.set(metric, t.format);
  const find = (attribute: string): Field[] =>
    [...card.querySelectorAll<HTMLElement>(`[${attribute}]`)].flatMap((element) => {
      const metric = element.getAttribute(attribute) as MetricKey;
      const format = formatOf.get(metric);
      return format ? [{ element, metric, format }] : [];
    });
  const at = find('data-at');
  const now = find('data-now');
  const bars = find('data-bar');
  const average = card.querySelector<HTMLElement>('[data-average]');
  const temperature = card.querySelector<HTMLElement>('[data-tile="tempCelsius"]');
  const pstateMark = card.querySelector('[data-meta="pstate"]');
  const fanMark = card.querySelector('[data-meta="fan"]');
  const full: Partial<Record<MetricKey, number | null>> = { utilGpuPercent: 100, memUsedBytes: device.memTotalBytes, powerWatts: device.powerLimitWatts, tempCelsius: device.tempSlowdownCelsius };

  const nowValue = (metric: MetricKey): number | undefined => {
    const latest = series.latest(device.uuid);
    if (latest === null) return undefined;
    for (const tier of [latest.fast, latest.medium, latest.slow]) {
      if (tier === null || !(metric in tier)) continue;
      const value = (tier as Readonly<Record<string, number | null>>)[metric];
      return value ?? Number.NaN;
    }
    return undefined;
  };

  return {
    updateAt(atMs, spanMs) {
      for (const f of at) write(f.element, atMs === null ? nowValue(f.metric) : series.valueAt(device.uuid, f.metric, atMs, spanMs), f.format);
    },
    updateNow(averagePercent) {
      for (const f of now) write(f.element, nowValue(f.metric), f.format);
      for (const f of bars) {
        const value = nowValue(f.metric);
        const whole = full[f.metric] ?? null;
        const share = value === undefined || Number.isNaN(value) || whole === null || whole <= 0 ? 0 : Math.min(1, Math.max(0, value / whole));
        const text = `${(share * 100).toFixed(1)}%`;
        if (f.element.style.width !== text) f.element.style.width = text;
      }
      if (average) setText(average, averagePercent === null ? '' : `avg ${formatPercent(averagePercent).text} %`);
      const temp = nowValue('tempCelsius');
      temperature?.classList.toggle('hot', temp !== undefined && !Number.isNaN(temp) && isHot(device, temp));
    },
    updateEnds(key, lo, hi) {
      const low = card.querySelector<HTMLElement>(`[data-end="${key}-lo"]`);
      const high = card.querySelector<HTMLElement>(`[data-end="${key}-hi"]`);
      if (low) setText(low, lo);
      if (high) setText(high, hi);
    },
    updateMeta() {
      const latest = series.latest(device.uuid);
      const pstate = latest?.medium?.pstate ?? null;
      const fan = latest?.slow?.fanPercent ?? null;
      if (pstateMark && pstate !== null) setText(pstateMark, `P${pstate}`);
      if (fanMark && fan !== null) setText(fanMark, `fan ${Math.round(fan)} %`);
      const last = card.querySelector('[data-last]');
      if (last) setText(last, latest === null || latest.okAtMs === null ? 'No reading since this page is open. ' : `Last reading at ${formatClock(latest.okAtMs)}. `);
    },
    updateSlowed(ms) {
      const element = card.querySelector<HTMLElement>('[data-slowed]');
      if (element) writeQuantity(element, shortDuration(ms));
    },
    updateLimit(key, limit) {
      for (const element of card.querySelectorAll<HTMLElement>(`[data-limit="${key}"]`)) writeQuantity(element, limit);
    },
  };
}

/** A duration in one number, for a narrow column: `88 s`, `34 min`, `3.2 h`. */
function shortDuration(ms: number): Quantity {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return { text: String(seconds), unit: 's' };
  if (seconds < 6000) return { text: String(Math.round(seconds / 60)), unit: 'min' };
  return { text: (seconds / 3600).toFixed(1), unit: 'h' };
}

function setText(element: Element, text: string): void {
  const node = element.firstChild;
  if (node === null) element.append(text);
  else if (node.nodeValue !== text) node.nodeValue = text;
}

/** The em dash where nothing was reported at that time; the unit goes with the number. */
function write(element: HTMLElement, value: number | undefined, format: (value: number) => Quantity): void {
  const missing = value === undefined || Number.isNaN(value);
  if (missing !== (element.dataset['none'] !== undefined)) {
    if (missing) {
      element.dataset['none'] = '';
      element.title = value === undefined ? 'No reading at this time' : 'Not reported at this time';
    } else {
      delete element.dataset['none'];
      element.removeAttribute('title');
    }
  }
  if (missing) setText(element.firstElementChild ?? element, '—');
  else writeQuantity(element, format(value));
}

/** First child: the number; second: the unit. */
function writeQuantity(element: HTMLElement, of: Quantity): void {
  const [number, unit] = element.children;
  if (number) setText(number, of.text);
  if (unit) setText(unit, of.unit);
}
