import { open, rename, rm } from 'node:fs/promises';
import { fileProblem } from '../../storage/write-file-atomic.ts';
import { ALIGNMENT, alignUp, type SyntheticTensor } from './gguf-header.ts';
import { tensorBytesOf, type GgmlType } from './ggml-types.ts';
import { createRandom, makeBlocks, makeConstants } from './random-blocks.ts';

export interface WriteSyntheticOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: { readonly doneBytes: number; readonly totalBytes: number }) => void) | undefined;
  /** The same seed gives the same file. Default 1. */
  readonly seed?: number | undefined;
}
export interface WrittenModel {
  readonly path: string;
  readonly bytes: number;
}

/** Random weights are made once for each kind of tensor and written again and again from changing places, bytes. */
const POOL_BYTES = 4 << 20;
const MAX_POOLS = 6;
const TELL_EVERY_BYTES = 32 << 20;

/** What all weights of this tensor are; null: random ones. */
function constantOf(tensor: SyntheticTensor): number | null {
  if (tensor.type.layout !== 'f32' && tensor.type.layout !== 'f16' && tensor.type.layout !== 'bf16') return null;
  if (/(?:^|\.)ssm_a(?:\.|$)/.test(tensor.name)) return -1;
  if (tensor.dims.slice(1).some((n) => n > 1)) return null;
  return /\.bias$|sinks/.test(tensor.name) ? 0 : 1;
}

/** Buffers to be written one after another for a tensor, never more than the pool's bytes at once. */
function* contentOf(tensor: SyntheticTensor, pool: (type: GgmlType, sigma: number) => Buffer, random: () => number): Generator<Buffer> {
  const { type, dims } = tensor;
  let left = tensorBytesOf(type, dims);
  const constant = constantOf(tensor);
  if (constant !== null) {
    for (const some = makeConstants(type, Math.min(left / type.bytes, POOL_BYTES / type.bytes), constant); left > 0; left -= some.length) yield some.subarray(0, left);
    return;
  }
  const row = tensorBytesOf(type, [dims[0] ?? 1]);
  let zeros = Math.min(left, (tensor.zeroRows ?? 0) * row);
  left -= zeros;
  for (const nothing = Buffer.alloc(Math.min(zeros, POOL_BYTES)); zeros > 0; zeros -= nothing.length) yield nothing.subarray(0, zeros);
  const blocks = pool(type, tensor.sigma ?? 1 / Math.sqrt(dims[0] ?? 1));
  // Somewhere in the first half: tensors of one kind differ from each other.
  let at = (random() % Math.max(1, Math.floor(blocks.length / type.bytes / 2))) * type.bytes;
  while (left > 0) {
    const part = blocks.subarray(at, at + left);
    yield part;
    left -= part.length;
    at = 0;
  }
}

/**
 * Writes header and tensors to `path`, beside first and renamed when whole. Memory stays below about 30 MB.
 * @throws ProblemError `file.disk_full`, `file.not_writable`; the reason of `signal`. Nothing is left then.
 */
export async function writeTensors(path: string, header: Buffer, tensors: readonly SyntheticTensor[], { signal, onProgress, seed = 1 }: WriteSyntheticOptions, alignment = ALIGNMENT): Promise<WrittenModel> {
  const random = createRandom(seed);
  const pools = new Map<string, Buffer>();
  const poolOf = (type: GgmlType, sigma: number): Buffer => {
    const key = `${type.name} ${sigma.toPrecision(3)}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    const oldest = pools.keys().next();
    if (pools.size >= MAX_POOLS && oldest.done !== true) pools.delete(oldest.value);
    const made = makeBlocks(type, Math.floor(Math.min(POOL_BYTES, largest) / type.bytes), sigma, random);
    pools.set(key, made);
    return made;
  };
  const largest = Math.max(64 * 1024, ...tensors.map((t) => tensorBytesOf(t.type, t.dims)));
  const bytes = tensors.reduce((sum, t) => sum + alignUp(tensorBytesOf(t.type, t.dims), alignment), alignUp(header.length, alignment));
  const beside = `${path}.part`;
  let done = 0, told = 0;
  try {
    const file = await open(beside, 'w', 0o600);
    try {
      const write = async (data: Buffer): Promise<void> => {
        signal?.throwIfAborted();
        for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, done + at)).bytesWritten;
        done += data.length;
        if (done - told < TELL_EVERY_BYTES) return;
        told = done;
        onProgress?.({ doneBytes: done, totalBytes: bytes });
      };
      const fill = async (): Promise<void> => write(Buffer.alloc(alignUp(done, alignment) - done));
      await write(header);
      await fill();
      for (const tensor of tensors) {
        for (const part of contentOf(tensor, poolOf, random)) await write(part);
        await fill();
      }
    } finally {
      await file.close();
    }
    await rename(beside, path);
    onProgress?.({ doneBytes: bytes, totalBytes: bytes });
    return { path, bytes };
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    if (signal?.aborted === true) throw error;
    throw fileProblem(path, error);
  }
}
