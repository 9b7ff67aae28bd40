import { join } from 'node:path';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { asDownloadProblem } from './disk-room.ts';
import { workOf, type Entry } from './download-entry.ts';
import { readRecord, writeRecord } from './download-record.ts';
import { readHolder, takeFolderLock } from './folder-lock.ts';
import { journalPath, totalOf } from './run-download.ts';

const lockPath = (entry: Pick<Entry, 'record' | 'root'>): string => join(workOf(entry.root, entry.record.id), 'lock');

/** Makes its folder ours, with what is on the disk now. @throws ProblemError `download.held`, `download.disk_full`, `file.*` */
export async function takeEntry(entry: Entry): Promise<void> {
  const journal = journalPath(workOf(entry.root, entry.record.id));
  try {
    const lock = await takeFolderLock(lockPath(entry));
    if ('heldBy' in lock) throw problemError('download.held', heldProblem(entry, lock.heldBy).facts);
    entry.release = lock.release;
    const stored = await readRecord(journal);
    // Another engine may have gone on with it meanwhile.
    if (stored?.id === entry.record.id && !(entry.unsaved && stored.state !== 'done')) entry.record = stored;
    else await writeRecord(journal, entry.record);
  } catch (error) {
    await giveBack(entry);
    throw await asDownloadProblem(error, entry.root, totalOf(entry.record) ?? 0);
  }
}

/** Another engine may take it from now on. Never rejects. */
export async function giveBack(entry: Entry): Promise<void> {
  const { release } = entry;
  entry.release = null;
  await release?.().catch(() => undefined);
}

/** What stands against touching it: another engine has it. null: nothing. */
export async function readForeignHold(entry: Pick<Entry, 'record' | 'root'>): Promise<Problem | null> {
  const pid = await readHolder(lockPath(entry));
  return pid === null || pid === process.pid ? null : heldProblem(entry, pid);
}

function heldProblem(entry: Pick<Entry, 'record' | 'root'>, pid: number): Problem {
  return makeProblem('download.held', { name: entry.record.name, folder: entry.root, pid });
}
