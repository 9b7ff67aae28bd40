import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const confidence = z.enum(['M', 'D', 'U']);
const companionRow = z.object({
  /** `kernels`: brings device code · `compiles`: makes it at run time · `vendor`: a library of NVIDIA's that torch loads. */
  kind: z.enum(['kernels', 'compiles', 'vendor']),
  /** Column of the pairing table in pytorch-wheels.json. */
  pairing: z.enum(['torchvision', 'torchaudio', 'triton_linux']).optional(),
  /** Its CUDA label must be torch's. */
  label: z.boolean().default(false),
  /** From which version a CUDA major (`12`, `9` …) or one capability (`12.0`) is served, where no kernels can be read. */
  first: z.record(z.string(), z.object({ version: z.string(), label: z.string().optional(), c: confidence, note: z.string().optional() })).default({}),
  /** From this version on, GPUs below the capability are dropped. */
  dropped: z.object({ from: z.string(), below: z.string(), c: confidence, source: z.string() }).optional(),
  /** Only GPUs of these CUDA majors are meant at all. */
  only: z.array(z.string()).optional(),
  /** File names (beginnings) whose kernels everything stands on; others are for single GPUs or features. */
  main: z.array(z.string()).default([]),
  /** One library per CUDA version; the one of torch's CUDA is loaded. `{cuda}` stands for its digits. */
  perCuda: z.string().optional(),
  /** Works without its kernels, or only parts of it need them. */
  optional: z.boolean().default(false),
  note: z.string().optional(),
});
export type CompanionRow = z.infer<typeof companionRow>;

/** resources/data/companions.json. */
export const companionTable = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), source: z.string(), keys: z.string() }),
  packages: z.record(z.string(), companionRow),
});
export type CompanionTable = z.infer<typeof companionTable>;

/** @throws when the shipped file does not fit: a fault of the build, found by its test. */
export async function readCompanionTable(resources: string): Promise<CompanionTable> {
  return companionTable.parse(JSON.parse(await readFile(join(resources, 'data', 'companions.json'), 'utf8')));
}

/** `nvidia_cudnn_cu12` → `nvidia-cudnn-cu12` (PEP 503). */
export const normalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

/** The row of a package; those of NVIDIA's libraries stand without their CUDA suffix. */
export function companionRowOf(name: string, table: CompanionTable): CompanionRow | null {
  const normal = normalName(name), short = normal.replace(/-cu\d+$/, '');
  // Names come from files: one such as `constructor` is no row.
  const key = [normal, short].find((k) => Object.hasOwn(table.packages, k));
  return key === undefined ? null : (table.packages[key] ?? null);
}
