import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readTables, type Tables } from '../tables/read-tables.ts';

const confidence = z.enum(['M', 'D', 'U']);
const dotted = z.string().regex(/^\d+(\.\d+)+$/);
const torchRelease = z.object({
  version: dotted,
  /** First and last Python with wheels. */
  python: z.tuple([dotted, dotted]),
  experimental: dotted.nullable(),
  freeThreaded: z.array(dotted),
  torchvision: dotted.nullable(),
  torchaudio: dotted.nullable(),
  c: confidence,
});
export type TorchRelease = z.infer<typeof torchRelease>;
const about = z.object({ what: z.string(), asOf: z.string(), source: z.string(), keys: z.string() });
/** resources/data/torch-releases.json: oldest first. */
const releaseTable = z.object({ _about: about.loose(), releases: z.array(torchRelease) });

const condaBuild = z.object({ cuda: dotted, torch: z.string(), archs: z.array(z.string()), ptx: z.boolean(), minDriver: z.string(), c: confidence });
export type CondaBuild = z.infer<typeof condaBuild>;
/** resources/data/routes.json. */
const routeTable = z.object({
  _about: about,
  condaForge: z.object({ linux_x86_64: z.array(condaBuild), linux_aarch64: z.array(condaBuild), windows_x86_64: z.array(condaBuild) }),
  driver: z.object({ branch: z.string(), why: z.string(), download: z.string() }),
  nightly: z.object({ labels: z.array(z.string()), c: confidence }),
});

/** When an entry is wrong: each is computed against the tables for the GPUs at hand. */
const wrongCheck = z.discriminatedUnion('kind', [
  /** Builds of this label lack a GPU in every release. */
  z.object({ kind: z.literal('label'), label: z.string() }),
  /** The index's default build of this release, or of the newest, lacks a GPU or needs a newer driver. */
  z.object({ kind: z.literal('default_build'), release: z.string().nullable() }),
  /** uv's choice by the driver alone lacks a GPU. */
  z.object({ kind: z.literal('driver_only') }),
  /** No build has the GPU because of its age: some capability within the bounds. */
  z.object({ kind: z.literal('gpu'), from: dotted.nullable(), below: dotted.nullable() }),
  /** The CUDA version that the driver prints has no index. */
  z.object({ kind: z.literal('printed_cuda') }),
  /** The newest driver branch does not drive the GPU any more. */
  z.object({ kind: z.literal('newest_driver') }),
]);
const wrongEntry = z.object({
  id: z.string(),
  /** `{cc}` first capability concerned, `{label}` a label, `{cuda}` the printed CUDA version, `{index}` the base of the wheel index. */
  command: z.string(),
  why: z.string(),
  check: wrongCheck,
  platforms: z.array(z.enum(['linux_x86_64', 'linux_aarch64', 'windows_x86_64'])).optional(),
  /** `target`: the best build is the answer. */
  instead: z.union([z.literal('target'), z.object({ text: z.string() })]).nullable(),
});
export type WrongEntry = z.infer<typeof wrongEntry>;
/** resources/data/wrong-advice.json. */
const wrongTable = z.object({ _about: about, entries: z.array(wrongEntry) });

/** All that advice is computed from. */
export interface AdviceTables extends Tables {
  readonly releases: z.infer<typeof releaseTable>;
  readonly routes: z.infer<typeof routeTable>;
  readonly wrong: z.infer<typeof wrongTable>;
}

/**
 * @param resources the folder `resources/`.
 * @param tables what has been read already, to read it once only.
 * @throws when a shipped file is missing or does not fit: a fault of the build, found by its test.
 */
export async function readAdviceTables(resources: string, tables?: Tables): Promise<AdviceTables> {
  const read = async <T>(schema: z.ZodType<T>, file: string): Promise<T> => schema.parse(JSON.parse(await readFile(join(resources, 'data', file), 'utf8')));
  const [base, releases, routes, wrong] = await Promise.all([tables ?? readTables(resources), read(releaseTable, 'torch-releases.json'), read(routeTable, 'routes.json'), read(wrongTable, 'wrong-advice.json')]);
  return { ...base, releases, routes, wrong };
}
