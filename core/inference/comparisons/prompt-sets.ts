import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { promptSet, type PromptSet } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Logger } from '../../logging/logger.ts';
import { fileProblem, writeFileAtomic } from '../../storage/write-file-atomic.ts';

const shippedFile = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), source: z.string() }),
  sets: z.array(z.object({ id: z.string(), name: z.string(), prompts: z.array(z.union([z.string(), z.object({ before: z.string(), repeat: z.string(), times: z.int().min(1).max(10_000), after: z.string() })])) })),
});
const ownFile = z.object({ schemaVersion: z.literal(1), sets: z.array(promptSet) });

const MAX_SETS = 200;
const MAX_CHARACTERS = 8_000_000;
const MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface PromptSets {
  /** The built-in ones, then the user's by name. */
  list(): Promise<PromptSet[]>;
  /** @throws ProblemError `compare.not_found`, `input.invalid`, `file.*` */
  save(input: { readonly id: string | null; readonly name: string; readonly prompts: readonly string[] }): Promise<PromptSet>;
  /** @throws ProblemError `compare.not_found`, `input.invalid`, `file.*` */
  remove(id: string): Promise<void>;
}

/** resources/data/prompt-sets.json. @throws when the shipped file does not fit: a fault of the build, found by its test. */
export async function readShippedSets(resources: string): Promise<PromptSet[]> {
  const { sets } = shippedFile.parse(JSON.parse(await readFile(join(resources, 'data', 'prompt-sets.json'), 'utf8')));
  return sets.map((set) => ({ ...set, prompts: set.prompts.map((one) => (typeof one === 'string' ? one : `${one.before}${one.repeat.repeat(one.times).trimEnd()}${one.after}`)), builtIn: true }));
}

/** Sets of prompts: those that ship, and the user's in one file. `folder` null: in memory. */
export function createPromptSets({ resources, folder, log }: { readonly resources: string; readonly folder: string | null; readonly log: Logger }): PromptSets {
  const path = folder === null ? null : join(folder, 'prompt-sets.json');
  let shipped: Promise<PromptSet[]> | null = null;
  let own: Promise<PromptSet[]> | null = null;
  let changing: Promise<unknown> = Promise.resolve();

  const readOwn = async (): Promise<PromptSet[]> => {
    if (path === null) return [];
    try {
      if ((await stat(path)).size > MAX_FILE_BYTES) throw new RangeError('It is too large.');
      return ownFile.parse(JSON.parse(await readFile(path, 'utf8'))).sets.map((set) => ({ ...set, builtIn: false }));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      // Kept as it is, and as `.previous` beside the next one.
      log.warn('The sets of prompts cannot be read', { path, detail: error instanceof Error ? error.name : String(error) });
      return [];
    }
  };
  const both = async (): Promise<{ readonly shipped: PromptSet[]; readonly own: PromptSet[] }> => ({ shipped: await (shipped ??= readShippedSets(resources)), own: await (own ??= readOwn()) });
  const store = async (sets: PromptSet[]): Promise<void> => {
    if (path !== null && folder !== null) {
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => { throw fileProblem(folder, error); });
      await writeFileAtomic(path, `${JSON.stringify({ schemaVersion: 1, sets }, null, 1)}\n`, { keepPrevious: true });
    }
    own = Promise.resolve(sets);
  };
  const change = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changing.then(work);
    changing = done.catch(() => undefined);
    return done;
  };
  /** The user's sets without this one. */
  const without = async (id: string): Promise<PromptSet[]> => {
    const sets = await both();
    if (sets.shipped.some((one) => one.id === id)) throw problemError('input.invalid', { detail: 'A built-in set stays as it is; save it under another name.' });
    if (!sets.own.some((one) => one.id === id)) throw problemError('compare.not_found', { what: id });
    return sets.own.filter((one) => one.id !== id);
  };

  return {
    async list() {
      const sets = await both();
      return [...sets.shipped, ...[...sets.own].sort((a, b) => a.name.localeCompare(b.name, 'en'))];
    },
    save: ({ id, name, prompts }) => change(async () => {
      const others = id === null ? (await both()).own : await without(id);
      if (others.length >= MAX_SETS) throw problemError('input.invalid', { detail: `There may be ${MAX_SETS} sets of prompts.` });
      if ([...others.flatMap((one) => one.prompts), ...prompts].reduce((sum, one) => sum + one.length, 0) > MAX_CHARACTERS) throw problemError('input.invalid', { detail: `All sets together may have ${MAX_CHARACTERS / 1e6} million characters.` });
      const set: PromptSet = { id: id ?? `set-${randomBytes(6).toString('hex')}`, name, prompts: [...prompts], builtIn: false };
      await store([...others, set]);
      return set;
    }),
    remove: (id) => change(async () => store(await without(id))),
  };
}
