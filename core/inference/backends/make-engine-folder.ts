import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { fileProblem } from '../../storage/write-file-atomic.ts';
import { readPackageVersion, readRelease } from './find-installed.ts';

export interface EngineFolderWish {
  /** The package as installed. */
  readonly packageFolder: string;
  /** Its binaries that most files are taken of: the folder of that name in the copy is what its loader looks at first. */
  readonly binsFolder: string;
  /** Files that are not taken over. */
  readonly leaveOut: RegExp | null;
  /** Files that are put there instead or beside, by name. */
  readonly put: Readonly<Record<string, string>>;
  /** Folder that holds the copy, replaced as a whole. */
  readonly target: string;
}

/** What is written down of it; a copy of another version of the package is of no use. */
const record = z.object({ schemaVersion: z.literal(1), packageVersion: z.string(), release: z.string().nullable(), sources: z.record(z.string(), z.string()), madeAtMs: z.number() });
export type EngineRecord = z.infer<typeof record>;
const RECORD = 'warpdeck-engine.json';
/** The package with all it brings has some 900 files. */
const MAX_FILES = 20_000;

/** The copy of the package below such a folder: what the worker imports. */
export const enginePackage = (target: string): string => join(target, 'node_modules', 'node-llama-cpp');

export async function readEngineRecord(target: string): Promise<EngineRecord | null> {
  try {
    const path = join(target, RECORD);
    if ((await stat(path)).size > 65_536) return null;
    const parsed = record.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** A file's identity: whether what a copy was made of is still that. */
export async function fileIdentity(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${path}|${size}|${mtimeMs}`;
}

/** The same file under a second name where the file system can, else a copy (a sharing one where that is possible). */
async function place(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE));
}

async function placeTree(from: string, to: string, count: { left: number }): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const item of await readdir(from, { withFileTypes: true })) {
    if (--count.left < 0) throw new Error(`More than ${MAX_FILES} files in the package node-llama-cpp`);
    if (item.isDirectory()) await placeTree(join(from, item.name), join(to, item.name), count);
    else if (item.isFile() && !/\.(?:map|d\.ts)$/.test(item.name)) await place(join(from, item.name), join(to, item.name));
  }
}

/** A link to a folder that also works where links need a privilege (Windows: a junction). */
const linkFolder = (from: string, to: string): Promise<void> => symlink(from, to, process.platform === 'win32' ? 'junction' : 'dir');

/** Packages that the copy imports, linked from where they are: beside the package, or in it. */
async function linkDependencies(packageFolder: string, target: string): Promise<void> {
  const text = await readFile(join(packageFolder, 'package.json'), 'utf8');
  const { dependencies = {} } = z.object({ dependencies: z.record(z.string(), z.string()).optional() }).parse(JSON.parse(text));
  for (const name of Object.keys(dependencies).filter((n) => /^(?:@[\w.-]+\/)?[\w.-]+$/.test(n) && !n.includes('..'))) {
    for (const from of [join(packageFolder, 'node_modules', name), join(dirname(packageFolder), name)]) {
      if (!(await lstat(from).then(() => true, () => false))) continue;
      const to = join(target, 'node_modules', name);
      await mkdir(dirname(to), { recursive: true });
      await linkFolder(from, to);
      break;
    }
  }
}

/**
 * Makes a copy of the node-llama-cpp package whose own `bins` folder holds other libraries: that folder is the first
 * place where its loader looks (measured on 3.22.1), so nothing in node_modules is changed. Most files are second names
 * of the installed ones. Made beside and renamed when whole.
 * @throws ProblemError `file.disk_full`, `file.not_writable`
 */
export async function makeEngineFolder({ packageFolder, binsFolder, leaveOut, put, target }: EngineFolderWish): Promise<EngineRecord> {
  const making = `${target}.${randomBytes(4).toString('hex')}.making`;
  try {
    const copy = enginePackage(making), bins = join(copy, 'bins', basename(binsFolder));
    await mkdir(bins, { recursive: true });
    await placeTree(join(packageFolder, 'dist'), join(copy, 'dist'), { left: MAX_FILES });
    await place(join(packageFolder, 'package.json'), join(copy, 'package.json'));
    await mkdir(join(copy, 'llama'));
    for (const item of await readdir(join(packageFolder, 'llama'), { withFileTypes: true })) {
      if (item.isFile() && item.name.endsWith('.json')) await place(join(packageFolder, 'llama', item.name), join(copy, 'llama', item.name));
    }
    await linkDependencies(packageFolder, making);
    for (const item of await readdir(binsFolder, { withFileTypes: true })) {
      if (item.isFile() && !(item.name in put) && leaveOut?.test(item.name) !== true) await place(join(binsFolder, item.name), join(bins, item.name));
    }
    const sources: Record<string, string> = {};
    for (const [name, from] of Object.entries(put)) {
      sources[name] = await fileIdentity(from);
      await copyFile(from, join(bins, name), constants.COPYFILE_FICLONE);
    }
    const made: EngineRecord = { schemaVersion: 1, packageVersion: (await readPackageVersion(packageFolder)) ?? '', release: await readRelease(binsFolder), sources, madeAtMs: Date.now() };
    await writeFile(join(making, RECORD), `${JSON.stringify(made)}\n`, { mode: 0o600 });
    await rm(target, { recursive: true, force: true });
    await rename(making, target);
    return made;
  } catch (error) {
    await rm(making, { recursive: true, force: true }).catch(() => undefined);
    throw fileProblem(target, error);
  }
}
