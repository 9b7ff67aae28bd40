import { open } from 'node:fs/promises';
import { planFromHeader, type HeaderPlan } from './plan-from-header.ts';
import { writeTensors, type WriteSyntheticOptions, type WrittenModel } from './write-tensors.ts';

/** The longest headers have a vocabulary of 262,144 tokens with merges: 16 MB. */
const MAX_HEADER_BYTES = 64 << 20;

/** Reads the beginning of a GGUF file (or a file that holds only that); null when `planFromHeader` cannot use it. */
export async function readHeaderPlan(headerPath: string): Promise<HeaderPlan | null> {
  const file = await open(headerPath, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) got = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
    return planFromHeader(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

/**
 * Writes a model with the header's own metadata and tensors and random weights: what a model that is not here yet would
 * cost and how fast it would be. `plan.bytes` says how much room it takes.
 * @throws ProblemError `file.disk_full`, `file.not_writable`; the reason of `signal`
 */
export async function writeSyntheticFromHeader(path: string, plan: HeaderPlan, options: WriteSyntheticOptions = {}): Promise<WrittenModel> {
  return writeTensors(path, plan.header, plan.tensors, options, plan.alignment);
}
