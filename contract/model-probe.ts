import { z } from 'zod';
import { modelHome, ggufFacts } from './models.ts';
import { problem } from './problem.ts';

/** Between the engine and the model-probe worker, which reads model files: they are hostile input. */

/** Operation `search`: model files below these folders. */
export const modelSearchInput = z.object({
  folders: z.array(z.object({ path: z.string(), home: modelHome })).max(256),
});
export const modelSearchResult = z.object({
  folders: z.array(z.object({
    path: z.string(),
    home: modelHome,
    problem: problem.nullable(),
    found: z.array(z.object({
      /** All parts of a split model in order; else one. */
      files: z.array(z.object({ path: z.string(), bytes: z.number(), changedAtMs: z.number() })),
      label: z.string().nullable(),
      /** How its home calls it, when the file's own name says nothing (an Ollama blob). */
      name: z.string().nullable(),
      problems: z.array(problem),
    })),
  })),
});
export type ModelSearchResult = z.infer<typeof modelSearchResult>;

/** Operation `read`: what the header says. `ofBytes`: length of the whole file, when `path` holds only its beginning. */
export const modelReadInput = z.object({
  path: z.string(),
  ofBytes: z.number().nullable(),
  /** The other parts of a split model, in order: their tensors are counted with the first one's. */
  otherParts: z.array(z.object({ path: z.string(), ofBytes: z.number().nullable() })).max(1000).default([]),
});
/** `needBytes`: the header is longer than what was given; ask again with so many. */
export const modelReadResult = z.object({
  facts: ggufFacts.nullable(),
  /** Made by Warpdeck of random weights. */
  synthetic: z.boolean().default(false),
  needBytes: z.number().nullable(),
  problem: problem.nullable(),
});
export type ModelReadResult = z.infer<typeof modelReadResult>;

/** Operation `hash`: SHA-256 of a whole file; progress by event `hashing`. */
export const modelHashInput = z.object({ path: z.string() });
/** null: it was called off by operation `cancelHash`, which takes the same input. */
export const modelHashResult = z.object({ sha256: z.string().nullable() });
export const modelHashing = z.object({ path: z.string(), doneBytes: z.number() });
