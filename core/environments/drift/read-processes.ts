import { open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeenProcess } from './name-installer.ts';

const MAX_PROCESSES = 20_000;
const MAX_BYTES = 64 * 1024;
/** What names an environment in a process's variables; nothing else is looked at. */
const prefixVariables = /^(?:VIRTUAL_ENV|CONDA_PREFIX|UV_PROJECT_ENVIRONMENT|PIXI_PROJECT_ROOT)=(.*)$/s;
/** Cheap test before more is read of a process. */
const mayInstall = /(^|[/\0\\])(pip|pip3[\d.]*|uv|conda|mamba|micromamba|pixi|poetry|pipenv|pipx|hatch)(\.exe|\.py)?\0/;

/** Processes that look like package installers, from /proc. Empty where there is none (Windows, macOS). Never throws. */
export async function readInstallerProcesses(root = '/proc'): Promise<SeenProcess[]> {
  const names = await readdir(root).catch((): string[] => []);
  const seen: SeenProcess[] = [];
  for (const pid of names.filter((name) => /^\d+$/.test(name)).slice(0, MAX_PROCESSES)) {
    const command = await readStart(join(root, pid, 'cmdline'));
    if (command === null || !mayInstall.test(command)) continue;
    const [cwd, variables] = await Promise.all([readlink(join(root, pid, 'cwd')).catch(() => null), readStart(join(root, pid, 'environ'))]);
    const prefixes = (variables ?? '').split('\0').flatMap((entry) => prefixVariables.exec(entry)?.[1] ?? []);
    seen.push({ args: command.split('\0').filter((arg, i, all) => arg !== '' || i < all.length - 1), cwd, prefixes });
  }
  return seen;
}

/** The first 64 KB; null when the process has ended or is another user's. */
async function readStart(path: string): Promise<string | null> {
  try {
    const handle = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(MAX_BYTES);
      let length = 0;
      while (length < MAX_BYTES) {
        const { bytesRead } = await handle.read(buffer, length, MAX_BYTES - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return buffer.toString('utf8', 0, length);
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
