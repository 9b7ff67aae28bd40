import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { HistorySeries } from '../../../contract/history.ts';
import { metrics, metricValue, type MetricKey } from '../../../contract/metrics.ts';
import { feed, historySettings, makeDevices, makeFrame, openHistory, uuidOf } from './history-fixtures.ts';

const databasePath = (): string => join(makeTestFolder('history'), 'warpdeck.db');
/** A whole minute; the values of a tick follow from its time. */
const T0 = Math.floor(1_790_000_000_000 / 60_000) * 60_000;
const MINUTE = 60_000;

const fromMetric = (key: MetricKey) => metrics.find((m) => m.key === key) ?? metrics[0];
/** What a metric was read as at a time. */
function read(key: MetricKey, atMs: number): number | null | undefined {
  const sample = makeFrame(0, atMs, 1).samples[0];
  const metric = fromMetric(key);
  return sample === undefined || metric === undefined ? undefined : metricValue(sample, metric);
}
/** The mean, highest or bits of all ticks in a stretch, counted the plain way. */
function expected(key: MetricKey, fromMs: number, toMs: number, tickMs: number): number {
  const values: number[] = [];
  for (let t = fromMs; t < toMs; t += tickMs) {
    const value = read(key, t);
    if (typeof value === 'number') values.push(value);
  }
  const join = fromMetric(key)?.join;
  if (join === 'max') return Math.max(...values);
  if (join === 'or') return values.reduce((a, b) => a | b, 0);
  return values.reduce((a, b) => a + b, 0) / values.length;
}
const close = (actual: number | null | undefined, wanted: number): void => {
  expect(actual).not.toBeNull();
  expect(Math.abs((actual ?? NaN) - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 1e-6);
};
function steady(series: HistorySeries | undefined, stepMs: number): void {
  const times = series?.times ?? [];
  times.slice(1).forEach((t, i) => expect(t - (times[i] ?? 0)).toBe(stepMs));
}

describe('createHistory', () => {
  it('joins minutes, seconds and raw readings without a seam, also over a restart', async () => {
    const path = databasePath();
    const devices = makeDevices(2);
    const clock = { ms: T0 };
    // 25 hours at 1 Hz: the first hour remains as minutes only.
    const first = openHistory(path, { clock, flushMs: 20 });
    const end = T0 + 25 * 60 * MINUTE;
    await feed(first.history, devices, T0, end, 1000, clock);
    await first.history.close();
    expect(first.history.dropped()).toBe(0);

    // Then, in another engine, eleven and a half minutes at 10 Hz.
    const { history, log } = openHistory(path, { clock, flushMs: 20 });
    const now = end + 11.5 * MINUTE;
    await feed(history, devices, end, now, 100, clock);

    // A day in steps of two minutes: all from minutes, the newest from seconds and raw.
    const [day] = await history.query({ fromMs: now - 24 * 60 * MINUTE, toMs: now, maxPoints: 1200, uuids: [uuidOf(0)] });
    expect(day).toMatchObject({ uuid: uuidOf(0), resolution: 'minute', stepMs: 120_000 });
    steady(day, 120_000);
    expect(day?.times.length).toBeGreaterThanOrEqual(719);
    const lastWhole = (day?.times.length ?? 0) - 2;
    const at = day?.times[lastWhole] ?? 0;
    // The mean of a step is a mean of its minutes.
    close(day?.series.powerWatts?.[lastWhole], (expected('powerWatts', at, at + MINUTE, 100) + expected('powerWatts', at + MINUTE, at + 2 * MINUTE, 100)) / 2);
    close(day?.series.tempCelsius?.[lastWhole], expected('tempCelsius', at, at + 2 * MINUTE, 1000));
    const early = day?.times[100] ?? 0;
    close(day?.series.powerWatts?.[100], expected('powerWatts', early, early + 2 * MINUTE, 1000));

    // Twenty minutes in seconds, over the restart and into what is only in memory.
    const [seconds] = await history.query({ fromMs: now - 20 * MINUTE, toMs: now, maxPoints: 1500, uuids: [uuidOf(1)] });
    expect(seconds).toMatchObject({ resolution: 'second', stepMs: 1000 });
    steady(seconds, 1000);
    expect(seconds?.times.at(-1)).toBe(now - 1000);

    // The last twelve minutes fine: seconds first, raw readings for the last ten.
    const [fine] = await history.query({ fromMs: now - 11 * MINUTE, toMs: now, maxPoints: 20_000, uuids: [uuidOf(0)] });
    expect(fine?.resolution).toBe('raw');
    const steps = new Set((fine?.times ?? []).slice(1).map((t, i) => t - (fine?.times[i] ?? 0)));
    expect(steps).toEqual(new Set([1000, 100]));
    expect(fine?.series.powerWatts).not.toContain(null);
    fine?.times.forEach((t, i) => {
      const raw = t >= now - 10 * MINUTE;
      if (raw) expect(fine.series.powerWatts?.[i]).toBe(read('powerWatts', t));
      // A slower tier stands until its next reading.
      if (raw && t % 1000 === 300) expect(fine.series.memUsedBytes?.[i]).toBe(read('memUsedBytes', t - 300));
    });

    // What is older than a day of seconds is minutes; where seconds begin, they go on without a hole.
    const [edge] = await history.query({ fromMs: now - 24.5 * 60 * MINUTE, toMs: now - 23.9 * 60 * MINUTE, maxPoints: 20_000, uuids: [uuidOf(0)] });
    const edgeSteps = (edge?.times ?? []).slice(1).map((t, i) => t - (edge?.times[i] ?? 0));
    const turn = edgeSteps.indexOf(1000);
    expect(new Set(edgeSteps.slice(0, turn - 1))).toEqual(new Set([MINUTE]));
    expect(new Set(edgeSteps.slice(turn))).toEqual(new Set([1000]));
    expect(edgeSteps[turn - 1]).toBe(MINUTE);
    expect(edge?.series.powerWatts).not.toContain(null);

    const status = await history.status();
    expect(status.state).toBe('on');
    expect(status.rows.minute).toBeGreaterThan(25 * 60 * 2);
    expect(status.oldestMs).toBe(T0 - (T0 % 3_600_000));
    expect(log.lines.filter((l) => l.level !== 'info')).toEqual([]);
    await history.close();
  }, 60_000);

  it('gives every metric back within 1e-6 after a restart, nulls as nulls', async () => {
    const path = databasePath();
    const devices = makeDevices(1);
    const clock = { ms: T0 };
    const first = openHistory(path, { clock });
    await feed(first.history, devices, T0, T0 + 3 * MINUTE, 1000, clock);
    await first.history.close();
    const { history } = openHistory(path, { clock });
    const [answer] = await history.query({ fromMs: T0, toMs: T0 + 3 * MINUTE, maxPoints: 2000 });
    expect(answer?.times).toHaveLength(180);
    for (const metric of metrics) {
      answer?.times.forEach((t, i) => {
        const was = metric.tier === 'slow' ? read(metric.key, t - (t % 5000)) : read(metric.key, t);
        if (was === null || was === undefined) expect(answer.series[metric.key]?.[i]).toBeNull();
        else close(answer.series[metric.key]?.[i], was);
      });
    }
    const [energy] = [answer?.series.energyJoules ?? []];
    expect((energy[11] ?? 0) - (energy[10] ?? 0)).toBe(125);
    await history.close();
  });

  it('marks silence with a null, and only that', async () => {
    const { history } = openHistory(databasePath(), { clock: { ms: T0 } });
    const devices = makeDevices(1);
    await feed(history, devices, T0, T0 + 20_000, 1000);
    await feed(history, devices, T0 + 60_000, T0 + 80_000, 1000);
    const [answer] = await history.query({ fromMs: T0, toMs: T0 + 80_000, maxPoints: 80, metrics: ['powerWatts'] });
    expect(Object.keys(answer?.series ?? {})).toEqual(['powerWatts']);
    expect(answer?.series.powerWatts?.filter((v) => v === null)).toHaveLength(1);
    expect(answer?.times[answer.series.powerWatts?.indexOf(null) ?? -1]).toBe(T0 + 20_000);
    await history.close();
  });

  it('joins to the asked number of points and answers equally for overlapping spans', async () => {
    const { history } = openHistory(null);
    const devices = makeDevices(1);
    await feed(history, devices, T0, T0 + 5 * MINUTE, 100);
    const [a] = await history.query({ fromMs: T0, toMs: T0 + 5 * MINUTE, maxPoints: 700, metrics: ['powerWatts', 'eventReasons'] });
    const [b] = await history.query({ fromMs: T0 + 777, toMs: T0 + 5 * MINUTE + 777, maxPoints: 700, metrics: ['powerWatts', 'eventReasons'] });
    expect(a?.stepMs).toBe(500);
    expect(a?.times.length).toBeLessThanOrEqual(700);
    steady(a, 500);
    const common = b?.times.indexOf(T0 + MINUTE) ?? -1;
    const same = a?.times.indexOf(T0 + MINUTE) ?? -1;
    expect(b?.series.powerWatts?.[common]).toBe(a?.series.powerWatts?.[same]);
    close(a?.series.powerWatts?.[same], expected('powerWatts', T0 + MINUTE, T0 + MINUTE + 500, 100));
    expect(a?.series.eventReasons?.[same]).toBe(expected('eventReasons', T0 + MINUTE, T0 + MINUTE + 500, 100));
    expect(await history.status()).toMatchObject({ state: 'off', rows: { raw: 3000, second: 0, minute: 0 } });
    expect(history.problem()).toBeNull();
    await history.close();
  });

  it('survives a clock that is set back: times stay in order', async () => {
    const { history } = openHistory(databasePath(), { clock: { ms: T0 } });
    const devices = makeDevices(1);
    await feed(history, devices, T0 + 30_000, T0 + 60_000, 100);
    await feed(history, devices, T0, T0 + 45_000, 100);
    for (const maxPoints of [20_000, 60]) {
      const [answer] = await history.query({ fromMs: T0, toMs: T0 + 44_999, maxPoints });
      const times = answer?.times ?? [];
      expect([...times].sort((x, y) => x - y)).toEqual(times);
      expect(new Set(times).size).toBe(times.length);
      expect(times[0]).toBe(T0);
    }
    await history.close();
  });

  it('keeps events, over a restart too', async () => {
    const path = databasePath();
    const first = openHistory(path);
    first.history.event({ atMs: T0, kind: 'driver', uuid: null, text: 'Driver 580 to 590' });
    first.history.event({ atMs: T0 + 5, kind: 'xid', uuid: uuidOf(0), text: 'Xid 79' });
    expect((await first.history.events(T0, T0 + 10)).map((e) => e.text)).toEqual(['Driver 580 to 590', 'Xid 79']);
    await first.history.close();
    const { history } = openHistory(path);
    const events = await history.events(T0 + 1, T0 + 10);
    expect(events).toEqual([{ id: 2, atMs: T0 + 5, kind: 'xid', uuid: uuidOf(0), text: 'Xid 79' }]);
    await history.close();
  });

  it.each(['csv', 'jsonl'] as const)('exports %s from the database and from memory, all devices in order of time', async (format) => {
    for (const path of [databasePath(), null]) {
      const { history } = openHistory(path, { clock: { ms: T0 + 10 * MINUTE } });
      await feed(history, makeDevices(2), T0, T0 + 8 * MINUTE, 1000);
      await feed(history, makeDevices(2), T0 + 8 * MINUTE, T0 + 8 * MINUTE + 1001, 1000);
      let text = '';
      for await (const piece of history.export({ fromMs: T0 + MINUTE, toMs: T0 + 7 * MINUTE - 1, format })) text += piece.text;
      const lines = text.trimEnd().split('\n');
      expect(lines).toHaveLength(1 + 2 * 360);
      if (format === 'csv') {
        expect(lines[0]?.startsWith('time,at_ms,uuid,name,resolution,utilGpuPercent,')).toBe(true);
        expect(lines[1]?.startsWith(`${new Date(T0 + MINUTE).toISOString()},${T0 + MINUTE},${uuidOf(0)},Test GPU 0,${path === null ? 'raw' : 'second'},`)).toBe(true);
        expect(new Set(lines.map((l) => l.split(',').length))).toEqual(new Set([23]));
      } else {
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ schemaVersion: 1, kind: 'warpdeck-history' });
        expect(JSON.parse(lines[2] ?? '')).toMatchObject({ atMs: T0 + MINUTE, uuid: uuidOf(1), tempMemCelsius: null });
      }
      await history.close();
    }
  });

  it('drops what is too old, and over the size cap the oldest seconds first', async () => {
    const path = databasePath();
    const clock = { ms: T0 };
    let cap = 65_536;
    const { history } = openHistory(path, { clock, flushMs: 20, getSettings: () => historySettings({ sizeCapMiB: cap }) });
    const devices = makeDevices(4);
    await feed(history, devices, T0, T0 + 6 * 60 * MINUTE, 1000, clock);
    const before = await history.status();
    expect(before.sizeBytes).toBeGreaterThan(2 * 1024 * 1024);
    cap = 2;
    await feed(history, devices, clock.ms + 1000, clock.ms + 2 * MINUTE, 1000, clock);
    await history.close();
    const { history: after } = openHistory(path, { clock });
    const status = await after.status();
    expect(status.rows.second).toBeLessThan(before.rows.second);
    expect(status.rows.second).toBeGreaterThan(0);
    expect(status.rows.minute).toBeGreaterThanOrEqual(before.rows.minute);
    const [answer] = await after.query({ fromMs: clock.ms - 3 * MINUTE, toMs: clock.ms - MINUTE, maxPoints: 20_000, uuids: [uuidOf(0)] });
    expect(answer?.resolution).toBe('second');
    await after.close();
  }, 60_000);

  it('stores nothing while it is off, and answers from memory', async () => {
    let on = false;
    const { history } = openHistory(databasePath(), { clock: { ms: T0 }, getSettings: () => historySettings({ on }) });
    const devices = makeDevices(1);
    await feed(history, devices, T0, T0 + MINUTE, 1000);
    expect(await history.status()).toMatchObject({ state: 'off', rows: { second: 0 } });
    const [answer] = await history.query({ fromMs: T0, toMs: T0 + MINUTE, maxPoints: 2000 });
    expect(answer?.times).toHaveLength(60);
    on = true;
    expect(history.state()).toBe('on');
    await history.close();
  });

  it('keeps no more than ten minutes of raw readings, however fast they come', async () => {
    const { history } = openHistory(databasePath(), { clock: { ms: T0 } });
    const devices = makeDevices(8);
    const frames = Array.from({ length: 50 }, (_, i) => makeFrame(i, T0 + i * 100, 8));
    for (let i = 0; i < 36_000; i++) {
      history.ingest({ ...(frames[i % 50] ?? makeFrame(0, T0, 8)), seq: i, atMs: T0 + i * 100 }, devices);
      if (i % 200 === 0) await nextTurn();
    }
    const status = await history.status();
    expect(status.rows.raw).toBeGreaterThanOrEqual(8 * 6000);
    expect(status.rows.raw).toBeLessThanOrEqual(8 * 6200);
    // 8 devices x (6 200 x 7 + 1 300 x 12 + 700 x 2) numbers of 8 bytes are 3.9 MB; the rest is what was on its way.
    expect(process.memoryUsage().arrayBuffers / 1024 / 1024).toBeLessThan(40);
    await history.close();
  }, 60_000);
});
