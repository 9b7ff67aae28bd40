import { statSync } from 'node:fs';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { historyEvent, type HistoryEvent } from '../../../contract/history.ts';
import { runInTransaction } from '../run-in-transaction.ts';
import { decodeBlock, encodeBlock, type BlockData } from './block-codec.ts';
import { chatBytes } from '../chat/chat-bytes.ts';
import { blockMs, MINUTES, SECONDS, type Block, type BlockTier } from './block-buffer.ts';
import type { StorageLimits, StoreFacts } from './storage-messages.ts';

/** The history's tables in an open database. Every function may throw an SQLite error. */
export interface HistoryTables {
  deviceUuids(): string[];
  deviceNames(): ReadonlyMap<string, string>;
  nameDevice(uuid: string, name: string): void;
  readBlock(tier: BlockTier, uuid: string, startMs: number): BlockData | null;
  forEachBlock(tier: BlockTier, uuid: string, fromMs: number, toMs: number, visit: (startMs: number, read: () => BlockData | null) => void): void;
  firstStart(tier: BlockTier, uuid: string | null, fromMs: number): number | null;
  lastBlock(tier: BlockTier, uuid: string): { readonly startMs: number; readonly data: BlockData | null } | null;
  /** All of them, or none. */
  write(blocks: readonly Block[], events: readonly Omit<HistoryEvent, 'id'>[]): void;
  events(fromMs: number, toMs: number): HistoryEvent[];
  /** Drops what is too old and, over the size cap, the oldest of the finest first. Answers rows dropped. */
  trim(nowMs: number, limits: StorageLimits): number;
  facts(): StoreFacts;
  close(): void;
}

/** Seconds are kept a day; a block is a minute, so one more minute keeps the day whole. */
const SECONDS_KEEP_MS = 24 * 3_600_000 + 60_000;
const MAX_EVENTS = 100_000;

export function openHistoryTables(db: DatabaseSync, path: string, onDamage: (what: string) => void): HistoryTables {
  const sql = {
    device: db.prepare('SELECT id FROM history_devices WHERE uuid = ?'),
    addDevice: db.prepare('INSERT INTO history_devices (uuid) VALUES (?) RETURNING id'),
    nameDevice: db.prepare('INSERT INTO history_devices (uuid, name) VALUES (?, ?) ON CONFLICT (uuid) DO UPDATE SET name = excluded.name WHERE name IS NOT excluded.name'),
    devices: db.prepare('SELECT uuid, name FROM history_devices ORDER BY id'),
    block: db.prepare('SELECT data FROM history_blocks WHERE tier = ? AND device = ? AND start_ms = ?'),
    blocks: db.prepare('SELECT start_ms, data FROM history_blocks WHERE tier = ? AND device = ? AND start_ms BETWEEN ? AND ? ORDER BY start_ms'),
    first: db.prepare('SELECT min(start_ms) AS start_ms FROM history_blocks WHERE tier = ? AND device = ? AND start_ms >= ?'),
    firstOfAll: db.prepare('SELECT min(start_ms) AS start_ms FROM history_blocks WHERE tier = ? AND start_ms >= ?'),
    last: db.prepare('SELECT start_ms, data FROM history_blocks WHERE tier = ? AND device = ? ORDER BY start_ms DESC LIMIT 1'),
    put: db.prepare('INSERT INTO history_blocks (tier, device, start_ms, samples, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT (tier, device, start_ms) DO UPDATE SET samples = excluded.samples, data = excluded.data'),
    addEvent: db.prepare('INSERT INTO history_events (at_ms, kind, uuid, text) VALUES (?, ?, ?, ?)'),
    events: db.prepare('SELECT id, at_ms, kind, uuid, text FROM history_events WHERE at_ms BETWEEN ? AND ? ORDER BY at_ms, id LIMIT 10000'),
    dropOlder: db.prepare('DELETE FROM history_blocks WHERE tier = ? AND start_ms < ?'),
    dropOldest: db.prepare('DELETE FROM history_blocks WHERE rowid IN (SELECT rowid FROM history_blocks WHERE tier = ? ORDER BY start_ms LIMIT ?)'),
    dropEvents: db.prepare('DELETE FROM history_events WHERE at_ms < ? OR id <= (SELECT max(id) FROM history_events) - ?'),
    samples: db.prepare('SELECT tier, sum(samples) AS samples, count(*) AS blocks, min(start_ms) AS oldest FROM history_blocks GROUP BY tier'),
    pages: db.prepare('SELECT (SELECT page_count FROM pragma_page_count()) - (SELECT freelist_count FROM pragma_freelist_count()) AS used, (SELECT page_size FROM pragma_page_size()) AS size'),
  };
  const ids = new Map<string, number>();

  const deviceId = (uuid: string): number | null => {
    const known = ids.get(uuid);
    if (known !== undefined) return known;
    const id = sql.device.get(uuid)?.['id'];
    if (typeof id !== 'number') return null;
    ids.set(uuid, id);
    return id;
  };
  const makeDeviceId = (uuid: string): number => deviceId(uuid) ?? Number(sql.addDevice.get(uuid)?.['id']);
  const decode = (data: SQLOutputValue | undefined, what: string): BlockData | null => {
    const block = data instanceof Uint8Array ? decodeBlock(data) : null;
    if (block === null) onDamage(what);
    return block;
  };
  /** Without the conversations, which live in the same file and are nobody's to trim. */
  const usedBytes = (): number => {
    const row = sql.pages.get();
    return Number(row?.['used'] ?? 0) * Number(row?.['size'] ?? 0) - chatBytes(db);
  };
  const inTransaction = (work: () => void): void => {
    try {
      runInTransaction(db, work);
    } catch (error) {
      ids.clear();
      throw error;
    }
  };

  return {
    deviceUuids: () => sql.devices.all().map((row) => String(row['uuid'])),
    deviceNames: () => new Map(sql.devices.all().map((row) => [String(row['uuid']), String(row['name'] ?? '')])),
    nameDevice: (uuid, name) => void sql.nameDevice.run(uuid, name),
    readBlock(tier, uuid, startMs) {
      const id = deviceId(uuid);
      const row = id === null ? undefined : sql.block.get(tier, id, startMs);
      return row === undefined ? null : decode(row['data'], `block ${tier}/${startMs}`);
    },
    forEachBlock(tier, uuid, fromMs, toMs, visit) {
      const id = deviceId(uuid);
      if (id === null) return;
      for (const row of sql.blocks.iterate(tier, id, clampMs(fromMs), clampMs(toMs))) visit(Number(row['start_ms']), () => decode(row['data'], `block ${tier}/${String(row['start_ms'])}`));
    },
    firstStart(tier, uuid, fromMs) {
      const id = uuid === null ? null : deviceId(uuid);
      if (uuid !== null && id === null) return null;
      const row = id === null ? sql.firstOfAll.get(tier, clampMs(fromMs)) : sql.first.get(tier, id, clampMs(fromMs));
      const start = row?.['start_ms'];
      return typeof start === 'number' ? start : null;
    },
    lastBlock(tier, uuid) {
      const id = deviceId(uuid);
      const row = id === null ? undefined : sql.last.get(tier, id);
      return row === undefined ? null : { startMs: Number(row['start_ms']), data: decode(row['data'], `block ${tier}`) };
    },
    write(blocks, events) {
      inTransaction(() => {
        for (const block of blocks) {
          const samples = block.present.reduce((sum, here) => sum + here, 0);
          sql.put.run(block.tier, makeDeviceId(block.uuid), block.startMs, samples, encodeBlock(block));
        }
        for (const event of events) sql.addEvent.run(event.atMs, event.kind, event.uuid, event.text);
      });
    },
    events: (fromMs, toMs) => sql.events.all(fromMs, toMs).flatMap((row) => {
      const event = historyEvent.safeParse({ id: row['id'], atMs: row['at_ms'], kind: row['kind'], uuid: row['uuid'], text: row['text'] });
      return event.success ? [event.data] : [];
    }),
    trim(nowMs, limits) {
      const minutesFrom = nowMs - limits.minuteDays * 86_400_000;
      let dropped = 0;
      inTransaction(() => {
        dropped += Number(sql.dropOlder.run(SECONDS, Math.floor(nowMs - SECONDS_KEEP_MS)).changes);
        dropped += Number(sql.dropOlder.run(MINUTES, Math.floor(minutesFrom - blockMs[MINUTES])).changes);
        dropped += Number(sql.dropEvents.run(minutesFrom, MAX_EVENTS).changes);
      });
      for (const tier of [SECONDS, MINUTES] as const) {
        while (usedBytes() > limits.sizeCapBytes) {
          let gone = 0;
          inTransaction(() => { gone = Number(sql.dropOldest.run(tier, 500).changes); });
          dropped += gone;
          if (gone === 0) break;
        }
      }
      if (dropped > 0) db.exec('PRAGMA incremental_vacuum');
      return dropped;
    },
    facts() {
      const rows = new Map(sql.samples.all().map((row) => [Number(row['tier']), row]));
      const oldest = [...rows.values()].map((row) => Number(row['oldest']));
      return {
        sizeBytes: ['', '-wal', '-shm'].reduce((sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0), 0),
        oldestMs: oldest.length > 0 ? Math.min(...oldest) : null,
        second: Number(rows.get(SECONDS)?.['samples'] ?? 0),
        minute: Number(rows.get(MINUTES)?.['samples'] ?? 0),
      };
    },
    close: () => db.close(),
  };
}

/** SQLite's integers are bound from safe integers only. */
const clampMs = (ms: number): number => Math.floor(Math.min(Math.max(ms, -8.64e15), 8.64e15));
