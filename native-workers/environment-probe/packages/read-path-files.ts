import { statSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { BoundedReader } from './bounded-reader.ts';
import type { Trouble } from './read-distributions.ts';

const MAX_FILES = 200;
const MAX_FILE_BYTES = 64 * 1024;
const MAX_LINES = 1000;
/** Folders that `.pth` files may add in all. */
const MAX_ADDED = 200;

/**
 * Folders that the `.pth` files of a package folder add to sys.path (editable installs), as Python's `site` would in
 * the order of the files' names. Lines that begin with `import` are code: they are never run, and so what they would
 * add is not seen.
 */
export function readPathFiles(reader: BoundedReader, folder: string): { folders: string[]; troubles: Trouble[] } {
  const folders: string[] = [];
  const troubles: Trouble[] = [];
  const list = reader.list(folder, 50_000);
  if (list.state !== 'read') return { folders, troubles };
  const files = list.entries.map((entry) => entry.name).filter((name) => name.endsWith('.pth') && !name.startsWith('.')).sort();
  for (const name of files.slice(0, MAX_FILES)) {
    const path = join(folder, name);
    const read = reader.read(path, MAX_FILE_BYTES);
    if (read.state === 'unreadable') troubles.push({ path, detail: `it ${read.detail}` });
    if (read.state !== 'read') continue;
    for (const added of parsePathFile(read.bytes.toString('utf8'))) {
      if (folders.length >= MAX_ADDED) break;
      const target = normalize(isAbsolute(added) ? added : join(folder, added));
      if (isFolder(target) && !folders.includes(target)) folders.push(target);
    }
  }
  return { folders, troubles };
}

/** The lines that are paths. */
export function parsePathFile(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/).slice(0, MAX_LINES);
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#') && !/^import[ \t]/.test(line) && line.length <= 4096 && !line.includes('\0'));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false; // A loop, or a part of it that may not be entered: Python does not import from there either.
  }
}
