import { dirname, join } from 'node:path';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { HistoryEvent } from '../../../contract/history.ts';
import type { Problem } from '../../../contract/problem.ts';
import { openDatabase, setAside, sqlTrouble } from '../open-database.ts';
import { blockMs, createBlockBuffer, MINUTES, SECONDS, slotMs, type Block } from './block-buffer.ts';
import { METRIC_COUNT } from './metric-columns.ts';
import { historyArea } from './history-schema.ts';
import { openHistoryTables, type HistoryTables } from './history-tables.ts';
import type { BlockSource } from './read-series.ts';
import type { SecondsBatch, StorageLimits, StorageOptions, StoreFacts, StoreState } from './storage-messages.ts';

/** The history in the storage thread: what waits in memory, the database, and what to do when one of them fails. */
export interface HistoryStore {
  addSeconds(batch: SecondsBatch): void;
  addEvent(event: Omit<HistoryEvent, 'id'>): void;
  nameDevices(devices: readonly { readonly uuid: string; readonly name: string }[]): void;
  setLimits(limits: StorageLimits): void;
  /** A read failed: the same consequences as a failed write. */
  noticeError(error: unknown): void;
  /** Writes what waits; opens the database again when it was away. Never throws. */
  flush(): void;
  readonly source: BlockSource;
  names(): ReadonlyMap<string, string>;
  events(fromMs: number, toMs: number): HistoryEvent[];
  facts(): StoreFacts;
  /** The file is about to be set aside by another area: it is let go of and opened anew at the next write. */
  letGo(): void;
  close(): void;
}

export interface StoreReports {
  /** The damaged file is about to be set aside. */
  releasing?(): void;
  /** It was set aside, under this path. */
  aside?(path: string): void;
  state(state: StoreState): void;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}

const TRIM_EVERY_MS = 5 * 60_000;
const EARLY_FLUSH_MINUTES = 15;
const MAX_WAITING_EVENTS = 1000;

export function createHistoryStore(options: StorageOptions, reports: StoreReports): HistoryStore {
  const path = options.databasePath;
  const waitingEvents: Omit<HistoryEvent, 'id'>[] = [];
  const deviceNames = new Map<string, string>();
  let tables: HistoryTables | null = null;
  let readOnly = false;
  let limits = options.limits;
  let nowMs = options.nowMs;
  let trimmedAtMs = -Infinity;
  /** Of the monotonic clock: the system's may jump. */
  let openedAtMs = -Infinity;
  let failedAtMs = -Infinity;
  let lostBlocks = 0;
  let broken: Problem | null = null;
  let busyTimes = 0;
  let said = '';

  const say = (state: StoreState): void => {
    const key = `${state.state}|${state.problem?.code ?? ''}|${state.reason ?? ''}`;
    if (key === said) return;
    said = key;
    reports.state(state);
  };
  const sayOn = (): void => say({ state: 'on', reason: broken?.cause ?? null, problem: broken });

  const buffer = createBlockBuffer(
    (tier, uuid, startMs) => {
      try {
        return tables === null ? undefined : tables.readBlock(tier, uuid, startMs);
      } catch (error) {
        failed(error);
        return undefined;
      }
    },
    () => {
      // Said once; how much, when writing works again. A newer database is not written at all.
      if (!readOnly && lostBlocks++ === 0) reports.log('warn', 'Readings are lost: the history cannot be written for too long', {});
    },
  );

  /** A statement failed: says what it means, and begins anew when the file is damaged. */
  const failed = (error: unknown): void => {
    if (readOnly) return;
    failedAtMs = performance.now();
    const trouble = sqlTrouble(error);
    const detail = error instanceof Error ? error.message : String(error);
    if (trouble === 'busy') {
      busyTimes++;
      if (busyTimes >= 3) say({ state: 'read_only', reason: 'Another program holds the database; it is tried again.', problem: null });
      return;
    }
    reports.log('warn', 'The history database failed', { trouble, detail });
    if (trouble === 'full') return say({ state: 'read_only', reason: 'The disk is full.', problem: makeProblem('history.disk_full', { path, detail }) });
    drop();
    if (trouble === 'broken') {
      try {
        reports.releasing?.();
        const aside = setAside(path, nowMs);
        broken = makeProblem('history.broken', { path, detail, aside });
        reports.aside?.(aside);
      } catch (cause) {
        reports.log('warn', 'The damaged history could not be set aside', { detail: String(cause) });
      }
      openedAtMs = -Infinity;
      return;
    }
    sayUnavailable(detail);
  };
  const sayUnavailable = (detail: string): void => say({ state: 'failed', reason: detail, problem: makeProblem('history.off', { why: `${path} cannot be used: ${detail}.` }) });
  const drop = (): void => {
    try {
      tables?.close();
    } catch {
      // It is closed already.
    }
    tables = null;
  };

  const open = (): void => {
    openedAtMs = performance.now();
    const result = openDatabase(path, historyArea, nowMs, { releasing: () => reports.releasing?.() });
    if (result.kind === 'unavailable') {
      reports.log('warn', 'The history database cannot be opened', { why: result.why, detail: result.detail });
      if (result.why === 'full') say({ state: 'read_only', reason: 'The disk is full.', problem: makeProblem('history.disk_full', { path, detail: result.detail }) });
      else if (result.why === 'busy') failed(Object.assign(new Error(result.detail), { errcode: 5 }));
      else sayUnavailable(result.detail);
      return;
    }
    try {
      tables = openHistoryTables(result.db, path, (what) => reports.log('warn', 'A part of the history is damaged and left out', { what }));
      readOnly = result.kind === 'newer';
      if (result.kind === 'newer') return say({ state: 'read_only', reason: result.problem.cause, problem: result.problem });
      if (result.broken !== null) {
        broken = result.broken;
        reports.aside?.(join(dirname(path), String(broken.facts['aside'])));
      }
      for (const [uuid, name] of deviceNames) tables.nameDevice(uuid, name);
      recoverMinutes(tables);
      sayOn();
    } catch (error) {
      if (result.kind === 'newer') {
        // Its tables are others than ours.
        drop();
        readOnly = true;
        say({ state: 'read_only', reason: result.problem.cause, problem: result.problem });
      } else failed(error);
    }
  };

  /** After a crash the last minutes may stand as seconds only. */
  const recoverMinutes = (from: HistoryTables): void => {
    for (const uuid of from.deviceUuids()) {
      const last = from.lastBlock(MINUTES, uuid);
      const lastSlot = last?.data?.present.lastIndexOf(1) ?? -1;
      const next = last === null ? -8.64e15 : last.startMs + (lastSlot + 1) * slotMs[MINUTES];
      from.forEachBlock(SECONDS, uuid, next, nowMs - blockMs[SECONDS], (startMs, read) => {
        const seconds = read();
        if (seconds !== null) buffer.addMinute(uuid, startMs, seconds);
      });
    }
  };

  const available = (): HistoryTables | null => {
    if (tables === null && !readOnly && performance.now() - openedAtMs >= options.retryMs) open();
    return tables;
  };

  const flush = (): void => {
    const to = available();
    if (to === null || readOnly) return;
    const blocks = buffer.dirty();
    try {
      if (blocks.length > 0 || waitingEvents.length > 0) {
        for (const block of blocks) buffer.merge(block);
        to.write(blocks, waitingEvents);
        waitingEvents.length = 0;
        buffer.settle(blocks);
      }
      busyTimes = 0;
      if (lostBlocks > 0) reports.log('warn', 'The history is written again', { lostBlocks });
      lostBlocks = 0;
      sayOn();
      if (Math.abs(nowMs - trimmedAtMs) >= TRIM_EVERY_MS) {
        trimmedAtMs = nowMs;
        to.trim(nowMs, limits);
      }
    } catch (error) {
      failed(error);
    }
  };

  const source: BlockSource = {
    uuids: () => [...new Set([...(tables?.deviceUuids() ?? []), ...buffer.uuids()])],
    forEachBlock(tier, uuid, fromMs, toMs, visit) {
      const waiting = buffer.inMemory(tier, uuid).filter((block) => block.startMs >= fromMs && block.startMs <= toMs);
      const show = (block: Block): void => {
        buffer.merge(block);
        visit(block);
      };
      tables?.forEachBlock(tier, uuid, fromMs, toMs, (startMs, read) => {
        while (waiting[0] !== undefined && waiting[0].startMs < startMs) show(waiting.shift() as Block);
        if (waiting[0]?.startMs === startMs) return show(waiting.shift() as Block);
        const data = read();
        if (data !== null) visit({ startMs, ...data });
      });
      for (const block of waiting) show(block);
    },
    firstStart(tier, uuid, fromMs) {
      const stored = tables?.firstStart(tier, uuid, fromMs) ?? Infinity;
      const waiting = buffer.inMemory(tier, uuid).find((block) => block.startMs >= fromMs)?.startMs ?? Infinity;
      const first = Math.min(stored, waiting);
      return Number.isFinite(first) ? first : null;
    },
  };

  open();
  return {
    addSeconds(batch) {
      nowMs = batch.nowMs;
      // Faster than the clock (a backlog, a test): written before it has to be thrown away.
      if (buffer.waitingMinutes() > EARLY_FLUSH_MINUTES && performance.now() - failedAtMs > options.retryMs) flush();
      batch.uuids.forEach((uuid, i) => buffer.addSecond(uuid, batch.atMs, batch.values, i * METRIC_COUNT));
    },
    addEvent(event) {
      waitingEvents.push(event);
      if (waitingEvents.length > MAX_WAITING_EVENTS) waitingEvents.shift();
    },
    nameDevices(devices) {
      for (const { uuid, name } of devices) {
        deviceNames.set(uuid, name);
        if (tables === null || readOnly) continue;
        try {
          tables.nameDevice(uuid, name);
        } catch (error) {
          failed(error);
        }
      }
    },
    setLimits(next) {
      limits = next;
      trimmedAtMs = -Infinity;
    },
    noticeError: failed,
    flush,
    source,
    names: () => new Map([...(tables?.deviceNames() ?? []), ...deviceNames]),
    events(fromMs, toMs) {
      const stored = tables?.events(fromMs, toMs) ?? [];
      const waiting = waitingEvents.filter((e) => e.atMs >= fromMs && e.atMs <= toMs).map((e, i) => ({ ...e, id: -1 - i }));
      return [...stored, ...waiting].sort((a, b) => a.atMs - b.atMs);
    },
    facts() {
      const none = { sizeBytes: 0, oldestMs: null, second: 0, minute: 0 };
      return tables?.facts() ?? none;
    },
    letGo() {
      drop();
      openedAtMs = -Infinity;
    },
    close() {
      flush();
      drop();
    },
  };
}
