import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { problem } from '../../../contract/problem.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';

const entry = z.object({
  key: z.string(), id: z.string(), state: z.enum(['works', 'fails']), atMs: z.number(), seconds: z.number(), detail: z.string(), problem: problem.nullable(), deviceNames: z.array(z.string()),
});
export type StoredTrial = z.infer<typeof entry>;
const file = z.object({ schemaVersion: z.literal(1), hashes: z.record(z.string(), z.string()), trials: z.array(entry) });

const MAX_TRIALS = 100;
const MAX_FILE_BYTES = 4 << 20;

export interface TrialStore {
  /** SHA-256 of a file; remembered by path, size and time of its last change. */
  hash(path: string, signal: AbortSignal): Promise<string>;
  find(key: string): StoredTrial | null;
  /** Rejects never: what cannot be stored is tried again next time. */
  add(trial: StoredTrial): Promise<void>;
  /** Forgets the verdicts, not the hashes. */
  clear(): void;
}

/** Verdicts of trials on disk; `path` null: memory only. A file that is not ours, or damaged, is as none. */
export async function openTrialStore(path: string | null, onTrouble: (error: unknown) => void): Promise<TrialStore> {
  const hashes = new Map<string, string>();
  let trials: readonly StoredTrial[] = [];
  const known = path === null ? null : await readStored(path);
  if (known !== null) {
    trials = known.trials.slice(0, MAX_TRIALS);
    for (const [name, hash] of Object.entries(known.hashes)) hashes.set(name, hash);
  }
  const save = async (): Promise<void> => {
    if (path === null) return;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFileAtomic(path, `${JSON.stringify({ schemaVersion: 1, hashes: Object.fromEntries([...hashes].slice(-MAX_TRIALS)), trials })}\n`);
    } catch (error) {
      onTrouble(error);
    }
  };
  return {
    async hash(target, signal) {
      const { size, mtimeMs, ino } = await stat(target);
      const name = `${target}|${size}|${mtimeMs}|${ino}`;
      const before = hashes.get(name);
      if (before !== undefined) return before;
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(target, { highWaterMark: 1 << 20, signal })) hash.update(chunk as Buffer);
      const made = hash.digest('hex');
      hashes.set(name, made);
      return made;
    },
    find: (key) => trials.find((trial) => trial.key === key) ?? null,
    async add(trial) {
      trials = [trial, ...trials.filter((t) => t.key !== trial.key)].slice(0, MAX_TRIALS);
      await save();
    },
    clear() { trials = []; },
  };
}

async function readStored(path: string): Promise<z.infer<typeof file> | null> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return null;
    const parsed = file.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What a verdict depends on: nothing of it may have changed. Pure. */
export function trialKey(of: { readonly id: string; readonly libraryHash: string; readonly driverVersion: string | null; readonly gpus: readonly string[]; readonly runtime: readonly string[]; readonly release: string | null }): string {
  return createHash('sha256').update(JSON.stringify([1, of.id, of.libraryHash, of.driverVersion, [...of.gpus].sort(), of.runtime, of.release])).digest('hex');
}
