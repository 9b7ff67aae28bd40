import type { Logger } from '../../logging/logger.ts';
import type { ApplicationRecord } from './application-record.ts';
import type { ApplicationStore } from './application-store.ts';
import { putBack } from './write-application.ts';

/** The older one goes: its files are the newer one's by now; others of it are put back. */
export async function finishReplacing(record: ApplicationRecord, old: ApplicationRecord, store: ApplicationStore): Promise<void> {
  const kept = new Set(record.files.map((file) => file.path));
  await putBack({ ...old, files: old.files.filter((file) => !kept.has(file.path)), folders: [] });
  await store.put({ ...old, phase: 'reverted' });
}

/** What an engine that died in the middle has left: what it was writing is undone, what it was undoing is ended. */
export async function recoverApplications(store: ApplicationStore, locked: (record: ApplicationRecord, work: () => Promise<void>) => Promise<void>, log: Logger): Promise<readonly string[]> {
  const records = await store.list();
  const edited: string[] = [];
  for (const record of records) {
    if (record.phase !== 'applying' && record.phase !== 'reverting') continue;
    const undo = async (): Promise<void> => {
      const left = await putBack(record);
      edited.push(...left.map((file) => file.path));
      if (record.phase === 'applying') await store.remove(record.id);
      else await store.put(left.length === 0 ? { ...record, phase: 'reverted' } : { ...record, phase: 'in_force', files: [...left], folders: [] });
    };
    try {
      await locked(record, undo);
    } catch (error) {
      // Another engine is at it, or the disk refuses: the next start looks again.
      log.warn('An application could not be put back', { id: record.id, prefix: record.prefix, error: error instanceof Error ? error.message : String(error) });
    }
  }
  for (const record of await store.list()) {
    const old = record.replaces === null || record.phase !== 'in_force' ? undefined : records.find((one) => one.id === record.replaces && one.phase === 'in_force');
    if (old !== undefined) await finishReplacing(record, old, store);
  }
  return edited;
}
