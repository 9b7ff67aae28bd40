import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { upgrade as upgradeSchema, type Upgrade, type UpgradeStep } from '../../../contract/upgrades.ts';
import type { Logger } from '../../logging/logger.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { fileTrouble, isMissing } from '../snapshot/file-trouble.ts';

export const RECORD_FILE = 'upgrade.json';
const BALLAST_FILE = 'ballast';
/** Room that is given free on a full disk, for the journal and the record of putting back. */
const BALLAST_BYTES = 256 << 10;

const UPGRADE_ID = /^\d{4}-\d\d-\d\d-[0-9a-f]{8}$/;
/** Day and chance: `2026-11-21-830666dd`. */
export function newUpgradeId(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`;
}

/** What the engine needs beside what the faces see. */
const internals = z.object({
  /** The environment's root with links resolved. */
  realPrefix: z.string(),
  tool: z.string().nullable(),
  /** Package folders, for the fingerprint. */
  packageFolders: z.array(z.string()),
  /** Names that the plan changes; null: all may change (putting back). */
  planned: z.array(z.string()).nullable(),
  /** Upgrades whose effect this one took away. */
  undid: z.array(z.string()),
  /** As the environment was when it was committed. */
  after: z.record(z.string(), z.string()).nullable(),
  /** How often a snapshot was altered by writes in place. */
  altered: z.int(),
});
export type UpgradeInternals = z.infer<typeof internals>;
const recordSchema = z.object({ schemaVersion: z.literal(1), upgrade: upgradeSchema, internals });

export interface StoredUpgrade {
  readonly folder: string;
  upgrade: Upgrade;
  internals: UpgradeInternals;
}

export interface UpgradeStore {
  all(): readonly StoredUpgrade[];
  get(id: string): StoredUpgrade | undefined;
  /** Makes its folder, its record and its ballast, before anything of it is in an environment. @throws ProblemError `file.disk_full`, `file.not_writable` */
  add(upgrade: Upgrade, internals: UpgradeInternals): Promise<StoredUpgrade>;
  /** It has the environment: from now on it is listed. */
  admit(stored: StoredUpgrade): void;
  /** It did not get the environment: no trace of it stays. */
  drop(stored: StoredUpgrade): Promise<void>;
  /** Changes it in memory and tells; `save` puts it on the disk. */
  change(stored: StoredUpgrade, to: Partial<Upgrade>, internals?: Partial<UpgradeInternals>): void;
  save(stored: StoredUpgrade): Promise<void>;
  freeBallast(stored: StoredUpgrade): Promise<void>;
  /** Reads what earlier engines stored, once. Folders without a record are of upgrades that never began, and go. */
  load(): Promise<void>;
  onChange(listener: () => void): () => void;
}

export function createUpgradeStore(dataFolder: string, log: Logger): UpgradeStore {
  const stored = new Map<string, StoredUpgrade>();
  const listeners = new Set<() => void>();
  let loading: Promise<void> | null = null;
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };

  const readOne = async (name: string): Promise<void> => {
    const folder = join(dataFolder, name);
    try {
      const found = recordSchema.safeParse(JSON.parse(await readFile(join(folder, RECORD_FILE), 'utf8')));
      if (!found.success) throw new Error('it has an unknown form');
      stored.set(found.data.upgrade.id, { folder, upgrade: found.data.upgrade, internals: found.data.internals });
    } catch (error) {
      // A crash before its record was written: it had touched nothing. What has another name is not ours.
      if (isMissing(error) && UPGRADE_ID.test(name)) await rm(folder, { recursive: true, force: true });
      else log.warn('the record of an upgrade cannot be read', { folder, error: String(error) });
    }
  };
  const save = (one: StoredUpgrade): Promise<void> => writeFileAtomic(join(one.folder, RECORD_FILE), `${JSON.stringify({ schemaVersion: 1, upgrade: one.upgrade, internals: one.internals })}\n`);

  return {
    all: () => [...stored.values()],
    get: (id) => stored.get(id),
    async add(upgrade, inner) {
      const folder = join(dataFolder, upgrade.id);
      const one: StoredUpgrade = { folder, upgrade, internals: inner };
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const handle = await open(join(folder, BALLAST_FILE), 'wx', 0o600);
        try {
          await handle.writeFile(Buffer.alloc(BALLAST_BYTES, 1));
          await handle.sync();
        } finally {
          await handle.close();
        }
        await save(one);
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw fileTrouble(error, folder);
      }
      return one;
    },
    admit(one) {
      stored.set(one.upgrade.id, one);
      tell();
    },
    async drop(one) {
      stored.delete(one.upgrade.id);
      await rm(one.folder, { recursive: true, force: true });
      tell();
    },
    change(one, to, inner = {}) {
      one.upgrade = { ...one.upgrade, ...to };
      one.internals = { ...one.internals, ...inner };
      tell();
    },
    save,
    freeBallast: (one) => rm(join(one.folder, BALLAST_FILE), { force: true }),
    load() {
      loading ??= readdir(dataFolder, { withFileTypes: true }).then(
        async (entries) => {
          for (const entry of entries) if (entry.isDirectory()) await readOne(entry.name);
          tell();
        },
        (error: unknown) => {
          if (!isMissing(error)) log.warn('the upgrades of earlier engines cannot be read', { dataFolder, error: String(error) });
        },
      );
      return loading;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a step is called in a sentence. */
export const stepNames: Readonly<Record<UpgradeStep, string>> = { planned: 'the beginning', snapshot: 'the snapshot', apply: 'the installation', verify: 'the checks', commit: 'the end', rollback: 'putting back' };
