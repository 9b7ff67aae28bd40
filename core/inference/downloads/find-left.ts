import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { areThere, newEntry, WORK_FOLDER, workOf, type Entry } from './download-entry.ts';
import { readRecord } from './download-record.ts';
import { readForeignHold } from './hold-entry.ts';
import { journalPath } from './run-download.ts';

/** Downloads that an earlier engine left in this folder of models, at most `limit`, without those that are known. Those that were done and whose files were removed since are forgotten. Never rejects. */
export async function findLeft(root: string, limit: number, isKnown: (id: string) => boolean): Promise<Entry[]> {
  const names = await readdir(join(root, WORK_FOLDER)).catch(() => [] as string[]);
  const found: Entry[] = [];
  for (const name of names.filter((one) => /^[0-9a-f]{16}$/.test(one)).slice(0, limit)) {
    const record = await readRecord(journalPath(workOf(root, name)));
    if (record === null || record.id !== name || isKnown(name)) continue;
    const entry = newEntry(record, root, record.state, record.problem);
    entry.problem = (await readForeignHold(entry)) ?? entry.problem;
    if (record.state === 'done' && !(await areThere(entry))) await rm(workOf(root, name), { recursive: true, force: true }).catch(() => undefined);
    else found.push(entry);
  }
  return found;
}
