import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { System } from './library-names.ts';

const wheel = z.object({ name: z.string().regex(/^[a-z0-9-]{1,80}$/), version: z.string().regex(/^[\d.]{1,40}$/), bytes: z.record(z.string(), z.number()), unpackedBytes: z.record(z.string(), z.number()) });
/** resources/data/cuda-runtime.json. */
const table = z.object({ _about: z.object({ what: z.string(), asOf: z.string(), source: z.string() }), cuda: z.string(), packages: z.array(wheel).min(1).max(8) });
export type CudaRuntimeTable = z.infer<typeof table>;

export const readCudaRuntime = async (resources: string): Promise<CudaRuntimeTable> => table.parse(JSON.parse(await readFile(join(resources, 'data', 'cuda-runtime.json'), 'utf8')));

/** Sum over the packages for this system, bytes; null: not known for it. */
export function runtimeBytes(runtime: CudaRuntimeTable, { platform, arch }: System, which: 'bytes' | 'unpackedBytes'): number | null {
  const sizes = runtime.packages.map((p) => p[which][`${platform}-${arch}`]);
  return sizes.some((size) => size === undefined) ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

/** As people read it: `0.40 GB`. */
export const sizeText = (bytes: number | null): string => (bytes === null ? 'size not known' : bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
