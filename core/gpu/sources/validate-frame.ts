import { deviceState, fastReading, mediumReading, slowReading, type GpuFrame } from '../../../contract/gpu.ts';
import { sourceEvent, type SourceEvent } from '../../../contract/nvml-worker.ts';

/**
 * Frames come ten times a second with some 200 numbers, so they are checked by hand; the names come from the
 * contract's own schemas. Everything else goes through zod.
 */
const fastKeys = Object.keys(fastReading.shape);
const mediumKeys = Object.keys(mediumReading.shape);
const slowKeys = Object.keys(slowReading.shape);
const states: ReadonlySet<unknown> = new Set(deviceState.options);
/** More devices (with MIG instances) than any machine has. */
const MAX_SAMPLES = 1024;

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function isReading(value: unknown, keys: readonly string[], flag?: string): boolean {
  if (!isObject(value)) return false;
  for (const key of keys) {
    const v = value[key];
    if (v === null) continue;
    if (key === flag ? typeof v !== 'boolean' : !isFinite(v)) return false;
  }
  return true;
}

/** True when a value from another process is a frame of the contract. Numbers are finite; null is not reported. */
export function isGpuFrame(value: unknown): value is GpuFrame {
  if (!isObject(value) || !Number.isSafeInteger(value['seq']) || !isFinite(value['atMs']) || !isFinite(value['tookMs'])) return false;
  const samples = value['samples'];
  if (!Array.isArray(samples) || samples.length > MAX_SAMPLES) return false;
  for (const sample of samples as readonly unknown[]) {
    if (!isObject(sample) || typeof sample['uuid'] !== 'string' || !states.has(sample['state'])) return false;
    if (sample['fast'] !== null && !isReading(sample['fast'], fastKeys)) return false;
    if (sample['medium'] !== undefined && !isReading(sample['medium'], mediumKeys)) return false;
    if (sample['slow'] !== undefined && !isReading(sample['slow'], slowKeys, 'rowRemapPending')) return false;
  }
  return true;
}

/** A source event from another process, or null when it does not fit the contract. */
export function parseSourceEvent(data: unknown): SourceEvent | null {
  if (isObject(data) && data['type'] === 'frame') return isGpuFrame(data['frame']) ? { type: 'frame', frame: data['frame'] } : null;
  const parsed = sourceEvent.safeParse(data);
  return parsed.success ? parsed.data : null;
}
