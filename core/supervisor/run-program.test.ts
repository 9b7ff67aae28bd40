import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseGuardJournal, parseProcessStat } from '../../contract/guard.ts';
import { createSupervisor } from './create-supervisor.ts';
import { createMemoryLogger, misbehavingWorker, problemFrom, until } from './fixtures/test-support.ts';
import { isProcessAlive, readGroupMembers, readProcessStartTicks } from './process-identity.ts';
import type { ProgramOptions, RunningProgram, Supervisor } from './supervisor.ts';

let folder = '';
let journalFolder = '';
let supervisor: Supervisor;
const strays: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warpdeck-program-'));
  journalFolder = join(folder, 'journal');
  supervisor = createSupervisor({ log: createMemoryLogger(), journalFolder });
});
afterEach(async () => {
  await supervisor.stopAll();
  for (const stray of strays.splice(0)) stray.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A shell script in the test's folder. */
function writeScript(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Runs a program and collects what it says. */
function run(options: ProgramOptions): RunningProgram & { readonly said: () => string } {
  let said = '';
  const running = supervisor.runProgram({ ...options, onStdout: (text) => { said += text; } });
  return { get pid() { return running.pid; }, done: running.done, stop: running.stop, write: running.write, said: () => said };
}

/** Has a child that ignores SIGTERM, prints both pids, then waits for ever. */
const FAMILY = '#!/bin/sh\ntrap "" TERM\nsleep 1000 &\necho "$$ $! ready"\nwait\n';
const pidsIn = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);

describe.skipIf(process.platform === 'win32')('runProgram', () => {
  it('runs a program of PATH, hands over its output, its end and its last words', async () => {
    const program = run({ program: 'sh', args: ['-c', 'echo "größe $1"; pwd; echo oops >&2; exit 3', 'sh', 'a b "c"'], cwd: folder });
    const result = await program.done;
    expect(program.said()).toBe(`größe a b "c"\n${folder}\n`);
    expect(result).toMatchObject({ exitCode: 3, signal: null, stderr: 'oops\n' });
    expect(result.tookMs).toBeGreaterThan(0);
    expect(program.pid).toBeNull();
    expect(readdirSync(journalFolder)).toEqual([]);
  });

  it('gives it no socket but its two outputs, an empty standard input, its own group and only allowed variables', async () => {
    process.env['PYTHONPATH'] = '/somewhere';
    const script = 'for f in /proc/$$/fd/*; do echo "fd $(readlink $f)"; done; cat; echo "stat $(cat /proc/$$/stat)"; env';
    const program = run({ program: 'sh', args: ['-c', script], env: { EXTRA: '1' } });
    await program.done.finally(() => { delete process.env['PYTHONPATH']; });
    const lines = program.said().split('\n');
    expect(lines.filter((line) => line.startsWith('fd socket:'))).toHaveLength(2);
    expect(lines[0]).toBe('fd /dev/null');
    const stat = parseProcessStat(lines.find((line) => line.startsWith('stat '))?.slice(5) ?? '');
    expect(stat?.group).toBe(stat?.pid);
    expect(lines).toContain('EXTRA=1');
    expect(program.said()).not.toMatch(/^(PYTHONPATH|NODE_CHANNEL_FD)=/m);
  });

  it('with an input of its own it reads what is written, also what was written before it ran, and ends with the guard', async () => {
    const program = run({ program: 'sh', args: ['-c', 'read a; read b; echo "$a|$b"; read c; echo "$c"'], input: true });
    program.write('größe\ntwo\n');
    await until(() => program.said() === 'größe|two\n');
    program.write('three\n');
    expect(await program.done).toMatchObject({ exitCode: 0 });
    expect(program.said()).toBe('größe|two\nthree\n');
    program.write('nobody is there any more\n');
    const reader = run({ program: 'sh', args: ['-c', 'echo ready; cat'], input: true });
    await until(() => reader.said() === 'ready\n');
    await reader.stop();
    expect(await reader.done).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  it('a signal that ends it is told', async () => {
    expect(await run({ program: 'sh', args: ['-c', 'kill -SEGV $$'] }).done).toMatchObject({ exitCode: null, signal: 'SIGSEGV' });
  });

  it('what it leaves running in its group goes with it', async () => {
    const program = run({ program: writeScript('leaves', '#!/bin/sh\nsleep 1000 &\necho "$!"\n'), args: [] });
    expect(await program.done).toMatchObject({ exitCode: 0 });
    expect(pidsIn(program.said()).map(isProcessAlive)).toEqual([false]);
  });

  it('stop ends the group, grandchildren that ignore SIGTERM included', async () => {
    const program = run({ program: writeScript('family', FAMILY), args: [] });
    await until(() => program.said().includes('ready'));
    const pids = pidsIn(program.said());
    expect(pids).toHaveLength(2);
    expect(program.pid).toBe(pids[0]);
    expect(readdirSync(journalFolder)).toHaveLength(1);
    const entry = parseGuardJournal(readFileSync(join(journalFolder, readdirSync(journalFolder)[0] ?? ''), 'utf8'));
    expect(entry).toMatchObject({ pid: pids[0], group: pids[0], startTicks: readProcessStartTicks(pids[0] ?? 0) });
    await program.stop();
    expect(pids.map(isProcessAlive)).toEqual([false, false]);
    expect(await program.done).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(readdirSync(journalFolder)).toEqual([]);
  });

  it('a time limit and an idle limit end it', async () => {
    const late = run({ program: 'sleep', args: ['1000'], timeoutMs: 300 });
    const idle = run({ program: 'sh', args: ['-c', 'echo one; sleep 1000'], idleTimeoutMs: 700 });
    expect(await problemFrom(late.done)).toMatchObject({ code: 'program.timeout', facts: { seconds: 0.3 } });
    expect(await problemFrom(idle.done)).toMatchObject({ code: 'program.timeout', facts: { seconds: 0.7 } });
    expect(idle.said()).toBe('one\n');
  });

  it('output puts the idle limit off', async () => {
    const program = run({ program: 'sh', args: ['-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done'], idleTimeoutMs: 1500 });
    expect(await program.done).toMatchObject({ exitCode: 0 });
    expect((await program.done).tookMs).toBeGreaterThan(1500);
  });

  it('an abort cancels it, before and after its start', async () => {
    const controller = new AbortController();
    const program = run({ program: 'sh', args: ['-c', 'echo ready; exec sleep 1000'], signal: controller.signal });
    await until(() => program.said().includes('ready'));
    const { pid } = program;
    controller.abort();
    expect(await program.done).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
    expect(isProcessAlive(pid ?? 0)).toBe(false);
    expect(await run({ program: 'sh', args: ['-c', 'echo never'], signal: controller.signal }).done).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  it.each([
    ['a name that is not on PATH', 'no-such-program', 'program.not_found'],
    ['a path that is not there', '/no/such/program', 'program.not_found'],
    ['a folder', 'folder', 'program.not_executable'],
    ['a file without the execute bit', 'plain', 'program.not_executable'],
    ['a data file with the execute bit, which /bin/sh would run line by line', 'data', 'program.not_executable'],
    ['an empty file', 'empty', 'program.not_executable'],
    ['a script whose interpreter is missing', 'orphan', 'program.not_found'],
  ])('refuses %s', async (_, name, code) => {
    mkdirSync(join(folder, 'folder'));
    writeScript('plain', '#!/bin/sh\n', 0o644);
    writeScript('data', `echo harm > ${join(folder, 'harm')}\n`);
    writeScript('empty', '');
    writeScript('orphan', '#!/no/such/interpreter\n');
    const program = name.startsWith('/') || name.startsWith('no-') ? name : join(folder, name);
    const problem = await problemFrom(run({ program, args: [] }).done);
    expect(problem).toMatchObject({ code, facts: { program } });
    expect(readdirSync(folder)).not.toContain('harm');
  });

  it('a flood is passed on piece by piece and costs 64 KB', async () => {
    let bytes = 0;
    const program = supervisor.runProgram({ program: 'sh', args: ['-c', 'head -c 50000000 /dev/zero; yes | head -c 5000000 >&2; echo end >&2'], onStdout: (text) => { bytes += text.length; } });
    const result = await program.done;
    expect(bytes).toBe(50_000_000);
    expect(result.stderr).toHaveLength(65_536);
    expect(result.stderr.endsWith('end\n')).toBe(true);
  });

  it('when the guard itself is killed, its program goes too and the caller is told', async () => {
    const program = run({ program: writeScript('family', FAMILY), args: [] });
    await until(() => program.said().includes('ready'));
    const pids = pidsIn(program.said());
    const guard = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pids[0]}/status`, 'utf8'))?.[1]);
    process.kill(guard, 'SIGKILL');
    expect((await problemFrom(program.done)).code).toBe('program.failed');
    await until(() => !pids.some(isProcessAlive));
  });
});

describe.skipIf(process.platform === 'win32')('an engine that is killed with -9', () => {
  /** Starts a process that uses the supervisor, waits until worker and program run, kills it. */
  async function killEngine(program: string, before: (workerPid: number) => void = () => undefined): Promise<{ workerPid: number; pids: number[] }> {
    const engine = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/engine-to-kill.ts', import.meta.url)), misbehavingWorker, journalFolder, program], { stdio: ['ignore', 'pipe', 'inherit'] });
    strays.push(engine);
    let said = '';
    engine.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await until(() => said.includes('\n'), 20_000);
    const { workerPid, output } = JSON.parse(said) as { workerPid: number; output: string };
    const pids = pidsIn(output);
    expect([workerPid, ...pids].map(isProcessAlive)).toEqual([true, true, true]);
    before(workerPid);
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    return { workerPid, pids };
  }

  it('leaves nothing: worker, program and grandchild are gone within 5 s', async () => {
    const { workerPid, pids } = await killEngine(writeScript('family', FAMILY));
    const before = performance.now();
    await until(() => ![workerPid, ...pids].some(isProcessAlive));
    expect(performance.now() - before).toBeLessThan(5000);
    expect(readGroupMembers(pids[0] ?? 0)).toEqual([]);
  });

  it('a worker that cannot notice (it loops, or was stopped) is ended by the next engine', async () => {
    const { workerPid, pids } = await killEngine(writeScript('family', FAMILY), (pid) => process.kill(pid, 'SIGSTOP'));
    await until(() => !pids.some(isProcessAlive));
    expect(isProcessAlive(workerPid)).toBe(true);
    const next = createSupervisor({ log: createMemoryLogger(), journalFolder });
    await until(() => !isProcessAlive(workerPid));
    await next.stopAll();
  });

  it('together with its guard: the next engine ends what was left, and nothing else', async () => {
    const stray = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const other = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    strays.push(stray, other);
    await Promise.all([once(stray, 'spawn'), once(other, 'spawn')]);
    mkdirSync(journalFolder, { recursive: true });
    const entry = { pid: stray.pid, group: stray.pid, startTicks: readProcessStartTicks(stray.pid ?? 0), program: 'sleep', startedAtMs: 0, owner: { pid: 2 ** 22 + 1, startTicks: '1' } };
    writeFileSync(join(journalFolder, 'left.json'), JSON.stringify(entry));
    // The same number with another start time is somebody else's process; a cut entry says nothing.
    writeFileSync(join(journalFolder, 'reused.json'), JSON.stringify({ ...entry, pid: other.pid, group: other.pid, startTicks: '1' }));
    // An engine that lives answers for its own, also when a second one looks at the folder.
    writeFileSync(join(journalFolder, 'owned.json'), JSON.stringify({ ...entry, pid: other.pid, group: other.pid, startTicks: readProcessStartTicks(other.pid ?? 0), owner: { pid: process.pid, startTicks: readProcessStartTicks(process.pid) } }));
    writeFileSync(join(journalFolder, 'cut.json'), JSON.stringify(entry).slice(0, 20));
    const next = createSupervisor({ log: createMemoryLogger(), journalFolder });
    // A program waits for the recovery.
    await next.runProgram({ program: 'true', args: [] }).done;
    expect(isProcessAlive(stray.pid ?? 0)).toBe(false);
    expect(isProcessAlive(other.pid ?? 0)).toBe(true);
    expect(readdirSync(journalFolder)).toEqual(['owned.json']);
    await next.stopAll();
  });
});
