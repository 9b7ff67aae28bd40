import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { alert, type Alert } from '../../contract/alerts.ts';

/** Where alerts that are over are kept. */
export interface AlertStore {
  load(): Promise<Alert[]>;
  save(over: Alert): Promise<void>;
}

/** So many at most are kept, and so long. */
const KEPT = 2000;
const KEPT_MS = 90 * 86_400_000;

/**
 * One alert a line in `path` (mode 0600). Lines that do not parse are left out; a file that has grown to twice
 * what is kept is written anew, beside and then over the old one.
 */
export function createAlertFile(path: string, now: () => number = Date.now): AlertStore {
  let queue: Promise<void> = Promise.resolve();
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
        throw error;
      }
      const lines = text.split('\n').filter((l) => l !== '');
      const alerts = lines.map(parseLine).filter((a) => a !== null && (a.endedMs ?? 0) > now() - KEPT_MS).slice(-KEPT) as Alert[];
      if (lines.length > alerts.length * 2 + 100) {
        await writeFile(`${path}.new`, alerts.map((a) => `${JSON.stringify(a)}\n`).join(''), { mode: 0o600 });
        await rename(`${path}.new`, path);
      }
      return alerts;
    },
    save(over) {
      const line = `${JSON.stringify(over)}\n`;
      const done = queue.then(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await appendFile(path, line, { mode: 0o600 });
      });
      // The next one is written although this one failed; its caller hears of the failure.
      queue = done.catch(() => undefined);
      return done;
    },
  };
}

function parseLine(line: string): Alert | null {
  try {
    return alert.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
