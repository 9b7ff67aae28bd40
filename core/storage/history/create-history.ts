import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Device, GpuFrame } from '../../../contract/gpu.ts';
import type { HistoryEvent, HistoryQuery, HistorySeries, HistoryStatus } from '../../../contract/history.ts';
import { metricKeys } from '../../../contract/metrics.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import type { Logger } from '../../logging/logger.ts';
import { startStorage, type StorageClient } from '../storage-client.ts';
import { chooseStep, resolutionOf } from './choose-step.ts';
import { createDeviceTrack, RAW_KEEP_MS, type DeviceTrack } from './device-track.ts';
import { exportHeader, exportLine } from './history-export.ts';
import { METRIC_COUNT, metricIndexes } from './metric-columns.ts';
import { noBlocks, readSeries } from './read-series.ts';
import type { RawChunk, SeriesAnswer, SeriesRequest, StorageLimits } from './storage-messages.ts';

/**
 * What the GPUs did: raw readings of ten minutes in memory, joined to seconds (a day) and minutes (a year) on disk.
 * Nothing here blocks or throws into the loop that feeds it.
 */
export interface History {
  /** Every frame, in order. Devices give the names. */
  ingest(frame: GpuFrame, devices: readonly Device[]): void;
  event(event: Omit<HistoryEvent, 'id'>): void;
  query(query: HistoryQuery): Promise<HistorySeries[]>;
  events(fromMs: number, toMs: number): Promise<HistoryEvent[]>;
  /** Pieces of text; the first begins with the header. */
  export(request: { readonly fromMs: number; readonly toMs: number; readonly format: 'csv' | 'jsonl' }): AsyncIterable<{ readonly text: string }>;
  status(): Promise<HistoryStatus>;
  state(): HistoryStatus['state'];
  problem(): Problem | null;
  /** Seconds that were not stored because the thread lagged. */
  dropped(): number;
  close(): Promise<void>;
}

export interface HistoryOptions {
  /** null: nothing is kept on disk. */
  readonly databasePath: string | null;
  /** A thread that others use too; who made it closes it, after this history. Without it: one of its own. */
  readonly storage?: StorageClient | null;
  readonly getSettings: () => Settings['history'];
  readonly log: Logger;
  readonly now?: () => number;
  /** Time between writes, ms. */
  readonly flushMs?: number;
  /** Time between tries to open the database when it could not be, ms. */
  readonly retryMs?: number;
}

/** Batches (about 2 KB each for 8 devices) that may wait for a thread that is busy (a check of a large file, a slow disk): an hour. */
const MAX_LAG = 3600;
const MAX_EVENTS_IN_MEMORY = 1000;
const MIB = 1024 * 1024;

export function createHistory(options: HistoryOptions): History {
  const now = options.now ?? Date.now;
  const tracks = new Map<string, DeviceTrack>();
  const events: HistoryEvent[] = [];
  let nextEventId = 1;
  let second = NaN;
  let postedUntilMs = -Infinity;
  let named: readonly Device[] | null = null;
  let names = new Map<string, string>();
  let dropped = 0;
  let closed = false;

  const readLimits = (): StorageLimits => ({ sizeCapBytes: options.getSettings().sizeCapMiB * MIB, minuteDays: options.getSettings().minuteDays });
  let limits = readLimits();
  const databasePath = options.databasePath;
  const storage: StorageClient | null = databasePath === null ? null : options.storage ?? startStorage(databasePath, options.log);
  if (databasePath !== null) {
    storage?.openHistory(() => {
      named = null;
      return { databasePath, flushMs: options.flushMs ?? 10_000, retryMs: options.retryMs ?? 10_000, limits, nowMs: now() };
    });
  }

  const postNames = (devices: readonly Device[]): void => {
    named = devices;
    names = new Map(devices.map((d) => [d.uuid, d.name]));
    storage?.post({ t: 'devices', devices: devices.map(({ uuid, name }) => ({ uuid, name })) });
  };

  const postLimits = (): void => {
    const wanted = readLimits();
    if (wanted.sizeCapBytes === limits.sizeCapBytes && wanted.minuteDays === limits.minuteDays) return;
    limits = wanted;
    storage?.post({ t: 'limits', limits });
  };

  /** Hands the second that is over to the thread, or counts it when too many wait there. */
  const postSecond = (): void => {
    const uuids: string[] = [];
    const values = new Float64Array(tracks.size * METRIC_COUNT);
    for (const [uuid, track] of tracks) {
      if (track.takeSecond(values, uuids.length * METRIC_COUNT)) uuids.push(uuid);
      else if (track.newestMs < second * 1000 - RAW_KEEP_MS) tracks.delete(uuid);
    }
    if (storage === null || uuids.length === 0 || !options.getSettings().on) return;
    postLimits();
    if (storage.lag() >= MAX_LAG) {
      if (dropped++ % 600 === 0) options.log.warn('The storage thread lags: seconds of history are dropped', { dropped });
      return;
    }
    storage.post({ t: 'seconds', atMs: second * 1000, nowMs: now(), uuids, values }, [values.buffer]);
    postedUntilMs = second * 1000 + 1000;
  };

  /** Raw rows that belong into an answer (see readSeries). */
  const rawChunks = (request: Omit<SeriesRequest, 'raw'>): RawChunk[] => {
    const { stepMs } = request;
    const fine = stepMs < 1000 || storage === null;
    const chunks: RawChunk[] = [];
    for (const [uuid, track] of tracks) {
      if (request.uuids !== null && !request.uuids.includes(uuid)) continue;
      const wholeFromMs = Math.max(track.oldestMs, fine ? -Infinity : postedUntilMs);
      const fromMs = Math.max(request.fromMs, wholeFromMs);
      const toMs = fine ? request.toMs + Math.min(stepMs, 1000) : Math.floor(request.toMs / stepMs) * stepMs + stepMs;
      const rows = track.rows(fromMs, toMs, request.metricNumbers);
      if (rows.times.length > 0) chunks.push({ uuid, wholeFromMs, ...rows });
    }
    return chunks;
  };

  const ask = async (request: Omit<SeriesRequest, 'raw'>): Promise<SeriesAnswer[]> => {
    if (storage !== null && !closed) {
      const raw = rawChunks(request);
      try {
        return await storage.call('query', { ...request, raw }, raw.flatMap((chunk) => [chunk.times.buffer, chunk.values.buffer]));
      } catch (error) {
        options.log.warn('The history was answered from memory only', { detail: String(error) });
      }
    }
    return readSeries(noBlocks, { ...request, raw: rawChunks(request) });
  };

  async function* exportMemory(fromMs: number, toMs: number, format: 'csv' | 'jsonl'): AsyncGenerator<{ text: string }> {
    const all = metricIndexes(undefined);
    const pieceMs = 10_000;
    const oldest = Math.min(Infinity, ...[...tracks.values()].map((t) => t.oldestMs));
    const newest = Math.min(toMs, Math.max(-Infinity, ...[...tracks.values()].map((t) => t.newestMs)));
    for (let start = Math.max(fromMs, oldest); start <= newest; start += pieceMs) {
      const rows = [...tracks].flatMap(([uuid, track]) => {
        const { times, values } = track.rows(start, Math.min(newest, start + pieceMs - 0.001), all);
        return [...times].map((atMs, i) => ({ atMs, uuid, name: names.get(uuid) ?? '', resolution: 'raw', values: [...values.subarray(i * METRIC_COUNT, (i + 1) * METRIC_COUNT)] }));
      });
      rows.sort((a, b) => a.atMs - b.atMs);
      if (rows.length > 0) yield { text: rows.map((row) => exportLine(format, row)).join('') };
      await nextTurn();
    }
  }

  const state = (): HistoryStatus['state'] => {
    if (storage === null) return 'off';
    const stored = storage.state().state;
    return stored === 'on' && !options.getSettings().on ? 'off' : stored;
  };
  const reason = (): string | null => {
    if (storage === null) return 'This engine keeps nothing on disk; live values are kept for ten minutes in memory.';
    if (state() === 'off') return 'Switched off in the settings; live values are kept for ten minutes in memory.';
    return storage.state().reason;
  };

  return {
    ingest(frame, devices) {
      if (devices !== named) postNames(devices);
      const frameSecond = Math.floor(frame.atMs / 1000);
      if (frameSecond !== second) {
        if (!Number.isNaN(second)) postSecond();
        second = frameSecond;
      }
      for (const sample of frame.samples) {
        let track = tracks.get(sample.uuid);
        if (track === undefined) tracks.set(sample.uuid, (track = createDeviceTrack()));
        track.add(frame.atMs, sample);
      }
    },
    event(event) {
      if (storage !== null && options.getSettings().on && state() !== 'failed') return storage.post({ t: 'event', event });
      events.push({ ...event, id: nextEventId++ });
      if (events.length > MAX_EVENTS_IN_MEMORY) events.shift();
    },
    async query(query) {
      if (query.toMs < query.fromMs) return [];
      const metricNumbers = metricIndexes(query.metrics);
      const stepMs = chooseStep(query.fromMs, query.toMs, query.maxPoints);
      const answers = await ask({ fromMs: query.fromMs, toMs: query.toMs, stepMs, maxPoints: query.maxPoints, uuids: query.uuids ?? null, metricNumbers });
      const series: HistorySeries[] = [];
      for (const answer of answers) {
        series.push(toSeries(answer, metricNumbers, stepMs));
        await nextTurn();
      }
      return series;
    },
    async events(fromMs, toMs) {
      const inMemory = events.filter((e) => e.atMs >= fromMs && e.atMs <= toMs);
      if (storage === null) return inMemory;
      const stored = await storage.call('events', { fromMs, toMs }).catch((): HistoryEvent[] => []);
      return [...stored, ...inMemory].sort((a, b) => a.atMs - b.atMs);
    },
    async *export({ fromMs, toMs, format }) {
      yield { text: exportHeader(format) };
      if (storage === null) {
        yield* exportMemory(fromMs, toMs, format);
        return;
      }
      let next: number | null = fromMs;
      while (next !== null) {
        const piece: { readonly text: string; readonly nextMs: number | null } = await storage.call('export', { fromMs: next, toMs, format });
        if (piece.text !== '') yield { text: piece.text };
        next = piece.nextMs;
      }
    },
    async status() {
      const facts = storage === null ? null : await storage.call('facts', null).catch(() => null);
      const raw = [...tracks.values()].reduce((sum, track) => sum + track.rowCount, 0);
      const oldestRaw = Math.min(Infinity, ...[...tracks.values()].map((track) => track.oldestMs));
      return {
        state: state(),
        reason: reason(),
        sizeBytes: facts?.sizeBytes ?? 0,
        sizeCapBytes: readLimits().sizeCapBytes,
        oldestMs: facts?.oldestMs ?? (Number.isFinite(oldestRaw) ? oldestRaw : null),
        rows: { raw, second: facts?.second ?? 0, minute: facts?.minute ?? 0 },
      };
    },
    state,
    problem: () => storage?.state().problem ?? null,
    dropped: () => dropped,
    async close() {
      if (closed) return;
      if (!Number.isNaN(second)) postSecond();
      closed = true;
      if (storage === options.storage) await storage?.call('flush', null).catch(() => null);
      else await storage?.close();
    },
  };
}

function toSeries(answer: SeriesAnswer, metricNumbers: readonly number[], stepMs: number): HistorySeries {
  const nulls = (column: Float64Array): (number | null)[] => Array.from(column, (v) => (Number.isNaN(v) ? null : v));
  const series: HistorySeries['series'] = {};
  metricNumbers.forEach((metric, k) => {
    const key = metricKeys[metric];
    const column = answer.columns[k];
    if (key !== undefined && column !== undefined) series[key] = nulls(column);
  });
  // What the finest point is made of, but never finer than what was asked for.
  const finest = Number.isFinite(answer.finestMs) ? Math.max(answer.finestMs, resolutionOf(stepMs) === 'raw' ? 0 : stepMs) : stepMs;
  return { uuid: answer.uuid, resolution: resolutionOf(finest), stepMs: answer.stepMs, times: Array.from(answer.times), series };
}
