import { constants } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { proof as proofSchema, type Proof } from '../../../contract/verdict.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';

export interface ProofStore {
  /** Reads what is stored. Once, before the rest. Answers the names of files that could not be read. */
  load(): Promise<readonly string[]>;
  /** Kept in memory at once; resolves when it is on the disk. @throws ProblemError `file.disk_full`, `file.not_writable` */
  add(proofs: readonly Proof[]): Promise<void>;
  /** Newest first; null: of all environments. */
  list(environmentId: string | null): Proof[];
  /** The newest of each GPU that was made with these versions: others do not count any more. */
  latest(environmentId: string, torchVersion: string | null, driverVersion: string | null): Proof[];
}

const KEPT_PER_ENVIRONMENT = 50;
const MAX_ENVIRONMENTS = 500;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const isId = (id: string): boolean => /^[\w-]{1,64}$/.test(id);

/** Proofs as one JSON file per environment in `folder`. */
export function createProofStore({ folder }: { readonly folder: string }): ProofStore {
  const held = new Map<string, Proof[]>();
  let writing: Promise<unknown> = Promise.resolve();
  const newestFirst = (proofs: readonly Proof[]): Proof[] => [...proofs].sort((a, b) => b.atMs - a.atMs);

  const save = async (environmentId: string): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(folder, `${environmentId}.json`), `${JSON.stringify({ schemaVersion: 1, proofs: held.get(environmentId) ?? [] })}\n`);
  };

  return {
    async load() {
      const unreadable: string[] = [];
      const names = await readdir(folder).catch((): string[] => []);
      for (const name of names.filter((n) => n.endsWith('.json') && isId(n.slice(0, -5))).sort().slice(0, MAX_ENVIRONMENTS)) {
        const proofs = await readProofs(join(folder, name), name.slice(0, -5));
        if (proofs === null) unreadable.push(name);
        else held.set(name.slice(0, -5), newestFirst([...proofs, ...(held.get(name.slice(0, -5)) ?? [])]).slice(0, KEPT_PER_ENVIRONMENT));
      }
      return unreadable;
    },
    async add(proofs) {
      const ids = [...new Set(proofs.map((p) => p.environmentId))].filter(isId);
      for (const id of ids) held.set(id, newestFirst([...proofs.filter((p) => p.environmentId === id), ...(held.get(id) ?? [])]).slice(0, KEPT_PER_ENVIRONMENT));
      const mine = writing.then(() => Promise.all(ids.map(save)));
      // The next one is written although this one failed; its caller hears of the failure.
      writing = mine.catch(() => undefined);
      await mine;
    },
    list: (environmentId) => newestFirst(environmentId === null ? [...held.values()].flat() : held.get(environmentId) ?? []),
    latest(environmentId, torchVersion, driverVersion) {
      const counting = (held.get(environmentId) ?? []).filter((p) => p.torchVersion === torchVersion && p.driverVersion === driverVersion);
      return counting.filter((p, i) => counting.findIndex((q) => q.gpuKey === p.gpuKey) === i);
    },
  };
}

/** null when it cannot be read or is none of ours; single proofs that do not fit are left out. */
async function readProofs(path: string, environmentId: string): Promise<Proof[] | null> {
  try {
    // Not waited for, should it be a pipe.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await handle.stat();
      if (!info.isFile() || info.size > MAX_FILE_BYTES) return null;
      const file: unknown = JSON.parse(await handle.readFile('utf8'));
      if (typeof file !== 'object' || file === null || !('proofs' in file) || !Array.isArray(file.proofs)) return null;
      return file.proofs.flatMap((one) => proofSchema.safeParse(one).data ?? []).filter((p) => p.environmentId === environmentId);
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
