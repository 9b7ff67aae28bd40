import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeviceSample, FastReading, GpuStreamItem, MediumReading } from '../../contract/gpu.ts';
import type { HistorySeries } from '../../contract/history.ts';
import { createLiveSeries, type LiveSeries } from './live-series.ts';
import type { PointBuffer } from './point-buffer.ts';

const T0 = 1_790_000_000_000;
const fast = (utilGpuPercent: number | null): FastReading => ({ utilGpuPercent, utilMemPercent: null, powerWatts: null, clockSmMhz: null, clockMemMhz: null, eventReasons: 0 });
const medium = (memUsedBytes: number): MediumReading => ({
  memUsedBytes, memFreeBytes: null, memReservedBytes: null, tempCelsius: 50, tempMemCelsius: null, powerLimitWatts: null, energyJoules: null,
  pcieRxBytesPerSecond: null, pcieTxBytesPerSecond: null, nvlinkRxBytesPerSecond: null, nvlinkTxBytesPerSecond: null, utilEncoderPercent: null,
  utilDecoderPercent: null, clockVideoMhz: null, pcieGen: null, pcieWidth: null, pstate: null, powerCapSeconds: null, thermalSoftwareSeconds: null,
  thermalHardwareSeconds: null, powerBrakeSeconds: null,
});
let seq = 0;
const frame = (atMs: number, samples: DeviceSample[], number = seq++): GpuStreamItem => ({ type: 'frame', frame: { seq: number, atMs, tookMs: 1, samples } });
const util = (atMs: number, value: number | null): GpuStreamItem => frame(atMs, [{ uuid: 'a', state: 'ok', fast: fast(value) }]);
const list = (b: PointBuffer): [number, number][] => Array.from({ length: b.count }, (_, i) => [b.times[i] ?? 0, b.values[i] ?? 0]);
const points = (s: LiveSeries, from: number, to: number): [number, number][] => list(s.points('a', 'utilGpuPercent', from, to));
const raw = (times: number[], values: (number | null)[], stepMs = 100): HistorySeries => ({ uuid: 'a', resolution: 'raw', stepMs, times, series: { utilGpuPercent: values } });

describe('live readings', () => {
  test('a window of the ring is what a plain list would give', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ dt: fc.integer({ min: -50, max: 400 }), value: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }) }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 1, max: 40_000 }),
        (steps, offset, span) => {
          const series = createLiveSeries();
          const model: [number, number][] = [];
          let at = T0;
          let n = 0;
          for (const { dt, value } of steps) {
            const time = at + dt;
            // A repeated number with an older time is an item that overtook another: dropped.
            const taken = model.length === 0 || time > (model.at(-1)?.[0] ?? 0);
            expect(series.ingest(frame(time, [{ uuid: 'a', state: 'ok', fast: fast(value) }], taken ? ++n : n))).toBe(taken);
            if (!taken) continue;
            model.push([time, value ?? Number.NaN]);
            at = time;
          }
          const from = T0 + offset;
          const to = from + span;
          let first = model.findIndex(([t]) => t >= from);
          if (first === -1) first = model.length;
          if (first > 0 && model[first]?.[0] !== from) first -= 1;
          let last = model.findIndex(([t]) => t >= to);
          if (last === -1) last = model.length - 1;
          expect(points(series, from, to)).toEqual(model.slice(first, last + 1));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('the ring holds its capacity and forgets the oldest', () => {
    const series = createLiveSeries();
    for (let i = 0; i < 7000; i++) series.ingest(util(T0 + i * 100, i % 101));
    const got = points(series, T0 + 6999 * 100 - 600_000, T0 + 6999 * 100);
    expect(got).toHaveLength(6001);
    expect(got[0]).toEqual([T0 + 99_900, 999 % 101]);
  });

  test('a backfill that overlaps the live readings leaves no instant out and none twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 80 }), (liveFrom, pastFrom, pastLength) => {
        const series = createLiveSeries();
        for (let i = liveFrom; i < 100; i++) series.ingest(util(T0 + i * 100, i));
        const index = Array.from({ length: pastLength }, (_, i) => pastFrom + i);
        series.backfill([raw(index.map((i) => T0 + i * 100), index)]);
        const expected = [...new Set([...index, ...Array.from({ length: 100 - liveFrom }, (_, i) => liveFrom + i)])].toSorted((a, b) => a - b);
        const got = points(series, T0, T0 + 20_000);
        expect(got.filter(([, v]) => !Number.isNaN(v))).toEqual(expected.map((i) => [T0 + i * 100, i]));
        // More than three seconds without a reading are a hole, and the line says so.
        expect(got.filter(([, v]) => Number.isNaN(v))).toHaveLength(liveFrom - (pastFrom + pastLength - 1) > 30 ? 1 : 0);
      }),
      // One past reading that happens to lie on a whole second is a reading all the same.
      { numRuns: 300, examples: [[1, 0, 1], [80, 0, 1]] },
    );
  });

  test('a gap breaks the line, and the history mends it when it knows better', () => {
    const series = createLiveSeries();
    for (let i = 0; i < 10; i++) series.ingest(util(T0 + i * 100, i));
    series.ingest({ type: 'gap', atMs: T0 + 5000, reason: 'The tab slept.' });
    for (let i = 50; i < 60; i++) series.ingest(util(T0 + i * 100, i));
    const breaks = points(series, T0, T0 + 6000).filter(([, v]) => Number.isNaN(v));
    expect(breaks).toHaveLength(1);
    expect(points(series, T0, T0 + 6000)).toHaveLength(21);
    const index = Array.from({ length: 60 }, (_, i) => i);
    series.backfill([raw(index.map((i) => T0 + i * 100), index)]);
    expect(points(series, T0, T0 + 6000)).toEqual(index.map((i) => [T0 + i * 100, i]));
  });

  test('a gap that the history has too stays a gap', () => {
    const series = createLiveSeries();
    for (let i = 0; i < 10; i++) series.ingest(util(T0 + i * 100, i));
    series.ingest({ type: 'gap', atMs: T0 + 5000, reason: 'The worker died.' });
    for (let i = 50; i < 60; i++) series.ingest(util(T0 + i * 100, i));
    series.backfill([raw([T0 + 800, T0 + 900, T0 + 1000, T0 + 5000, T0 + 5100], [8, 9, null, 50, 51])]);
    const got = points(series, T0, T0 + 6000);
    expect(got.filter(([, v]) => Number.isNaN(v)).length).toBeGreaterThan(0);
    expect(got.filter(([, v]) => !Number.isNaN(v))).toHaveLength(20);
  });

  test('a lost device breaks its lines and keeps the time of its last answer', () => {
    const series = createLiveSeries();
    series.ingest(util(T0, 5));
    series.ingest(frame(T0 + 100, [{ uuid: 'a', state: 'lost', fast: null }]));
    series.ingest(frame(T0 + 200, [{ uuid: 'a', state: 'lost', fast: null }]));
    expect(points(series, T0, T0 + 300).map(([, v]) => v)).toEqual([5, Number.NaN]);
    expect(series.latest('a')).toMatchObject({ state: 'lost', okAtMs: T0, atMs: T0 + 200 });
    expect(series.valueAt('a', 'utilGpuPercent', T0 + 250, 60_000)).toBeNaN();
  });

  test('a clock that was set back does not stop the charts', () => {
    const series = createLiveSeries();
    for (let i = 0; i < 100; i++) series.ingest(util(T0 + i * 100, i));
    expect(series.ingest(util(T0 + 5000, 77))).toBe(true);
    expect(series.newestMs()).toBe(T0 + 5000);
    const got = points(series, T0, T0 + 10_000);
    expect(got.at(-1)).toEqual([T0 + 5000, 77]);
    expect(got.every(([t], i) => i === 0 || t > (got[i - 1]?.[0] ?? 0))).toBe(true);
  });

  test('null stays not reported, zero stays zero', () => {
    const series = createLiveSeries();
    series.ingest(util(T0, 0));
    series.ingest(util(T0 + 100, null));
    expect(series.valueAt('a', 'utilGpuPercent', T0, 60_000)).toBe(0);
    expect(series.valueAt('a', 'utilGpuPercent', T0 + 100, 60_000)).toBeNaN();
    expect(series.valueAt('a', 'utilGpuPercent', T0 - 1, 60_000)).toBeUndefined();
  });
});

describe('longer windows', () => {
  test('seconds are the means of their readings, highest for temperature, bits for reasons', () => {
    const series = createLiveSeries();
    for (let i = 0; i < 20; i++) {
      series.ingest(frame(T0 + i * 100, [{ uuid: 'a', state: 'ok', fast: { ...fast(i), eventReasons: i === 3 ? 0x4 : i === 4 ? 0x20 : 0 }, ...(i % 5 === 0 ? { medium: { ...medium(i), tempCelsius: 50 + i } } : {}) }]));
    }
    const window = (metric: 'utilGpuPercent' | 'tempCelsius' | 'eventReasons'): [number, number][] => list(series.points('a', metric, T0, T0 + 900_000));
    expect(window('utilGpuPercent')).toEqual([[T0, 4.5], [T0 + 1000, 14.5]]);
    expect(window('tempCelsius')).toEqual([[T0, 55], [T0 + 1000, 65]]);
    expect(window('eventReasons')).toEqual([[T0, 0x24], [T0 + 1000, 0]]);
  });

  test('six hours: the history in its step, then the live tail in the same step and on the same grid', () => {
    const series = createLiveSeries();
    const step = 30_000;
    const start = T0 - 6 * 3_600_000;
    const times = Array.from({ length: 720 }, (_, i) => start + i * step);
    series.backfill([{ uuid: 'a', resolution: 'second', stepMs: step, times, series: { utilGpuPercent: times.map(() => 40) } }]);
    for (let i = 0; i < 900; i++) series.ingest(util(T0 + i * 100, 60));
    const got = points(series, start, T0 + 90_000);
    expect(got).toHaveLength(720 + 3);
    for (let i = 1; i < got.length; i++) expect((got[i]?.[0] ?? 0) - (got[i - 1]?.[0] ?? 0)).toBe(step);
    expect(got.slice(720).map(([, v]) => v)).toEqual([60, 60, 60]);
  });

  test('a window that reaches back beyond the readings goes on in seconds, each instant once', () => {
    const series = createLiveSeries();
    const times = Array.from({ length: 300 }, (_, i) => T0 - 300_000 + i * 1000);
    series.backfill([{ uuid: 'a', resolution: 'second', stepMs: 1000, times, series: { utilGpuPercent: times.map(() => 10) } }]);
    for (let i = 0; i < 600; i++) series.ingest(util(T0 + i * 100, 20));
    const got = points(series, T0 - 120_000, T0 + 59_900);
    expect(got).toHaveLength(120 + 600);
    expect(got.every(([t], i) => i === 0 || t > (got[i - 1]?.[0] ?? 0))).toBe(true);
  });

  test('a second at the slow rate is no gap, four seconds of silence are one', () => {
    const series = createLiveSeries();
    series.backfill([raw([T0, T0 + 100, T0 + 101, T0 + 1200, T0 + 1300, T0 + 1301, T0 + 5300], [1, 2, null, 3, 4, null, 5])]);
    expect(points(series, T0, T0 + 6000).map(([, v]) => v)).toEqual([1, 2, 3, 4, Number.NaN, 5]);
  });

  test('rows of the raw history in which a slower tier was not due are no breaks', () => {
    const series = createLiveSeries();
    const times = Array.from({ length: 50 }, (_, i) => T0 + i * 100);
    series.backfill([{ uuid: 'a', resolution: 'raw', stepMs: 100, times, series: { memUsedBytes: times.map((_, i) => (i % 10 === 0 ? i : null)) } }]);
    const got = list(series.points('a', 'memUsedBytes', T0, T0 + 5000));
    expect(got.map(([, v]) => v)).toEqual([0, 10, 20, 30, 40]);
  });
});
