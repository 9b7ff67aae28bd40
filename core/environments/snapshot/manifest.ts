import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { isInsideTree, type TreePath } from './tree-path.ts';

/** Files of a snapshot's folder. */
export const MANIFEST_FILE = 'manifest.jsonl';
export const TREE_FOLDER = 'tree';

/** About 10 ms of parsing. */
const LINES_AT_ONCE = 2000;

const whole = z.int();
const inTree = z.string().max(65_536).refine(isInsideTree);
/** Short keys: there is a line for each of some 20 000 files. */
const fileEntry = z.object({
  t: z.literal('f'),
  /** Path, as a TreePath. */
  p: inTree,
  /** Permission bits. */
  m: whole,
  /** Bytes. */
  s: z.number(),
  /** Modified, µs. */
  mt: z.number(),
  /** Changed (status), µs, after the snapshot was taken: linking moves it. */
  ct: z.number(),
  /** Inode in the environment. */
  i: z.string(),
  /** 1: the snapshot shares this very file (hard link), so writing into it writes into the snapshot. */
  l: z.literal(1).optional(),
  /** SHA-256, where it was taken. */
  h: z.string().optional(),
  /** Owner, where it is not the snapshot's. */
  o: z.tuple([whole, whole]).optional(),
});
const folderEntry = z.object({ t: z.literal('d'), p: inTree, m: whole, mt: z.number(), o: z.tuple([whole, whole]).optional() });
const linkEntry = z.object({ t: z.literal('l'), p: inTree, to: z.string().max(65_536), o: z.tuple([whole, whole]).optional() });
const entrySchema = z.discriminatedUnion('t', [fileEntry, folderEntry, linkEntry]);
const headerSchema = z.object({
  schemaVersion: z.literal(1),
  prefix: z.string(),
  method: z.enum(['reflink', 'hardlink', 'copy']),
  takenAtMs: z.number(),
  owner: z.tuple([whole, whole]),
  /** Folders that are no part of it. */
  left: z.array(inTree),
  /** FIFOs, sockets and devices: they have no content to keep. */
  skipped: z.array(inTree),
});
const trailerSchema = z.object({ end: z.literal(true), entries: whole });

export type ManifestFile = z.infer<typeof fileEntry>;
export type ManifestFolder = z.infer<typeof folderEntry>;
export type ManifestLink = z.infer<typeof linkEntry>;
export type ManifestEntry = z.infer<typeof entrySchema>;
export type ManifestHeader = z.infer<typeof headerSchema>;
export interface Manifest extends ManifestHeader {
  /** Folders before what is in them; the prefix itself (`''`) first. */
  readonly entries: readonly ManifestEntry[];
}

/** Written last and flushed: a snapshot without a whole manifest does not exist. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<number> {
  const { entries, ...header } = manifest;
  const text = [JSON.stringify(header), ...entries.map((entry) => JSON.stringify(entry)), JSON.stringify({ end: true, entries: entries.length }), ''].join('\n');
  const handle = await open(join(folder, MANIFEST_FILE), 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return Buffer.byteLength(text);
}

/** Parsed in pieces, so that a large list does not hold up whoever shares the thread. @throws Error with a sentence, where it is missing, cut off or altered. */
export async function readManifest(folder: string): Promise<Manifest> {
  const lines = (await readFile(join(folder, MANIFEST_FILE), 'utf8')).split('\n').filter((line) => line !== '');
  const [first, ...rest] = lines;
  const trailer = trailerSchema.safeParse(parseJson(rest.pop()));
  if (first === undefined || !trailer.success || trailer.data.entries !== rest.length) throw new Error('the list of files of the snapshot is cut off');
  const header = headerSchema.safeParse(parseJson(first));
  if (!header.success) throw new Error('the list of files of the snapshot has an unknown form');
  const entries: ManifestEntry[] = [];
  const seen = new Set<TreePath>();
  for (const line of rest) {
    const entry = entrySchema.safeParse(parseJson(line));
    if (!entry.success || seen.has(entry.data.p)) throw new Error('the list of files of the snapshot is damaged');
    seen.add(entry.data.p);
    entries.push(entry.data);
    if (entries.length % LINES_AT_ONCE === 0) await setImmediate();
  }
  return { ...header.data, entries };
}

function parseJson(line: string | undefined): unknown {
  try {
    return line === undefined ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}
