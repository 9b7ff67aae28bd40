import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { downloadWish, offeredModel } from '../../../contract/models.ts';
import { problem } from '../../../contract/problem.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { areSound } from './byte-ranges.ts';

const bytes = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** What `safeName` makes, with the ending of a folder or a file. */
const ourName = z.string().max(200).regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/).nullable();

/** By what a server tells that its file is still the same. */
export const validator = z.strictObject({ etag: z.string().max(1000).nullable(), lastModified: z.string().max(200).nullable(), linked: z.string().max(200).nullable() });
export type Validator = z.infer<typeof validator>;

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hub'), repository: z.string().max(200), revision: z.string().max(200).nullable(), file: z.string().max(1000) }),
  z.strictObject({ kind: z.literal('url'), url: z.string().max(4000) }),
]);

/** One file of a download, and how far it is. */
export const fileRecord = z.strictObject({
  source,
  /** Name of ours in the folder. */
  target: ourName,
  /** As the hub says; null: not known before the server is asked. */
  announcedBytes: bytes.nullable(),
  sha256,
  /** As the server said. */
  totalBytes: bytes.nullable(),
  validator: validator.nullable(),
  /** Bytes that are on the disk for sure. */
  done: z.array(z.tuple([bytes, bytes])).max(100_000),
});
export type FileRecord = z.infer<typeof fileRecord>;

/** The journal beside the parts: all that is needed to go on after the engine was killed. */
export const downloadRecord = z.strictObject({
  schemaVersion: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().max(300),
  quantisation: z.string().max(40).nullable(),
  /** For people: a repository, a host. */
  from: z.string().max(500),
  /** Wished for, below the folder of models. */
  folder: ourName,
  /** Where the files are, once it is done. */
  placedIn: ourName.nullable(),
  startedAtMs: z.number(),
  state: z.enum(['paused', 'failed', 'done']),
  problem: problem.nullable(),
  files: z.array(fileRecord).max(1000),
  package: offeredModel.shape.package,
  origin: z.strictObject({ repository: z.string().max(200).nullable(), revision: z.string().max(200).nullable(), url: z.string().max(4000) }),
  modelId: z.string().max(4096).nullable(),
  /** To ask anew what the server has now. */
  wish: downloadWish,
});
export type DownloadRecord = z.infer<typeof downloadRecord>;

const MAX_JOURNAL = 8 * 1024 * 1024;

/** null: not there, damaged, or of another version. */
export async function readRecord(path: string): Promise<DownloadRecord | null> {
  try {
    if ((await stat(path)).size > MAX_JOURNAL) return null;
    const parsed = downloadRecord.safeParse(JSON.parse(await readFile(path, 'utf8')));
    if (!parsed.success) return null;
    // Ranges that contradict each other: what they say is done is not believed.
    return { ...parsed.data, files: parsed.data.files.map((file) => (areSound(file.done, file.totalBytes ?? Number.MAX_SAFE_INTEGER) ? file : { ...file, done: [] })) };
  } catch {
    return null;
  }
}

/** @throws ProblemError `file.disk_full`, `file.not_writable` */
export async function writeRecord(path: string, record: DownloadRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify(record)}\n`);
}

/** Begun anew: nothing of its files is here. Pure. */
export function withoutBytes(record: DownloadRecord): DownloadRecord {
  return { ...record, files: record.files.map((file) => ({ ...file, done: [], totalBytes: null, validator: null })) };
}
