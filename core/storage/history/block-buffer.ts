import { BLOCK_SLOTS, emptyBlock, type BlockData } from './block-codec.ts';
import { METRIC_COUNT } from './metric-columns.ts';
import { createSeriesJoiner } from './series-joiner.ts';

/** 1: seconds, sixty to a block; 2: minutes, sixty to a block. These numbers stand in the database. */
export type BlockTier = 1 | 2;
export const SECONDS: BlockTier = 1;
export const MINUTES: BlockTier = 2;
export const slotMs: Readonly<Record<BlockTier, number>> = { 1: 1000, 2: 60_000 };
export const blockMs: Readonly<Record<BlockTier, number>> = { 1: 60_000, 2: 3_600_000 };

export interface Block extends BlockData {
  readonly tier: BlockTier;
  readonly uuid: string;
  readonly startMs: number;
  /** Has samples that are not in the database. */
  dirty: boolean;
  /** What the database had of it is in it. */
  merged: boolean;
}

/** Reads the stored part of a block; undefined when the database cannot be asked now. */
export type LoadBlock = (tier: BlockTier, uuid: string, startMs: number) => BlockData | null | undefined;

/** Blocks that are being filled or wait to be written. */
export interface BlockBuffer {
  addSecond(uuid: string, atMs: number, values: Float64Array, offset: number): void;
  /** Puts a minute made elsewhere (after a crash) in its place. */
  addMinute(uuid: string, atMs: number, seconds: BlockData): void;
  dirty(): Block[];
  /** Forgets blocks that are written and complete. */
  settle(written: readonly Block[]): void;
  inMemory(tier: BlockTier, uuid: string): Block[];
  uuids(): string[];
  /** Minutes of seconds that are held for the device that has most. */
  waitingMinutes(): number;
  merge(block: Block): void;
}

/** While nothing can be written, this many blocks of a device and tier wait; then the oldest are lost. */
const MAX_WAITING = 60;

export function createBlockBuffer(load: LoadBlock, onLost: (block: Block) => void): BlockBuffer {
  /** Device → blocks by start, newest last. */
  const held: Readonly<Record<BlockTier, Map<string, Map<number, Block>>>> = { 1: new Map(), 2: new Map() };
  const current = new Map<string, Block>();

  const blockAt = (tier: BlockTier, uuid: string, startMs: number): Block => {
    let blocks = held[tier].get(uuid);
    if (blocks === undefined) held[tier].set(uuid, (blocks = new Map<number, Block>()));
    let block = blocks.get(startMs);
    if (block === undefined) {
      block = { tier, uuid, startMs, ...emptyBlock(), dirty: false, merged: false };
      merge(block);
      blocks.set(startMs, block);
      if (blocks.size > MAX_WAITING) {
        const [oldest] = blocks.values();
        if (oldest !== undefined) {
          blocks.delete(oldest.startMs);
          if (oldest.dirty) onLost(oldest);
        }
      }
    }
    return block;
  };

  const merge = (block: Block): void => {
    if (block.merged) return;
    const stored = load(block.tier, block.uuid, block.startMs);
    if (stored === undefined) return;
    block.merged = true;
    if (stored === null) return;
    for (let slot = 0; slot < BLOCK_SLOTS; slot++) {
      if (block.present[slot] || !stored.present[slot]) continue;
      block.present[slot] = 1;
      for (let m = 0; m < METRIC_COUNT; m++) block.values[m * BLOCK_SLOTS + slot] = stored.values[m * BLOCK_SLOTS + slot] ?? NaN;
    }
  };

  const addMinute = (uuid: string, atMs: number, seconds: BlockData): void => {
    const minute = joinMinute(seconds);
    if (minute === null) return;
    const hour = blockAt(MINUTES, uuid, Math.floor(atMs / blockMs[MINUTES]) * blockMs[MINUTES]);
    const slot = (atMs - hour.startMs) / slotMs[MINUTES];
    hour.present[slot] = 1;
    for (let m = 0; m < METRIC_COUNT; m++) hour.values[m * BLOCK_SLOTS + slot] = minute[m] ?? NaN;
    hour.dirty = true;
  };

  return {
    addSecond(uuid, atMs, values, offset) {
      const startMs = Math.floor(atMs / blockMs[SECONDS]) * blockMs[SECONDS];
      let block = current.get(uuid);
      if (block?.startMs !== startMs) {
        // The minute before is over: it becomes one sample of the coarser tier.
        if (block !== undefined) {
          merge(block);
          addMinute(uuid, block.startMs, block);
        }
        current.set(uuid, (block = blockAt(SECONDS, uuid, startMs)));
      }
      const slot = Math.floor((atMs - startMs) / slotMs[SECONDS]);
      block.present[slot] = 1;
      for (let m = 0; m < METRIC_COUNT; m++) block.values[m * BLOCK_SLOTS + slot] = values[offset + m] ?? NaN;
      block.dirty = true;
    },
    addMinute,
    dirty: () => ([1, 2] as const).flatMap((tier) => [...held[tier].values()].flatMap((blocks) => [...blocks.values()].filter((b) => b.dirty))),
    settle(written) {
      for (const block of written) block.dirty = false;
      for (const tier of [1, 2] as const) {
        for (const blocks of held[tier].values()) {
          const newest = Math.max(...blocks.keys());
          for (const block of blocks.values()) if (!block.dirty && block.startMs !== newest && current.get(block.uuid) !== block) blocks.delete(block.startMs);
        }
      }
    },
    inMemory: (tier, uuid) => [...(held[tier].get(uuid)?.values() ?? [])].sort((a, b) => a.startMs - b.startMs),
    uuids: () => [...held[SECONDS].keys()],
    waitingMinutes() {
      let most = 0;
      for (const blocks of held[SECONDS].values()) most = Math.max(most, blocks.size);
      return most;
    },
    merge,
  };
}

const allMetrics = Array.from({ length: METRIC_COUNT }, (_, i) => i);

/** Sixty seconds as one minute, joined by metric; null when none is there. */
export function joinMinute(seconds: BlockData): number[] | null {
  const joiner = createSeriesJoiner(allMetrics, blockMs[SECONDS]);
  for (let slot = 0; slot < BLOCK_SLOTS; slot++) if (seconds.present[slot]) joiner.add(slot * slotMs[SECONDS], slotMs[SECONDS], seconds.values, slot, BLOCK_SLOTS, allMetrics);
  const { times, columns } = joiner.finish();
  return times.length === 0 ? null : columns.map((column) => column[0] ?? NaN);
}
