import type { AlertKind } from '../../contract/alerts.ts';
import type { Device, DeviceSample, Inventory } from '../../contract/gpu.ts';
import type { AlertSettings } from '../../contract/settings.ts';
import { throttleKind } from '../../contract/throttle.ts';
import { driverWords, hardwareWords, heatWords, lostWords, memoryWords, temperatureWords, type AlertWords, type Slowed } from './alert-words.ts';

/** A state that may be an alert: whether it holds now, how long it must, and what would be said. */
export interface Condition {
  readonly kind: AlertKind;
  readonly uuid: string | null;
  readonly deviceName: string | null;
  /** `over`: beyond the threshold. `clear`: below it by the margin. Neither: in between, nothing changes. */
  readonly over: boolean;
  readonly clear: boolean;
  readonly forMs: number;
  readonly clearForMs: number;
  readonly words: () => AlertWords;
}

/** Below the threshold by so much (and for so long) counts as over: a value on the edge is one alert, not many. */
const MARGIN = { celsius: 3, memoryPercent: 2, clearMs: 5000 } as const;
/** A driver that is replaced or a worker that restarts is back sooner. */
const DRIVER_FOR_MS = 5000;
/** Below the slowdown temperature: the default threshold. */
export const DEFAULT_BELOW_SLOWDOWN_CELSIUS = 5;
const POWER_BRAKE = 0x80;

/** Threshold of a device: its exception, the setting, or 5 °C below its slowdown; null when it has none. */
export function temperatureThreshold(device: Device, settings: AlertSettings): number | null {
  return settings.exceptions[device.uuid]?.celsius ?? settings.temperature.celsius ?? (device.tempSlowdownCelsius === null ? null : device.tempSlowdownCelsius - DEFAULT_BELOW_SLOWDOWN_CELSIUS);
}
export function memoryThreshold(device: Device, settings: AlertSettings): number {
  return settings.exceptions[device.uuid]?.memoryPercent ?? settings.memory.percent;
}

/** All conditions of one device from its newest tiers. */
export function findConditions(device: Device, sample: DeviceSample, settings: AlertSettings, lastXid: number | null): Condition[] {
  const out: Condition[] = [];
  const about = { uuid: device.uuid, deviceName: device.name };
  const { state, fast, medium } = sample;
  const gone = state !== 'ok';
  out.push({ ...about, kind: 'lost', over: gone, clear: !gone, forMs: 0, clearForMs: 0, words: () => lostWords(device, state === 'ok' ? 'lost' : state, lastXid) });

  const celsius = gone ? null : (medium?.tempCelsius ?? null);
  const threshold = temperatureThreshold(device, settings);
  if (threshold !== null) {
    const on = settings.temperature.on && celsius !== null;
    out.push({
      ...about, kind: 'temperature', over: on && celsius > threshold, clear: !on || celsius <= threshold - MARGIN.celsius, forMs: settings.temperature.forSeconds * 1000, clearForMs: MARGIN.clearMs,
      words: () => temperatureWords(device, celsius ?? threshold, threshold),
    });
  }

  const used = gone ? null : (medium?.memUsedBytes ?? null);
  const total = device.memTotalBytes;
  if (total !== null && total > 0) {
    const percent = used === null ? null : (used / total) * 100;
    const limit = memoryThreshold(device, settings);
    const on = settings.memory.on && percent !== null;
    out.push({
      ...about, kind: 'memory', over: on && percent >= limit, clear: !on || percent < limit - MARGIN.memoryPercent, forMs: settings.memory.forSeconds * 1000, clearForMs: MARGIN.clearMs,
      words: () => memoryWords(device, used ?? 0, total),
    });
  }

  const mask = gone ? null : (fast?.eventReasons ?? null);
  const kind = settings.throttle.on ? throttleKind(mask) : 'none';
  const slowed: Slowed = { celsius, clockMhz: fast?.clockSmMhz ?? null, powerLimitWatts: medium?.powerLimitWatts ?? device.powerLimitWatts };
  const forMs = settings.throttle.forSeconds * 1000;
  // Hardware slowdown is heat's worse form: while it lasts, heat alone is neither confirmed nor over.
  out.push({ ...about, kind: 'throttle_heat', over: kind === 'heat', clear: kind !== 'heat' && kind !== 'hardware', forMs, clearForMs: MARGIN.clearMs, words: () => heatWords(device, slowed) });
  out.push({ ...about, kind: 'throttle_hardware', over: kind === 'hardware', clear: kind !== 'hardware', forMs, clearForMs: MARGIN.clearMs, words: () => hardwareWords(device, slowed, ((mask ?? 0) & POWER_BRAKE) !== 0) });
  return out;
}

/** The condition of the driver as a whole. No GPU at all is no alert. */
export function findDriverCondition(inventory: Inventory): Condition {
  const { problem } = inventory;
  const over = inventory.state === 'problem' && problem !== null && problem.code !== 'gpu.none' && problem.severity !== 'info';
  return { kind: 'driver', uuid: null, deviceName: null, over, clear: !over, forMs: DRIVER_FOR_MS, clearForMs: 0, words: () => (problem === null ? { severity: 'problem', title: 'The driver does not answer', text: '', value: null } : driverWords(problem)) };
}
