import type { Device } from '../../../contract/gpu.ts';
import { metrics, type MetricKey } from '../../../contract/metrics.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import { reasonWords } from './reason-words.ts';

/** What the charts show, in the order of `metrics`; the energy counter is no chart. */
const columns = metrics.filter((m) => m.key !== 'energyJoules');

/** One field of RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
export function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `GPU utilisation (%)`. */
const heading = (m: (typeof columns)[number]): string => (m.unit === '' ? m.title : `${m.title} (${m.unit})`);

/**
 * The readings of a window as text, one row for each device and time: ISO time, index, UUID, name, then the metrics
 * with their units in the head. An empty field is not reported, or was not due at that time. A break is no row.
 */
export function buildCsv(series: LiveSeries, devices: readonly Device[], fromMs: number, toMs: number): string {
  const lines = [['Time', 'GPU', 'UUID', 'Name', ...columns.map(heading)].map(csvField).join(',')];
  for (const device of devices) {
    const rows = new Map<number, Map<MetricKey, number>>();
    for (const { key } of columns) {
      const points = series.points(device.uuid, key, fromMs, toMs);
      for (let i = 0; i < points.count; i++) {
        const time = points.times[i] ?? 0;
        const value = points.values[i] ?? Number.NaN;
        if (Number.isNaN(value) || time < fromMs || time > toMs) continue;
        const row = rows.get(time) ?? new Map<MetricKey, number>();
        row.set(key, value);
        rows.set(time, row);
      }
    }
    for (const [time, row] of [...rows].toSorted((a, b) => a[0] - b[0])) {
      const fields = columns.map(({ key }) => {
        const value = row.get(key);
        if (value === undefined) return '';
        return key === 'eventReasons' ? reasonWords(value) : String(Number(value.toPrecision(10)));
      });
      lines.push([new Date(time).toISOString(), String(device.index), device.uuid, device.name, ...fields].map(csvField).join(','));
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}
