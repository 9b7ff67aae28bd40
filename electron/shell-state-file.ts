import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseShellState, type ShellState } from './window-bounds.ts';
import { writeFileSafely } from './write-file-safely.ts';

export interface ShellStateFile {
  readonly state: () => ShellState;
  update(change: Partial<ShellState>): void;
  /** Resolves when all that was changed is on disk, or could not be written. */
  settled(): Promise<void>;
  readonly isSettled: () => boolean;
}

/** The desktop face's own memory. It is comfort: what cannot be written is logged and goes on in memory. */
export function openShellState(path: string, log: (text: string) => void): ShellStateFile {
  const read = (): ShellState => {
    try {
      return parseShellState(readFileSync(path, 'utf8'));
    } catch {
      return parseShellState('');
    }
  };
  let state = read();
  let writing: Promise<void> = Promise.resolve();
  let queued = false;
  let open = 0;
  return {
    state: () => state,
    update(change) {
      const next = { ...state, ...change };
      if (JSON.stringify(next) === JSON.stringify(state)) return;
      state = next;
      if (queued) return;
      queued = true;
      open += 1;
      writing = writing.then(async () => {
        queued = false;
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        await writeFileSafely(path, Buffer.from(`${JSON.stringify(state, null, 2)}\n`));
      }).catch((error: unknown) => { log(`the window's place was not kept: ${String(error)}`); }).then(() => { open -= 1; });
    },
    settled: () => writing,
    isSettled: () => open === 0,
  };
}
