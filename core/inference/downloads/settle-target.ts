import { stat } from 'node:fs/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { HashFile } from './check-file.ts';
import type { DownloadRecord } from './download-record.ts';
import { containedJoin } from './safe-name.ts';

export interface Target {
  readonly folder: string;
  readonly paths: readonly string[];
  /** The very files are there already. */
  readonly here: boolean;
}

const MAX_FOLDERS = 100;

/**
 * Where the files of a download go: never over a file that is there. One with the same size and checksum is the model
 * itself: then nothing needs to be fetched. @throws ProblemError `file.not_writable`, the signal's reason
 */
export async function settleTarget(root: string, record: Pick<DownloadRecord, 'folder' | 'files'>, hash: HashFile, signal: AbortSignal): Promise<Target> {
  for (let n = 1; n <= MAX_FOLDERS; n += 1) {
    const folder = n === 1 ? record.folder : `${record.folder}-${n}`;
    const paths: string[] = [];
    for (const file of record.files) paths.push(await containedJoin(root, folder, file.target));
    const there = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
    if (there.every((one) => one === null)) return { folder, paths, here: false };
    let same = true;
    for (const [i, file] of record.files.entries()) {
      const bytes = file.totalBytes ?? file.announcedBytes;
      same &&= file.sha256 !== null && bytes !== null && there[i]?.size === bytes && (await hash(paths[i] ?? '', signal, () => undefined)) === file.sha256;
      if (!same) break;
    }
    if (same) return { folder, paths, here: true };
  }
  throw problemError('file.not_writable', { path: root, detail: `There are ${MAX_FOLDERS} folders named ${record.folder} already.` });
}
