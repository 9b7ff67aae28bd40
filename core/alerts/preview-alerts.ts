import type { Alert, AlertKind, AlertPreview } from '../../contract/alerts.ts';
import type { Device } from '../../contract/gpu.ts';
import type { HistorySeries } from '../../contract/history.ts';
import type { AlertSettings } from '../../contract/settings.ts';
import { throttleKind } from '../../contract/throttle.ts';
import { memoryThreshold, temperatureThreshold } from './find-conditions.ts';

/** How many runs of at least `length` points fulfil the test; nulls and gaps end a run. */
export function countRuns(values: readonly (number | null)[], length: number, test: (value: number) => boolean): number {
  let runs = 0, run = 0;
  for (const value of values) {
    run = value !== null && test(value) ? run + 1 : 0;
    if (run === length) runs += 1;
  }
  return runs;
}

/**
 * How often the thresholds would have fired, from history joined to minutes (highest temperature, mean memory, bits
 * seen at any time): an estimate on the high side for short spans. Events (lost, Xid, ECC, driver) are counted from
 * the alerts that were.
 */
export function previewAlerts(days: number, settings: AlertSettings, devices: readonly Device[], series: readonly HistorySeries[], past: readonly Alert[]): AlertPreview {
  const counts: Partial<Record<AlertKind, number>> = {};
  const add = (kind: AlertKind, n: number): void => { counts[kind] = (counts[kind] ?? 0) + n; };
  for (const kind of ['temperature', 'memory', 'throttle_heat', 'throttle_hardware', 'lost', 'xid', 'ecc', 'driver'] as const) add(kind, 0);
  for (const device of devices) {
    const own = series.find((s) => s.uuid === device.uuid);
    if (own === undefined) continue;
    const points = (seconds: number): number => Math.max(1, Math.ceil((seconds * 1000) / own.stepMs));
    const celsius = temperatureThreshold(device, settings);
    if (settings.temperature.on && celsius !== null) add('temperature', countRuns(own.series.tempCelsius ?? [], points(settings.temperature.forSeconds), (v) => v > celsius));
    const total = device.memTotalBytes;
    if (settings.memory.on && total !== null && total > 0) add('memory', countRuns(own.series.memUsedBytes ?? [], points(settings.memory.forSeconds), (v) => (v / total) * 100 >= memoryThreshold(device, settings)));
    if (settings.throttle.on) {
      const long = points(settings.throttle.forSeconds);
      const reasons = own.series.eventReasons ?? [];
      add('throttle_heat', countRuns(reasons, long, (v) => throttleKind(v) === 'heat'));
      add('throttle_hardware', countRuns(reasons, long, (v) => throttleKind(v) === 'hardware'));
    }
  }
  for (const a of past) if (a.kind === 'lost' || a.kind === 'xid' || a.kind === 'ecc' || a.kind === 'driver') add(a.kind, 1);
  return { days, counts };
}
