import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { applicationRecord, type ApplicationRecord } from './application-record.ts';
import { readRecordText } from './read-record-text.ts';

export interface ApplicationStore {
  /** Newest first. Files that cannot be read, or are none of ours, are passed over and stay. */
  list(): Promise<ApplicationRecord[]>;
  /** On the disk when it resolves. @throws ProblemError `file.disk_full`, `file.not_writable` */
  put(record: ApplicationRecord): Promise<void>;
  remove(id: string): Promise<void>;
}

const MAX_RECORDS = 1000;
/** Applications that were undone are kept to be shown, so many. */
const KEPT_REVERTED = 50;

/** One JSON file for each application. */
export function createApplicationStore(folder: string): ApplicationStore {
  const pathOf = (id: string): string => join(folder, `${id}.json`);
  const list = async (): Promise<ApplicationRecord[]> => {
    const names = (await readdir(folder).catch((): string[] => [])).filter((name) => /^[\w-]{1,64}\.json$/.test(name)).sort().slice(0, MAX_RECORDS);
    const records: ApplicationRecord[] = [];
    for (const name of names) {
      const record = parseRecord(await readRecordText(join(folder, name)));
      if (record !== null && `${record.id}.json` === name) records.push(record);
    }
    return records.sort((a, b) => b.appliedAtMs - a.appliedAtMs);
  };
  return {
    list,
    async put(record) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(pathOf(record.id), `${JSON.stringify(record)}\n`);
      if (record.phase !== 'reverted') return;
      for (const old of (await list()).filter((one) => one.phase === 'reverted').slice(KEPT_REVERTED)) await rm(pathOf(old.id), { force: true });
    },
    remove: (id) => rm(pathOf(id), { force: true }),
  };
}

function parseRecord(text: string | null): ApplicationRecord | null {
  try {
    return text === null ? null : (applicationRecord.safeParse(JSON.parse(text)).data ?? null);
  } catch {
    return null;
  }
}
