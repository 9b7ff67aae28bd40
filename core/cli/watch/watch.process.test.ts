// `gpus --watch` on a real pseudo terminal (util-linux script), with a real engine and simulated devices.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-tui-'));
const dataDir = join(folder, 'data');
const hasTerminal = process.platform === 'linux' && existsSync('/usr/bin/script');

interface TerminalRun {
  readonly child: ChildProcess;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Waits until what was written after `from` fits; answers all that was written so far. */
  until(pattern: RegExp, from?: number): Promise<string>;
  readonly text: () => string;
  readonly ended: Promise<unknown>;
}

let count = 0;
/** All that were opened: one that a failed test left behind would keep the engine, and this file, alive. */
const opened: ChildProcess[] = [];
function openTerminal(columns: number, rows: number, script: (watch: string) => string, extra: NodeJS.ProcessEnv = {}): TerminalRun {
  count += 1;
  const ttyFile = join(folder, `tty-${String(count)}`);
  const shellFile = join(folder, `run-${String(count)}.sh`);
  writeFileSync(shellFile, `stty rows ${String(rows)} cols ${String(columns)}\ntty > "${ttyFile}"\n${script(`"${process.execPath}" "${main}" gpus --watch --data-dir "${dataDir}"`)}\n`);
  const child = spawn('script', ['-qfc', `bash "${shellFile}"`, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, TERM: 'xterm-256color', COLORTERM: 'truecolor', XDG_RUNTIME_DIR: folder, WARPDECK_GPUS: 'simulate:4', ...extra } });
  opened.push(child);
  let text = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (const look of waiting) look();
  });
  const ended = once(child, 'close');
  return {
    child, ended, text: () => text,
    type: (keys) => child.stdin.write(keys),
    resize: (c, r) => { execFileSync('stty', ['-F', readFileSync(ttyFile, 'utf8').trim(), 'rows', String(r), 'cols', String(c)]); },
    until: (pattern, from = 0) => new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(text.slice(from))) return;
        waiting.delete(look);
        resolve(text);
      };
      waiting.add(look);
      look();
      void ended.then(() => { reject(new Error(`ended before ${String(pattern)}: ${JSON.stringify(text.slice(from).slice(-500))}`)); });
    }),
  };
}
const highestRow = (text: string): number => Math.max(...[...text.matchAll(/\u001b\[(\d+);1H/g)].map((m) => Number(m[1])));

describe.skipIf(!hasTerminal)('gpus --watch on a terminal', () => {
  let serve: ChildProcess;
  beforeAll(async () => {
    serve = spawn(process.execPath, [main, 'serve', '--gpus', 'simulate:4', '--port', '0', '--json', '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    if (serve.stdout) await once(serve.stdout, 'data');
  });
  afterAll(async () => {
    for (const child of opened) child.kill('SIGKILL');
    serve.kill('SIGINT');
    await once(serve, 'close');
    rmSync(folder, { recursive: true, force: true });
  });

  it('draws, follows a resize, answers keys, and q puts the terminal back', async () => {
    const terminal = openTerminal(120, 36, (watch) => `before=$(stty -g)\n${watch}\necho "CODE=$?"\n[ "$before" = "$(stty -g)" ] && echo SAME`);
    await terminal.until(/\u001b\[\?1049h.*COMMAND/s);
    expect(terminal.text()).toContain('SM CLOCK');
    expect(highestRow(terminal.text())).toBe(36);
    let mark = terminal.text().length;
    terminal.resize(80, 24);
    // Rows and columns may change one after the other, each with a clearing: what counts is the last one.
    await terminal.until(/\u001b\[2J(?:(?!SM CLOCK|\u001b\[2J).)*COMMAND(?:(?!SM CLOCK|\u001b\[2J).)*\u001b\[\?2026l/s, mark);
    const resized = terminal.text().slice(terminal.text().lastIndexOf('\u001b[2J'));
    expect(resized).not.toContain('SM CLOCK');
    expect(highestRow(resized)).toBe(24);
    mark = terminal.text().length;
    terminal.type('?');
    await terminal.until(/Keys/, mark);
    mark = terminal.text().length;
    terminal.type('\u001b');
    await terminal.until(/LAST 5 MIN|COMMAND/, mark);
    mark = terminal.text().length;
    terminal.type('\u001b[Bt');
    await terminal.until(/cannot be ended from here/, mark);
    terminal.type('qq');
    await terminal.until(/SAME/);
    await terminal.ended;
    expect(terminal.text()).toMatch(/\u001b\[\?7h\u001b\[\?25h\u001b\[\?1049lCODE=0\r\nSAME/);
  });

  it('writes a frame in one piece and only what changed', async () => {
    const terminal = openTerminal(120, 36, (watch) => `${watch} --interval 200`);
    await terminal.until(/COMMAND/);
    const mark = terminal.text().length;
    await terminal.until(/(\u001b\[\?2026h.*\u001b\[\?2026l.*){3}/s, mark);
    const frames = terminal.text().slice(mark).split('\u001b[?2026h').slice(1, 3);
    for (const frame of frames) {
      expect(frame).toContain('\u001b[?2026l');
      expect(frame).not.toContain('\u001b[2J');
      expect([...frame.matchAll(/\u001b\[\d+;1H/g)].length).toBeLessThan(36);
    }
    terminal.type('\u0003');
    await terminal.ended;
  });

  it('puts the terminal back when it is terminated', async () => {
    const terminal = openTerminal(100, 30, (watch) => `before=$(stty -g)\n( echo "PID=$BASHPID"; exec ${watch} )\necho "CODE=$?"\n[ "$before" = "$(stty -g)" ] && echo SAME`);
    await terminal.until(/COMMAND/);
    process.kill(Number(/PID=(\d+)/.exec(terminal.text())?.[1]), 'SIGTERM');
    await terminal.until(/CODE=0/);
    await terminal.until(/SAME/);
    await terminal.ended;
    expect(terminal.text().lastIndexOf('\u001b[?1049l')).toBeGreaterThan(terminal.text().lastIndexOf('\u001b[?1049h'));
  });

  it('steps aside for Ctrl+Z and comes back with fg', async () => {
    const terminal = openTerminal(100, 30, (watch) => `set -m\n${watch}\necho "STOPPED=$?"\nfg\necho "CODE=$?"`);
    await terminal.until(/COMMAND/);
    terminal.type('\u001a');
    await terminal.until(/\u001b\[\?1049l.*STOPPED=148.*\u001b\[\?1049h.*COMMAND/s);
    terminal.type('q');
    await terminal.until(/CODE=0/);
    await terminal.ended;
  });

  it('keeps colours out with NO_COLOR', async () => {
    const terminal = openTerminal(100, 30, (watch) => watch, { NO_COLOR: '1' });
    await terminal.until(/COMMAND/);
    terminal.type('q');
    await terminal.ended;
    expect(terminal.text()).not.toMatch(/\u001b\[[\d;]*38;/);
  });
});
