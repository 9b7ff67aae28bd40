import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { decideFileState, type ApplicationRecord, type RecordedFile } from './application-record.ts';
import type { ApplicationStore } from './application-store.ts';
import { readFound, sha256Of } from './file-state.ts';
import type { NewFile } from './new-file.ts';

/**
 * Writes the files of an application, all or none. The record is on the disk before the first of them, with what was
 * there before; whoever finds it `applying` puts that back.
 * @throws ProblemError `apply.edited`, `apply.failed`
 */
export async function writeApplication(wish: Omit<ApplicationRecord, 'files' | 'folders' | 'phase' | 'schemaVersion'>, files: readonly NewFile[], expected: ReadonlyMap<string, string | null>, store: ApplicationStore, replaces: ApplicationRecord | null): Promise<ApplicationRecord> {
  const recorded: RecordedFile[] = [];
  for (const file of files) {
    const found = await readFound(file.path);
    const hash = found.kind === 'file' ? found.sha256 : null;
    if (found.kind === 'other' || hash !== (expected.get(file.path) ?? null)) throw problemError('apply.edited', { path: file.path });
    recorded.push({ path: file.path, sha256: sha256Of(file.text), before: found.kind === 'file' ? { text: found.text, sha256: found.sha256, mode: found.mode } : null });
  }
  const record: ApplicationRecord = { ...wish, schemaVersion: 1, phase: 'applying', files: recorded, folders: await missingFolders(files.map((file) => dirname(file.path))) };
  let path = files[0]?.path ?? wish.prefix;
  try {
    await store.put(record);
    for (const folder of record.folders) await mkdir(folder);
    for (const file of files) {
      path = file.path;
      await writeFileAtomic(file.path, file.text, { mode: file.mode });
    }
    // Undoing it goes back to what was there before the older one, unless somebody has changed the file since: that is theirs.
    const first = (file: RecordedFile): RecordedFile => {
      const older = replaces?.files.find((one) => one.path === file.path);
      return older !== undefined && older.sha256 === file.before?.sha256 ? { ...file, before: older.before } : file;
    };
    const whole: ApplicationRecord = { ...record, phase: 'in_force', files: record.files.map(first), folders: [...new Set([...(replaces?.folders ?? []), ...record.folders])] };
    await store.put(whole);
    return whole;
  } catch (error) {
    await putBack(record);
    await store.remove(record.id);
    throw problemError('apply.failed', { path, detail: problemOf(error)?.cause ?? (error instanceof Error ? error.message : String(error)) }, { cause: error });
  }
}

/** Undoes what is as it was written, the last first; answers what is not, and was left alone. */
export async function putBack(record: ApplicationRecord): Promise<readonly RecordedFile[]> {
  const edited: RecordedFile[] = [];
  for (const file of [...record.files].reverse()) {
    await removeRemains(file.path);
    const state = decideFileState(file, await readFound(file.path));
    if (state === 'edited') edited.unshift(file);
    if (state !== 'ours') continue;
    if (file.before === null) await rm(file.path, { force: true });
    else await writeFileAtomic(file.path, file.before.text, { mode: file.before.mode });
    await removeBytecode(file.path);
  }
  // Only where nobody has put anything into them since.
  for (const folder of [...record.folders].reverse()) await rmdir(folder).catch(() => undefined);
  return edited;
}

/** What a writer that was killed has left beside the file (names of `writeFileAtomic`). */
async function removeRemains(path: string): Promise<void> {
  const folder = dirname(path);
  const start = `.${basename(path)}.`;
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (name.startsWith(start) && /^[0-9a-f]{12}\.tmp$/.test(name.slice(start.length))) await rm(join(folder, name), { force: true });
  }
}

/** Python keeps a compiled copy of a module beside it. */
async function removeBytecode(path: string): Promise<void> {
  if (!path.endsWith('.py')) return;
  const folder = join(dirname(path), '__pycache__');
  const start = `${basename(path, '.py')}.`;
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (name.startsWith(start) && name.endsWith('.pyc')) await rm(join(folder, name), { force: true });
  }
}

/** Folders that have to be made, outermost first. */
async function missingFolders(folders: readonly string[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const folder of new Set(folders)) {
    const chain: string[] = [];
    for (let at = folder; ; at = dirname(at)) {
      if (dirname(at) === at || await stat(at).then(() => true, () => false)) break;
      chain.unshift(at);
    }
    for (const one of chain) missing.add(one);
  }
  return [...missing];
}
