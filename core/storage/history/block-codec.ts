import { deflateSync, inflateSync } from 'node:zlib';
import { exactMetrics, METRIC_COUNT } from './metric-columns.ts';

/** Samples of one device in a row of the database: a minute of seconds or an hour of minutes. */
export const BLOCK_SLOTS = 60;

/** `values[metric * 60 + slot]`, NaN for null; `present[slot]` is 1 where there is a sample. */
export interface BlockData {
  readonly present: Uint8Array;
  readonly values: Float64Array;
}

export function emptyBlock(): BlockData {
  return { present: new Uint8Array(BLOCK_SLOTS), values: new Float64Array(BLOCK_SLOTS * METRIC_COUNT).fill(NaN) };
}

/*
 * Layout before compression (zlib, whose Adler-32 finds flipped bytes):
 *   u8 version · u8 metrics · 60 bits of presence in 8 bytes · one kind byte a metric · the columns
 * A column holds only the slots that are there: nothing (all null), one f64 (all equal), f32s or f64s, with the
 * bytes of equal significance together, which compresses better. f32 (24 bits: 6e-8 relative) unless the metric must
 * be exact and is not in 32 bits.
 */
const VERSION = 1;
const NOTHING = 0;
const EQUAL = 1;
const FLOAT32 = 2;
const FLOAT64 = 3;
const HEADER = 2 + 8;

/** Small windows: a block has some KB, and the usual 256 KB of state for each would be most of the thread's memory. */
const deflateOptions = { level: 4, windowBits: 13, memLevel: 6, chunkSize: 4096 };

const column = new Float64Array(BLOCK_SLOTS);
const scratch = new Uint8Array(HEADER + METRIC_COUNT * (1 + BLOCK_SLOTS * 8));

export function encodeBlock(block: BlockData): Uint8Array {
  const slots: number[] = [];
  for (let slot = 0; slot < BLOCK_SLOTS; slot++) if (block.present[slot]) slots.push(slot);
  scratch.fill(0, 0, HEADER);
  scratch[0] = VERSION;
  scratch[1] = METRIC_COUNT;
  for (const slot of slots) scratch[2 + (slot >> 3)] = (scratch[2 + (slot >> 3)] ?? 0) | (1 << (slot & 7));
  let at = HEADER + METRIC_COUNT;
  for (let metric = 0; metric < METRIC_COUNT; metric++) {
    for (let i = 0; i < slots.length; i++) column[i] = block.values[metric * BLOCK_SLOTS + (slots[i] ?? 0)] ?? NaN;
    const values = column.subarray(0, slots.length);
    const kind = decideKind(values, exactMetrics.has(metric));
    scratch[HEADER + metric] = kind;
    if (kind === NOTHING) continue;
    const wide = kind === FLOAT32 ? new Float32Array(values) : kind === EQUAL ? values.slice(0, 1) : values.slice();
    at = putPlanes(new Uint8Array(wide.buffer), wide.BYTES_PER_ELEMENT, at);
  }
  return deflateSync(scratch.subarray(0, at), deflateOptions);
}

function decideKind(values: Float64Array, exact: boolean): number {
  let equal = true;
  let nothing = true;
  let narrow = true;
  for (const value of values) {
    if (Number.isNaN(value)) {
      equal = false;
      continue;
    }
    nothing = false;
    if (value !== values[0]) equal = false;
    if (Math.fround(value) !== value) narrow = false;
  }
  if (nothing) return NOTHING;
  if (equal) return EQUAL;
  return exact && !narrow ? FLOAT64 : FLOAT32;
}

function putPlanes(bytes: Uint8Array, width: number, at: number): number {
  const count = bytes.length / width;
  for (let plane = 0; plane < width; plane++) for (let i = 0; i < count; i++) scratch[at++] = bytes[i * width + plane] ?? 0;
  return at;
}

/** null when the bytes are damaged. Metrics that a newer version appended are left out, missing ones are null. */
export function decodeBlock(data: Uint8Array): BlockData | null {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(data, { maxOutputLength: 64 * 1024, chunkSize: 8192 });
  } catch {
    return null;
  }
  const metricCount = bytes[1] ?? 0;
  if (bytes[0] !== VERSION || bytes.length < HEADER + metricCount) return null;
  const block = emptyBlock();
  const slots: number[] = [];
  for (let slot = 0; slot < BLOCK_SLOTS; slot++) {
    if (((bytes[2 + (slot >> 3)] ?? 0) >> (slot & 7)) & 1) {
      block.present[slot] = 1;
      slots.push(slot);
    }
  }
  let at = HEADER + metricCount;
  for (let metric = 0; metric < metricCount; metric++) {
    const kind = bytes[HEADER + metric];
    if (kind === NOTHING) continue;
    const count = kind === EQUAL ? 1 : slots.length;
    const width = kind === FLOAT32 ? 4 : 8;
    if (at + count * width > bytes.length) return null;
    const values = takePlanes(bytes, at, count, width);
    at += count * width;
    if (metric >= METRIC_COUNT) continue;
    for (let i = 0; i < slots.length; i++) block.values[metric * BLOCK_SLOTS + (slots[i] ?? 0)] = values[kind === EQUAL ? 0 : i] ?? NaN;
  }
  return block;
}

function takePlanes(bytes: Uint8Array, at: number, count: number, width: number): Float32Array | Float64Array {
  const out = new Uint8Array(count * width);
  for (let plane = 0; plane < width; plane++) for (let i = 0; i < count; i++) out[i * width + plane] = bytes[at + plane * count + i] ?? 0;
  return width === 4 ? new Float32Array(out.buffer) : new Float64Array(out.buffer);
}
