import { isAtLeast, parseVersion } from '../toggles/availability.ts';

/**
 * Since when PyTorch's allocator knows a key. A key that it does not know is a ValueError when CUDA starts: it would
 * break every program of the environment. So only what is listed here is written.
 * Sources: torch release notes (2.1); measured with 2.11.
 */
const keys: Readonly<Record<string, string>> = { expandable_segments: '2.1', per_process_memory_fraction: '2.11' };
const names = new Set(['PYTORCH_ALLOC_CONF', 'PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_HIP_ALLOC_CONF']);

/** Why this variable would break the environment; null: it would not. Pure. */
export function decideAllocatorFault(name: string, value: string, torch: string | null): string | null {
  if (!names.has(name)) return null;
  if (parseVersion(torch) === null) return 'Which PyTorch is installed cannot be told, and a key of the allocator that it does not know ends every program at the start of CUDA.';
  for (const part of value.split(',')) {
    const key = part.split(':')[0]?.trim() ?? '';
    const since = keys[key];
    if (since === undefined) return `Whether PyTorch ${torch ?? ''} knows the allocator's key "${key.slice(0, 60)}" is not known, and one that it does not know ends every program at the start of CUDA.`;
    if (!isAtLeast(torch, since)) return `PyTorch ${torch ?? ''} does not know the allocator's key "${key}", which came with ${since}. It would end every program at the start of CUDA.`;
  }
  return null;
}
