import { writeSync } from 'node:fs';
import { parseKeys, type Key } from './parse-keys.ts';
import { createScreen, type Screen } from './screen.ts';

export interface Terminal {
  readonly screen: Screen;
  size(): { readonly columns: number; readonly rows: number };
  /** Steps out of the terminal and stops this process, as Ctrl+Z does; comes back when it is continued. */
  suspend(): void;
  /** Puts everything back. */
  close(): void;
}

/** How long the rest of an escape sequence may take before an Escape key is meant (slow links). */
const ESCAPE_WAIT_MS = 40;
const hasJobControl = process.platform !== 'win32';

/** Takes over the terminal: other screen, raw keys. Restored on close, at exit, and while stopped. */
export function openTerminal(options: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream; readonly onKey: (key: Key) => void; readonly onResize: () => void; readonly onContinue: () => void }): Terminal {
  const { stdin, stdout } = options;
  const screen = createScreen((text) => stdout.write(text));
  let rest = '';
  let timer: NodeJS.Timeout | null = null;
  const onData = (chunk: Buffer | string): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    const parsed = parseKeys(rest + chunk.toString());
    rest = parsed.rest;
    for (const key of parsed.keys) options.onKey(key);
    if (rest === '') return;
    timer = setTimeout(() => {
      rest = '';
      options.onKey('escape');
    }, ESCAPE_WAIT_MS);
  };
  const enter = (): void => {
    stdin.setRawMode(true);
    stdin.resume();
    screen.enter();
  };
  const leave = (): void => {
    screen.leave();
    if (stdin.isTTY) stdin.setRawMode(false);
  };
  // A crash or process.exit in the middle: streams may not flush any more, the descriptor does.
  const onExit = (): void => {
    const emergency = createScreen((text) => {
      try {
        writeSync(1, text);
      } catch {
        // The terminal itself is gone.
      }
    });
    if (!isOpen) return;
    emergency.enter();
    emergency.leave();
    try {
      stdin.setRawMode(false);
    } catch {
      // The terminal itself is gone.
    }
  };
  let isOpen = true;
  const comeBack = (): void => {
    if (!isOpen) return;
    process.off('SIGTSTP', suspend);
    process.on('SIGTSTP', suspend);
    enter();
    screen.invalidate();
    options.onContinue();
  };
  function suspend(): void {
    if (!isOpen || !hasJobControl) return;
    leave();
    // To the whole group, so that the launcher stops too and the shell sees it. Without our listener the signal does
    // what it does to any program; where it is ignored (no shell with job control above us) this goes on at once,
    // and the terminal is taken again.
    process.off('SIGTSTP', suspend);
    process.kill(0, 'SIGTSTP');
    setTimeout(comeBack, 50);
  }
  stdin.setEncoding('utf8');
  stdin.on('data', onData);
  stdout.on('resize', options.onResize);
  if (hasJobControl) process.on('SIGTSTP', suspend).on('SIGCONT', comeBack);
  process.once('exit', onExit);
  enter();
  return {
    screen,
    size: () => ({ columns: Math.max(1, stdout.columns || 80), rows: Math.max(1, stdout.rows || 24) }),
    suspend,
    close() {
      if (!isOpen) return;
      leave();
      isOpen = false;
      if (timer) clearTimeout(timer);
      stdin.off('data', onData);
      stdin.pause();
      stdout.off('resize', options.onResize);
      process.off('SIGTSTP', suspend);
      process.off('SIGCONT', comeBack);
      process.off('exit', onExit);
    },
  };
}
