import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { commandWorkload } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { problemFrom, until } from '../../supervisor/fixtures/test-support.ts';
import type { Arm, ArmWish } from '../parts.ts';
import { makeArmBench } from './fixtures/arm-bench.ts';
import { checkPattern } from './check-pattern.ts';
import { findFigure, parseFigure } from './find-figure.ts';
import { startCommandArm } from './start-command-arm.ts';

const bench = makeArmBench();
afterAll(() => bench.stop());
let made = 0;

function script(text: string): string {
  const path = join(bench.folder, `command${String(++made)}`);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}
function start(command: readonly string[], more: Partial<ArmWish> & { pattern?: string; timeoutSeconds?: number; folder?: string } = {}, signal = new AbortController().signal): Promise<Arm> {
  const { pattern = String.raw`speed: ([\d.,e+-]+)`, timeoutSeconds = 60, folder = null, ...wish } = more;
  const workload = commandWorkload.parse({ command, pattern, timeoutSeconds, folder, higherIsBetter: true, unit: 'tok/s' });
  return startCommandArm({ workload, place: 'cpu', environment: null, model: null, toggles: [], variables: {}, ...wish }, signal, () => undefined, { supervisor: bench.supervisor, codeToggle: (toggle) => (toggle.toggleId === 'tf32' ? toggle : null) });
}
const sampleOf = async (...args: Parameters<typeof start>): Promise<number> => {
  const arm = await start(...args);
  return arm.sample().then(({ value }) => value).finally(() => arm.end());
};
const failure = (...args: Parameters<typeof start>): Promise<Problem> => problemFrom(sampleOf(...args));

describe.skipIf(process.platform === 'win32')('the user’s own program', { timeout: 120_000 }, () => {
  it('its figure is the last match, of standard output first; with its variables, folder and place', async () => {
    expect(await sampleOf([script('echo "speed: 12"; echo "speed: 1,234.5 tok/s"; echo "speed: 9" >&2')])).toBe(1234.5);
    expect(await sampleOf([script('echo "speed: 7e2" >&2')])).toBe(700);
    expect(await sampleOf([script('[ "$PWD" = "$1" ] && [ "$CUDA_VISIBLE_DEVICES" = "GPU-1" ] && echo "speed: $FACTOR"'), bench.folder], { folder: bench.folder, place: 'GPU-1', variables: { FACTOR: '3.5' } })).toBe(3.5);
    const arm = await start([script(`echo run >> ${join(bench.folder, 'runs')}; echo speed: 5`)]);
    await arm.warmUp(1);
    expect(await arm.sample()).toMatchObject({ value: 5, repetitions: 1, memoryBytes: null });
    expect(await arm.error()).toBeNull();
    await arm.end();
    expect(readFileSync(join(bench.folder, 'runs'), 'utf8')).toBe('run\nrun\n');
    expect((await problemFrom(arm.sample())).code).toBe('effect.command_fails');
  });

  it('prints no figure, or one that is none', async () => {
    expect(await failure([script('echo hello; echo done')])).toMatchObject({ code: 'effect.command_silent', facts: { exitCode: 0, last: 'done' } });
    expect((await failure([script('echo "speed: 1.2.3"')])).facts['last']).toContain('"1.2.3"');
    expect(await failure([script('echo "speed: 0"')])).toMatchObject({ code: 'effect.command_silent' });
  });

  it('fails, crashes, or is not there', async () => {
    expect(await failure([script('echo "speed: 3"; echo "no GPU" >&2; exit 4')])).toMatchObject({ code: 'effect.command_fails', facts: { how: 'ended with code 4', last: 'no GPU' } });
    expect(await failure([script('kill -SEGV $$')])).toMatchObject({ code: 'effect.command_fails', facts: { how: 'was ended by SIGSEGV' } });
    expect(await failure([join(bench.folder, 'nowhere')])).toMatchObject({ code: 'program.not_found' });
    writeFileSync(join(bench.folder, 'plain'), 'text');
    expect(await failure([join(bench.folder, 'plain')])).toMatchObject({ code: 'program.not_executable' });
  });

  it('never ends, with children that will not hear: all are ended', async () => {
    const pids = join(bench.folder, 'late');
    const problem = await failure([script(`trap "" TERM\nsleep 1000 &\necho "$$ $!" > ${pids}\nwait`)], { timeoutSeconds: 1 });
    expect(problem).toMatchObject({ code: 'effect.command_late', facts: { seconds: 1 } });
    const family = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
    expect(family.map((pid) => isProcessAlive(pid))).toEqual([false, false]);
  });

  it('forks and ends: what it left behind goes too, and its figure counts', async () => {
    const pid = join(bench.folder, 'forked');
    expect(await sampleOf([script(`(trap "" TERM; echo $(sh -c 'echo $PPID') > ${pid}; while :; do sleep 1; done) &\nwhile [ ! -s ${pid} ]; do sleep 0.05; done\necho "speed: 8"`)])).toBe(8);
    expect(isProcessAlive(Number(readFileSync(pid, 'utf8')))).toBe(false);
  });

  it('floods its output: ended, and the engine keeps little of it', async () => {
    expect(await failure([script('yes "speed: 1"')])).toMatchObject({ code: 'effect.command_fails', facts: { how: 'printed more than 64 MB and was ended' } });
    expect(await sampleOf([script('head -c 5000000 /dev/zero | tr "\\0" x; echo; echo "speed: 6"')])).toBe(6);
  });

  it('abort and end in the middle', async () => {
    const controller = new AbortController();
    const began = join(bench.folder, 'began');
    const arm = await start([script(`echo $$ > ${began}; exec sleep 1000`)], {}, controller.signal);
    const sample = arm.sample();
    await until(() => existsSync(began) && readFileSync(began, 'utf8') !== '');
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(sample).rejects.toBe(reason);
    await arm.end();
    expect(isProcessAlive(Number(readFileSync(began, 'utf8')))).toBe(false);
  });

  it('refuses patterns that cannot work, and switches that it cannot bring in', async () => {
    expect(await problemFrom(start(['true'], { pattern: '(' }))).toMatchObject({ code: 'effect.pattern' });
    expect((await problemFrom(start(['true'], { pattern: 'speed' }))).cause).toContain('no group');
    expect(await problemFrom(start(['true'], { toggles: [{ toggleId: 'tf32', value: 'high' }] }))).toMatchObject({ code: 'toggle.workload', facts: { title: 'tf32' } });
    expect(await problemFrom(start(['true'], { workload: 'matmul' }))).toMatchObject({ code: 'bench.unknown' });
    expect(await failure([script('printf "%040d" 0 | tr 0 a; echo b')], { pattern: '^(a+)+$' })).toMatchObject({ code: 'effect.pattern', facts: { pattern: '^(a+)+$' } });
  });

  it('a pattern that never comes to an end does not hold up this thread', async () => {
    let turns = 0;
    const timer = setInterval(() => { turns += 1; }, 5);
    const found = await findFigure('^(a+)+$', [`${'a'.repeat(40)}b`], 300);
    clearInterval(timer);
    expect(found).toMatchObject({ t: 'invalid' });
    expect(turns).toBeGreaterThan(5);
  });
});

describe('a pattern before anything is run', () => {
  it.each([
    ['speed: ([\\d.]+)', 'speed: 1\nspeed: 12.5', { fault: null, found: '12.5', figure: 12.5 }],
    ['speed: (\\S+)', 'speed: fast', { fault: null, found: 'fast', figure: null }],
    ['tempo: (\\d+)', 'speed: 1', { fault: null, found: null, figure: null }],
    ['speed', 'speed', { fault: expect.stringContaining('no group'), found: null, figure: null }],
    ['(', '', { fault: expect.stringContaining('group'), found: null, figure: null }],
    ['^(a+)+$', `${'a'.repeat(40)}b`, { fault: expect.stringContaining('too complicated'), found: null, figure: null }],
  ])('%s', async (pattern, text, expected) => { expect(await checkPattern(pattern, text)).toEqual(expected); });
});

describe('parseFigure', () => {
  it.each([['12', 12], [' 1,234.5 ', 1234.5], ['3e4', 30_000], ['.5', 0.5], ['+2', 2], ['5.', 5], ['0', null], ['-3', null], ['1,23', null], ['1.2.3', null], ['', null], ['1e999', null], ['0x10', null], ['Infinity', null], ['٣', null]])('%s', (text, value) => {
    expect(parseFigure(text)).toBe(value);
  });
});
