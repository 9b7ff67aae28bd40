// bench and optimize as processes: a real engine, a program of the user's own, and Ctrl+C.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { isProcessAlive } from '../supervisor/process-identity.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-measure-'));
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
// Nobody's environments and models: the folder is the home.
const env: NodeJS.ProcessEnv = { ...process.env, XDG_RUNTIME_DIR: folder, HOME: folder, TMPDIR: temporary, NO_COLOR: '1' };
for (const name of ['WARPDECK_GPUS', 'WARPDECK_DATA_DIR', 'NODE_OPTIONS', 'FORCE_COLOR', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PYENV_ROOT']) delete env[name];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [main, ...args, '--data-dir', join(folder, 'data')], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name]?.setEncoding('utf8').on('data', (text: string) => { said[name] += text; });
  return { child, ended: once(child, 'close').then(([code]: unknown[]) => ({ code: code as number | null, ...said })) };
}
const run = (...args: readonly string[]): Promise<Ended> => start(...args).ended;
const problemOf = ({ stdout }: Ended): unknown => (JSON.parse(stdout) as { problem: unknown }).problem;
const own = (command: string, pattern: string, ...more: readonly string[]): readonly string[] => ['optimize', 'measure', 'cpu_threads', '--place', 'cpu', '--budget', '120', '--command', command, '--pattern', pattern, ...more];

/** Settles when the file is there and says something. */
async function untilWritten(name: string): Promise<string> {
  const path = join(folder, name);
  const there = (): boolean => existsSync(path) && readFileSync(path, 'utf8').includes('\n');
  if (there()) return readFileSync(path, 'utf8');
  for await (const _ of watch(folder)) if (there()) break;
  return readFileSync(path, 'utf8');
}

afterAll(async () => {
  await run('stop', '--cancel-jobs');
  rmSync(folder, { recursive: true, force: true });
});

describe('a program of your own', { timeout: 240_000 }, () => {
  it('runs in the folder of the terminal; what it prints is its figure', async () => {
    const ended = await run(...own('pwd > where; echo 5', '(\\d+)'), '--json');
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ schemaVersion: 1, effect: { verdict: 'no_effect', ratio: 1 } });
    expect(readFileSync(join(folder, 'where'), 'utf8').trim()).toBe(folder);
  });

  it('that prints none, or runs too long, could not run: exit 1, as text and as JSON', async () => {
    const silent = await run(...own('echo nothing', '(\\d+)'));
    expect(silent.code).toBe(1);
    expect(silent.stdout).toMatch(/could not run[^]*printed no figure[^]*Its last words: nothing\./);
    const late = await run(...own('sleep 100', '(\\d+)', '--run-seconds', '1', '--json'));
    expect(late.code).toBe(1);
    expect(JSON.parse(late.stdout)).toMatchObject({ effect: { verdict: 'could_not_run', problem: { code: 'effect.command_late' } } });
  });

  it('a pattern that is none is refused before anything is run; one that never ends is bounded', async () => {
    const none = await run(...own('touch ran', '(', '--json'));
    expect(none.code).toBe(3);
    expect(problemOf(none)).toMatchObject({ code: 'effect.pattern' });
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    const endless = await run(...own('printf "%050d" 0 | tr 0 a; echo b', '^(a+)+$', '--json'));
    expect(JSON.parse(endless.stdout)).toMatchObject({ effect: { verdict: 'could_not_run', problem: { code: 'effect.pattern' } } });
  });

  it('Ctrl+C ends it with all that it started; a second measurement meanwhile is refused', async () => {
    const { child, ended } = start(...own('trap "" INT TERM; sleep 1000 & echo "$$ $!" > pids; wait; sleep 1000', '(x)', '--json'));
    const pids = (await untilWritten('pids')).trim().split(' ').map(Number);
    const second = await run(...own('echo 5', '(5)', '--json'));
    expect(second.code).toBe(3);
    expect(problemOf(second)).toMatchObject({ code: 'bench.busy' });
    child.kill('SIGINT');
    const first = await ended;
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({ schemaVersion: 1, job: { kind: 'measure', state: 'cancelled' } });
    expect(pids.filter((pid) => isProcessAlive(pid))).toEqual([]);
    expect((await run(...own('echo 5', '(5)'))).code).toBe(0);
  });
});

describe('what is not there', { timeout: 240_000 }, () => {
  it.each<[readonly string[], string]>([
    [['bench', 'run', 'matmul', '--place', 'GPU-nope'], 'bench.no_place'], [['bench', 'compare', 'a', 'b'], 'bench.run_not_found'],
    [['optimize', 'revert', '../../nope', '--yes'], 'apply.not_found'], [['optimize', 'measure', 'cpu_threads', '--workload', 'nope'], 'toggle.workload'], [['tune', 'nope'], 'model.not_found'],
  ])('%j is a Problem', async (words, code) => {
    const ended = await run(...words, '--json');
    expect(ended.code).toBe(3);
    expect(problemOf(ended)).toMatchObject({ code, cause: expect.stringMatching(/\w/), remedy: expect.stringMatching(/\w/) });
  });

  it('optimize run: the program’s exit code, or that there is none; nothing is left in the temporary folder', async () => {
    for (const [words, code] of [[['--set', 'tf32', '--', '/nope/program'], 3], [['--set', 'tf32', '--', 'sh', '-c', 'exit 7'], 7]] as const) {
      // What follows "--" is the program's: where the engine is has to stand before it.
      const child = spawn(process.execPath, [main, '--data-dir', join(folder, 'data'), 'optimize', 'run', ...words], { env, cwd: folder, stdio: 'ignore' });
      expect((await once(child, 'close'))[0], words.join(' ')).toBe(code);
    }
    expect(readdirSync(temporary).filter((name) => name.startsWith('warpdeck-launch'))).toEqual([]);
  });
});
