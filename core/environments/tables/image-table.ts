import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const confidence = z.enum(['M', 'D', 'U']);
const imageRow = z.object({
  torch: z.string().nullable(),
  cuda: z.string(),
  c: confidence,
  note: z.string().optional(),
});
export type ImageRow = z.infer<typeof imageRow>;

/** resources/data/images.json: what is in container images, by tag. */
export const imageTable = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), source: z.string(), keys: z.string() }),
  ngcPytorch: z.object({
    repositories: z.array(z.string()),
    /** By release `25.04`. */
    releases: z.record(z.string(), imageRow),
    /** First release with kernels for Blackwell. */
    firstForBlackwell: z.object({ release: z.string(), c: confidence }),
    /** From this release on, 7.5 to 9.0 are served. */
    turingToHopper: z.object({ from: z.string(), c: confidence, note: z.string() }),
  }),
  dockerPytorch: z.object({ repositories: z.array(z.string()), note: z.string() }),
  vllm: z.object({
    repositories: z.array(z.string()),
    /** By release line `0.9.2`, from that version on until the next. */
    releases: z.array(z.object({ from: z.string(), blackwell120: z.enum(['yes', 'no', 'regressed']), cudaMajor: z.int().nullable(), c: confidence, note: z.string() })),
  }),
});
export type ImageTable = z.infer<typeof imageTable>;

/** @throws when the shipped file does not fit: a fault of the build, found by its test. */
export async function readImageTable(resources: string): Promise<ImageTable> {
  return imageTable.parse(JSON.parse(await readFile(join(resources, 'data', 'images.json'), 'utf8')));
}
