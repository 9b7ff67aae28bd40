import { z } from 'zod';
import { applyMeans, chosenToggle, type Application } from '../../../contract/optimize.ts';
import type { FoundFile } from './file-state.ts';

/** A file of an application: as it was, and as it was written. */
export const recordedFile = z.object({
  path: z.string().max(8192),
  sha256: z.string(),
  /** Null: there was none. */
  before: z.object({ text: z.string(), sha256: z.string(), mode: z.int() }).nullable(),
});
export type RecordedFile = z.infer<typeof recordedFile>;

/** The journal and the memory of one application, in one file. */
export const applicationRecord = z.object({
  schemaVersion: z.literal(1),
  id: z.string().max(64),
  environmentId: z.string(),
  environmentName: z.string(),
  prefix: z.string(),
  means: applyMeans,
  toggles: z.array(chosenToggle).max(50),
  appliedAtMs: z.number(),
  /** `applying` and `reverting` are on the disk before the first file is touched. */
  phase: z.enum(['applying', 'in_force', 'reverting', 'reverted']),
  /** The one that this one takes the place of. */
  replaces: z.string().nullable(),
  files: z.array(recordedFile).max(200),
  /** Made for them, outermost first. */
  folders: z.array(z.string()).max(50),
});
export type ApplicationRecord = z.infer<typeof applicationRecord>;

/** How one file stands to what was written. Pure. */
export function decideFileState(file: RecordedFile, found: FoundFile): 'ours' | 'before' | 'edited' | 'missing' {
  if (found.kind === 'missing') return file.before === null ? 'before' : 'missing';
  if (found.kind === 'other') return 'edited';
  if (found.sha256 === file.sha256) return 'ours';
  return found.sha256 === file.before?.sha256 ? 'before' : 'edited';
}

/** Pure. Files that are as they were before, or gone, say that the environment was made anew. */
export function decideApplicationState(record: ApplicationRecord, found: readonly FoundFile[]): Application['state'] {
  if (record.phase === 'reverted') return 'reverted';
  const states = record.files.map((file, i) => decideFileState(file, found[i] ?? { kind: 'missing' }));
  if (states.includes('edited')) return 'edited';
  return states.every((one) => one === 'ours') ? 'in_force' : 'gone';
}
