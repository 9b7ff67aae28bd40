import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** resources/data/pytorch-wheels.json: official wheels and what they carry. For recommending; an installed wheel is read itself. */
const confidence = z.enum(['M', 'D', 'U']);
const wheelBuild = z.object({
  /** Name of a list in `lists`; absent for CPU builds. */
  s: z.string().optional(),
  p: z.array(z.string()).optional(),
  /** The index's default on this platform. */
  d: z.boolean().optional(),
  planned_default: z.boolean().optional(),
  min_patch: z.string().optional(),
  cudnn: z.string().optional(),
  note: z.string().optional(),
  c: confidence.default('D'),
});
export type WheelBuild = z.infer<typeof wheelBuild>;
const byRelease = z.record(z.string(), z.record(z.string(), wheelBuild));
const toolkit = z.object({ full_linux: z.record(z.string(), z.string()).nullable().optional(), full_windows: z.string().nullable().optional(), min_linux: z.string(), min_windows: z.string().nullable(), note: z.string().optional() }).loose();

export const wheelTable = z.object({
  _about: z.record(z.string(), z.unknown()),
  lists: z.record(z.string(), z.array(z.string())),
  linux_x86_64: byRelease,
  linux_aarch64: byRelease,
  windows_x86_64_default: z.string(),
  windows_x86_64: z.record(z.string(), wheelBuild.extend({ from: z.string(), to: z.string().nullable() })),
  index_ceiling: z.record(z.string(), z.string()),
  min_driver_linux: z.record(z.string(), z.string()),
  min_driver_windows: z.record(z.string(), z.string()),
  pairing: z.record(z.string(), z.object({ torchvision: z.string().nullable(), torchaudio: z.string().nullable(), triton_linux: z.string().nullable(), c: confidence, note: z.string().optional() })),
  drivers: z.object({ toolkit: z.record(z.string(), toolkit) }).loose(),
});
export type WheelTable = z.infer<typeof wheelTable>;

/** @throws when the shipped file does not fit: a fault of the build, found by its test. */
export async function readWheelTable(resources: string): Promise<WheelTable> {
  return wheelTable.parse(JSON.parse(await readFile(join(resources, 'data', 'pytorch-wheels.json'), 'utf8')));
}
