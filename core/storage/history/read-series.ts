import { BLOCK_SLOTS } from './block-codec.ts';
import { blockMs, MINUTES, SECONDS, slotMs, type Block, type BlockTier } from './block-buffer.ts';
import { createSeriesJoiner, type JoinedSeries, type SeriesJoiner } from './series-joiner.ts';
import type { RawChunk, SeriesAnswer, SeriesRequest } from './storage-messages.ts';

/** Where stored blocks come from: the database with what is still in memory laid over it. */
export interface BlockSource {
  uuids(): readonly string[];
  /** Blocks that begin in [fromMs, toMs], oldest first. */
  forEachBlock(tier: BlockTier, uuid: string, fromMs: number, toMs: number, visit: (block: Pick<Block, 'startMs' | 'present' | 'values'>) => void): void;
  /** Start of the first block at or after a time, or null. */
  firstStart(tier: BlockTier, uuid: string, fromMs: number): number | null;
}

/** Nothing is stored: what there is, is in the raw rows. */
export const noBlocks: BlockSource = { uuids: () => [], forEachBlock: () => undefined, firstStart: () => null };

/** Calls `visit` for each stored sample in [fromMs, toMs). */
export function forEachSample(source: BlockSource, tier: BlockTier, uuid: string, fromMs: number, toMs: number, visit: (atMs: number, values: Float64Array, slot: number) => void): void {
  if (!(fromMs < toMs)) return;
  const width = slotMs[tier];
  source.forEachBlock(tier, uuid, Math.floor(fromMs / blockMs[tier]) * blockMs[tier], toMs, (block) => {
    for (let slot = 0; slot < BLOCK_SLOTS; slot++) {
      if (!block.present[slot]) continue;
      const atMs = block.startMs + slot * width;
      if (atMs >= fromMs && atMs < toMs) visit(atMs, block.values, slot);
    }
  });
}

/**
 * Series out of three tiers without a seam: where two tiers know the same time exactly one of them speaks,
 * the finest that the step can use. `raw` rows reach back ten minutes (steps below a second) or to the last
 * second that was handed to the store (coarser steps).
 */
export function readSeries(source: BlockSource, request: SeriesRequest): SeriesAnswer[] {
  const raw = new Map(request.raw.map((chunk) => [chunk.uuid, chunk]));
  const uuids = request.uuids ?? [...new Set([...raw.keys(), ...source.uuids()])];
  const answers: SeriesAnswer[] = [];
  for (const uuid of uuids) {
    const chunk = raw.get(uuid);
    const joined = readDevice(source, request, uuid, chunk);
    if (request.uuids === null && joined.times.length === 0) continue;
    answers.push({
      uuid,
      stepMs: joined.stepMs,
      finestMs: joined.steps.reduce((least, step) => Math.min(least, step), Infinity),
      times: Float64Array.from(joined.times),
      columns: joined.columns.map((column) => Float64Array.from(column)),
    });
  }
  return answers;
}

interface DeviceSeries extends JoinedSeries {
  readonly stepMs: number;
}

function readDevice(source: BlockSource, request: SeriesRequest, uuid: string, chunk: RawChunk | undefined): DeviceSeries {
  // Below a second readings stay as they were made when they are few enough: no step fits their jitter.
  if (request.stepMs < slotMs[SECONDS]) {
    const asRead = joinDevice(source, request, uuid, chunk, 0);
    if (asRead.times.length <= request.maxPoints) return { ...asRead, stepMs: usualStep(asRead.times) };
  }
  return { ...joinDevice(source, request, uuid, chunk, request.stepMs), stepMs: request.stepMs };
}

/** The median distance, ms: what a device was really read with. */
export function usualStep(times: readonly number[]): number {
  const distances = times.slice(1).map((t, i) => t - (times[i] ?? 0)).sort((a, b) => a - b);
  return Math.max(1, Math.round(distances[distances.length >> 1] ?? slotMs[SECONDS]));
}

function joinDevice(source: BlockSource, request: SeriesRequest, uuid: string, chunk: RawChunk | undefined, stepMs: number): JoinedSeries {
  const numbers = request.metricNumbers;
  const joiner = createSeriesJoiner(numbers, stepMs);
  // Whole steps only, so that a step has the same value in every answer it appears in.
  const from = stepMs === 0 ? request.fromMs : Math.ceil(request.fromMs / stepMs) * stepMs;
  const to = stepMs === 0 ? request.toMs + 0.5 : Math.floor(request.toMs / stepMs) * stepMs + stepMs;
  const add = (tier: BlockTier) => (atMs: number, values: Float64Array, slot: number) => joiner.add(atMs, slotMs[tier], values, slot, BLOCK_SLOTS, numbers);

  const rawFrom = decideRawFrom(source, uuid, chunk, from);
  const storedTo = Math.min(to, rawFrom);
  let secondsFrom: number;
  if (stepMs >= slotMs[MINUTES]) {
    secondsFrom = from;
    forEachSample(source, MINUTES, uuid, from, storedTo, (atMs, values, slot) => {
      add(MINUTES)(atMs, values, slot);
      secondsFrom = atMs + slotMs[MINUTES];
    });
  } else {
    // Where seconds begin, minutes end.
    const firstBlock = source.firstStart(SECONDS, uuid, Math.floor(from / blockMs[SECONDS]) * blockMs[SECONDS]);
    secondsFrom = Math.max(from, firstBlock ?? storedTo);
    if (firstBlock === null || firstBlock > from) forEachSample(source, MINUTES, uuid, from, Math.min(storedTo, firstBlock ?? storedTo), add(MINUTES));
  }
  forEachSample(source, SECONDS, uuid, secondsFrom, storedTo, add(SECONDS));
  if (chunk !== undefined) addRaw(joiner, chunk, numbers, Math.max(rawFrom, from), to, stepMs);
  return joiner.finish();
}

/**
 * From here on raw rows speak: from where they are whole, which in the middle of a second that is stored is the
 * next one.
 */
function decideRawFrom(source: BlockSource, uuid: string, chunk: RawChunk | undefined, fromMs: number): number {
  if (chunk === undefined || chunk.times.length === 0) return Infinity;
  if (chunk.wholeFromMs <= fromMs) return fromMs;
  const second = Math.floor(chunk.wholeFromMs / slotMs[SECONDS]) * slotMs[SECONDS];
  let stored = false;
  forEachSample(source, SECONDS, uuid, second, second + 1, () => { stored = true; });
  return stored ? second + slotMs[SECONDS] : chunk.wholeFromMs;
}

function addRaw(joiner: SeriesJoiner, chunk: RawChunk, numbers: readonly number[], fromMs: number, toMs: number, stepMs: number): void {
  const places = numbers.map((_, i) => i);
  const width = numbers.length;
  // For steps of a second and more seconds are made first, so that a reading weighs in a mean what it lasted.
  const viaSeconds = stepMs >= slotMs[SECONDS];
  const target = viaSeconds ? createSeriesJoiner(numbers, slotMs[SECONDS], { gaps: false }) : joiner;
  for (let row = 0; row < chunk.times.length; row++) {
    const atMs = chunk.times[row] ?? NaN;
    if (atMs >= fromMs && atMs < toMs) target.add(atMs, 0, chunk.values, row * width, 1, places);
  }
  if (!viaSeconds) return;
  const seconds = target.finish();
  const values = new Float64Array(width);
  seconds.times.forEach((atMs, i) => {
    for (let k = 0; k < width; k++) values[k] = seconds.columns[k]?.[i] ?? NaN;
    joiner.add(atMs, slotMs[SECONDS], values, 0, 1, places);
  });
}
