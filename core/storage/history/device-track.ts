import type { DeviceSample } from '../../../contract/gpu.ts';
import { holdMs, joins, METRIC_COUNT, orBits, tierKeys, tierMetrics, tierOf, tiers, type Tier } from './metric-columns.ts';
import { createTierRing, type TierRing } from './tier-ring.ts';

/** Raw readings are kept this long, and a little more so that a ten-minute window is whole. */
export const RAW_KEEP_MS = 10 * 60_000 + 5_000;
/** Ten minutes at the highest rate (10 Hz), with room for jitter. */
const MAX_ROWS: Readonly<Record<Tier, number>> = { fast: 6_200, medium: 1_300, slow: 700 };

/** Rows of raw readings: `values` holds `width` numbers a row, in the order asked for. */
export interface RawRows {
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

/** What the engine remembers of one device: raw readings of ten minutes and the second that is being gathered. */
export interface DeviceTrack {
  add(atMs: number, sample: DeviceSample): void;
  /** The gathered second, joined, into `out`; false when nothing was read in it. Begins a new one. */
  takeSecond(out: Float64Array, offset: number): boolean;
  rows(fromMs: number, toMs: number, indexes: readonly number[]): RawRows;
  readonly newestMs: number;
  readonly oldestMs: number;
  readonly rowCount: number;
}

export function createDeviceTrack(): DeviceTrack {
  const rings: Record<Tier, TierRing> = {
    fast: createTierRing(tierMetrics.fast.length, RAW_KEEP_MS, MAX_ROWS.fast),
    medium: createTierRing(tierMetrics.medium.length, RAW_KEEP_MS, MAX_ROWS.medium),
    slow: createTierRing(tierMetrics.slow.length, RAW_KEEP_MS, MAX_ROWS.slow),
  };
  const gathered = new Float64Array(METRIC_COUNT);
  const readings = new Uint16Array(METRIC_COUNT);
  const seen: Record<Tier, boolean> = { fast: false, medium: false, slow: false };
  let newestMs = -Infinity;

  const gather = (metric: number, value: number): void => {
    const n = (readings[metric] ?? 0) + 1;
    readings[metric] = n;
    const before = gathered[metric] ?? 0;
    const join = joins[metric];
    if (n === 1) gathered[metric] = value;
    else if (join === 'mean') gathered[metric] = before + value;
    else gathered[metric] = join === 'or' ? orBits(before, value) : Math.max(before, value);
  };

  const addTier = (tier: Tier, atMs: number, sample: DeviceSample): void => {
    const group = tierOf(sample, tier);
    if (group === undefined) return;
    const ring = rings[tier];
    const offset = ring.push(atMs);
    const data = ring.data();
    const keys = tierKeys[tier];
    const numbers = tierMetrics[tier];
    seen[tier] = true;
    for (let i = 0; i < keys.length; i++) {
      const value = group === null ? null : group[keys[i] as string];
      if (typeof value === 'number' && Number.isFinite(value)) {
        data[offset + i] = value;
        gather(numbers[i] as number, value);
      } else data[offset + i] = NaN;
    }
  };

  /** The last reading of a tier at or before a time, when it still counts; -1 when not. */
  const heldRow = (tier: Tier, atMs: number): number => {
    const ring = rings[tier];
    const i = ring.find(atMs + 0.0001) - 1;
    return i >= 0 && atMs - ring.timeAt(i) <= holdMs[tier] ? i : -1;
  };

  return {
    add(atMs, sample) {
      // The system's clock was set back: what is newer than now will be read again.
      if (atMs < newestMs) for (const tier of tiers) rings[tier].forgetFrom(atMs);
      newestMs = atMs;
      for (const tier of tiers) addTier(tier, atMs, sample);
    },
    takeSecond(out, offset) {
      const any = seen.fast || seen.medium || seen.slow;
      for (const tier of tiers) {
        const numbers = tierMetrics[tier];
        const held = any && !seen[tier] ? heldRow(tier, newestMs) : -1;
        const base = held >= 0 ? rings[tier].offsetAt(held) : 0;
        for (let i = 0; i < numbers.length; i++) {
          const metric = numbers[i] as number;
          const n = readings[metric] ?? 0;
          const value = gathered[metric] ?? NaN;
          if (n > 0) out[offset + metric] = joins[metric] === 'mean' ? value / n : value;
          else out[offset + metric] = held >= 0 ? (rings[tier].data()[base + i] ?? NaN) : NaN;
        }
        seen[tier] = false;
      }
      readings.fill(0);
      return any;
    },
    rows(fromMs, toMs, indexes) {
      const fast = rings.fast;
      const first = fast.find(fromMs);
      const last = fast.find(toMs + 0.0001);
      const count = Math.max(0, last - first);
      const times = new Float64Array(count);
      const values = new Float64Array(count * indexes.length);
      const places = indexes.map((metric) => {
        const tier = tiers.find((t) => tierMetrics[t].includes(metric)) ?? 'fast';
        return { tier, column: tierMetrics[tier].indexOf(metric) };
      });
      for (let r = 0; r < count; r++) {
        const atMs = fast.timeAt(first + r);
        times[r] = atMs;
        const offsets: Record<Tier, number> = { fast: fast.offsetAt(first + r), medium: -1, slow: -1 };
        for (const tier of ['medium', 'slow'] as const) {
          const row = heldRow(tier, atMs);
          if (row >= 0) offsets[tier] = rings[tier].offsetAt(row);
        }
        for (let i = 0; i < places.length; i++) {
          const { tier, column } = places[i] as (typeof places)[number];
          const offset = offsets[tier];
          values[r * indexes.length + i] = offset < 0 ? NaN : (rings[tier].data()[offset + column] ?? NaN);
        }
      }
      return { times, values };
    },
    get newestMs() { return newestMs; },
    get oldestMs() { return rings.fast.size() > 0 ? rings.fast.timeAt(0) : Infinity; },
    get rowCount() { return rings.fast.size(); },
  };
}
