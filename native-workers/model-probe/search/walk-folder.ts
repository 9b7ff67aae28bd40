import type { Stats } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface WalkLimits {
  readonly depth: number;
  readonly entries: number;
  readonly files: number;
  /** performance.now() at which it stops. */
  readonly untilMs: number;
}

export interface FoundFile {
  readonly path: string;
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
  readonly changedAtMs: number;
  /** Device and file number: two names of one file have the same. */
  readonly identity: string;
}

export interface Walk {
  readonly files: FoundFile[];
  /** The folder itself could not be read, or a limit was met. */
  readonly trouble: string | null;
}

/**
 * Plain files whose name fits, below a folder. Links to folders are followed, each real folder once; pipes and devices
 * are passed by; hidden folders are left out below the first.
 */
export async function walkFolder(root: string, fits: (name: string) => boolean, limits: WalkLimits, onStep: () => void): Promise<Walk> {
  const files: FoundFile[] = [];
  const seen = new Set<string>();
  let entries = 0;
  let trouble: string | null = null;
  let waiting: { path: string; depth: number; link: boolean }[] = [{ path: root, depth: 0, link: false }];
  while (waiting.length > 0 && trouble === null) {
    const next: typeof waiting = [];
    for (const { path, depth } of waiting) {
      onStep();
      try {
        const real = await realpath(path);
        if (seen.has(real)) continue;
        seen.add(real);
        for await (const entry of await opendir(path)) {
          entries += 1;
          if (entries % 500 === 0) onStep();
          trouble = overLimit(entries, files.length, limits);
          if (trouble !== null) break;
          const inside = join(path, entry.name);
          if (entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice()) continue;
          if (entry.isDirectory()) {
            if (depth < limits.depth && !entry.name.startsWith('.')) next.push({ path: inside, depth: depth + 1, link: false });
            continue;
          }
          const named = fits(entry.name);
          if (!named && !entry.isSymbolicLink()) continue;
          const about = await stat(inside).catch(() => null);
          if (about?.isDirectory() === true && depth < limits.depth && !entry.name.startsWith('.')) next.push({ path: inside, depth: depth + 1, link: true });
          else if (about?.isFile() === true && named) files.push(foundFile(path, entry.name, about));
        }
      } catch (error) {
        // One folder inside that cannot be read is passed by; the root is worth a word.
        if (path === root) trouble = error instanceof Error ? error.message : String(error);
      }
      if (trouble !== null) break;
    }
    // In one order whatever the file system's is, real folders before links to them: a file keeps its path, and so its id.
    waiting = next.sort((a, b) => Number(a.link) - Number(b.link) || (a.path < b.path ? -1 : 1));
  }
  return { files, trouble };
}

export function foundFile(folder: string, name: string, about: Stats): FoundFile {
  return { path: join(folder, name), folder, name, bytes: about.size, changedAtMs: about.mtimeMs, identity: `${about.dev}:${about.ino}` };
}

function overLimit(entries: number, files: number, limits: WalkLimits): string | null {
  if (entries > limits.entries) return `It holds more than ${limits.entries} entries; the rest was not searched.`;
  if (files >= limits.files) return `It holds more than ${limits.files} model files; the rest is not listed.`;
  if (performance.now() > limits.untilMs) return 'Searching it took too long; the rest was not searched.';
  return null;
}
