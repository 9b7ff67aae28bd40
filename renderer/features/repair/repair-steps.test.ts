import { describe, expect, it } from 'vitest';
import type { Job } from '../../../contract/jobs.ts';
import type { Upgrade } from '../../../contract/upgrades.ts';
import { countChanges, decideChangeWhy, decideResult, decideSmokeCommand, decideStep, decideSteps, findUpgrade, orderChanges } from './repair-steps.ts';

const upgrade = (more: Partial<Upgrade> = {}): Upgrade => ({
  id: 'u', planId: 'p', jobId: 'j', kind: 'upgrade', undoes: null, environmentId: 'e', environmentName: 'chat', prefix: '/e', state: 'running', step: 'apply', startedAtMs: 1, endedAtMs: null, fromTorch: '2.4.1', toTorch: '2.14.1+cu130',
  changes: [], checks: [], snapshotPath: '/s', snapshotBytes: 5, canUndo: false, whyNot: null, problem: null, ...more,
});
const job = (more: Partial<Job> = {}): Job => ({ id: 'j', kind: 'upgrade', title: 'chat', state: 'running', progress: null, doing: null, startedAtMs: 1, endedAtMs: null, secondsLeft: null, result: null, problem: null, ...more });
const check = (state: Upgrade['checks'][number]['state']): Upgrade['checks'][number] => ({ name: 'import', title: 'Import', state, text: null });
const change = (name: string, from: string | null, to: string | null, why: string | null = null): Upgrade['changes'][number] => ({ name, from, to, why, downloadBytes: null });

describe('findUpgrade', () => {
  const list = [upgrade({ id: 'new', jobId: 'j3' }), upgrade({ id: 'old', jobId: 'j2', state: 'committed' }), upgrade({ id: 'other', jobId: 'j1', environmentId: 'x' })];
  it.each([['e', 'j2', 'old'], ['e', null, 'new'], ['e', 'unknown', 'new'], ['x', null, 'other'], ['y', null, undefined], ['y', 'j2', undefined]])('%s, job %s: %s', (environment, jobId, found) => expect(findUpgrade(list, environment, jobId)?.id).toBe(found));
  it('what has ended is not taken up by itself', () => expect(findUpgrade([upgrade({ state: 'committed' })], 'e', null)).toBeNull());
});

describe('decideStep', () => {
  it.each([
    [null, null, 'plan'], [null, job(), 'snapshot'], [null, job({ endedAtMs: 5, state: 'failed' }), 'done'],
    [upgrade({ step: 'planned' }), null, 'snapshot'], [upgrade({ step: 'snapshot' }), null, 'snapshot'], [upgrade({ step: 'apply' }), null, 'install'], [upgrade({ step: 'verify' }), null, 'verify'], [upgrade({ step: 'commit' }), null, 'verify'], [upgrade({ step: 'rollback' }), null, 'verify'],
    [upgrade({ state: 'committed', step: 'commit' }), null, 'done'], [upgrade({ state: 'rolled_back', step: 'rollback' }), null, 'done'],
  ] as const)('%#', (given, of, step) => expect(decideStep(given, of)).toBe(step));
});

describe('decideSteps', () => {
  const states = (...args: Parameters<typeof decideSteps>): string => decideSteps(...args).map((s) => s.state).join(' ');
  it.each([
    ['planning', null, null, 'now next next next'],
    ['begun', null, job(), 'done now next next'],
    ['ended before it began', null, job({ endedAtMs: 5, state: 'failed' }), 'done failed next next'],
    ['installing', upgrade(), null, 'done done now next'],
    ['kept', upgrade({ state: 'committed', step: 'commit' }), null, 'done done done done'],
    ['a check failed', upgrade({ state: 'rolled_back', checks: [check('passed'), check('failed')] }), null, 'done done done failed'],
    ['the tool failed', upgrade({ state: 'rolled_back', checks: [check('waiting')] }), null, 'done done failed next'],
    ['no snapshot', upgrade({ state: 'failed', snapshotBytes: null }), null, 'done failed next next'],
    ['undone later', upgrade({ state: 'undone', step: 'commit' }), null, 'done done done done'],
  ] as const)('%s', (_, given, of, said) => expect(states('repair', given, of)).toBe(said));
  it('undoing installs nothing, it puts back', () => expect(decideSteps('undo', null, null).map((s) => s.title)).toEqual(['Plan', 'Snapshot', 'Put back', 'Verify']));
});

it('torch comes first, then what follows it, the rest, NVIDIA’s libraries', () => {
  const mixed = ['sympy', 'nvidia-nccl-cu13', 'triton', 'torch', 'nvidia-cudnn-cu12', 'xformers', 'torchvision'].map((n) => change(n, '1', '2'));
  expect(orderChanges(mixed).map((c) => c.name)).toEqual(['torch', 'torchvision', 'triton', 'sympy', 'xformers', 'nvidia-cudnn-cu12', 'nvidia-nccl-cu13']);
  expect(mixed[0]?.name).toBe('sympy');
});

describe('decideChangeWhy', () => {
  it.each([
    [change('sympy', '1', '2', 'torch 2.14.1+cu130 needs sympy>=1.13.3'), 'upgrade', 'torch needs >=1.13.3'],
    [change('typing-extensions', '1', '2', 'torch 2.14.1 needs typing_extensions>=4'), 'upgrade', 'torch needs >=4'],
    [change('filelock', null, '2', 'torch 2.14.1 needs filelock'), 'upgrade', 'torch needs it'],
    [change('other', '1', '2', 'torch 2.14.1 needs sympy>=1'), 'upgrade', 'torch 2.14.1 needs sympy>=1'],
    [change('nvidia-x', '1', null, 'Came with the old PyTorch; nothing uses it any more.'), 'upgrade', 'came with the old torch'],
    [change('torch', '1', '2'), 'upgrade', 'the build chosen'], [change('torchvision', '1', '2'), 'upgrade', 'follows torch'],
    [change('torch', '2', '1'), 'rollback', 'as before'], [change('a', null, '1'), 'rollback', 'was there before'], [change('a', '1', null), 'rollback', 'came with the change'],
  ] as const)('%#', (given, kind, why) => expect(decideChangeWhy(given, { kind })).toBe(why));
});

it('counts what goes, what comes and what stays', () => {
  expect(countChanges({ changes: [change('a', '1', '2'), change('b', '1', null), change('c', null, '1')], unchanged: 87 })).toBe('2 packages out, 2 in, 87 unchanged');
  expect(countChanges({ changes: [change('a', '1', null)], unchanged: 0 })).toBe('1 package out, 0 in, 0 unchanged');
});

describe('decideSmokeCommand', () => {
  it.each([
    ['', 'linux_x86_64', null], ['   ', null, null], [' python t.py ', 'linux_x86_64', ['sh', '-c', 'python t.py']], ['python t.py', null, ['sh', '-c', 'python t.py']], ['python t.py', 'windows_x86_64', ['cmd.exe', '/d', '/s', '/c', 'python t.py']],
  ] as const)('%j on %s', (text, platform, command) => expect(decideSmokeCommand(text, platform)).toEqual(command));
});

describe('decideResult', () => {
  it.each([
    ['kept', upgrade({ state: 'committed', checks: [check('passed'), check('passed'), check('skipped')] }), null, 'fine', 'chat has torch 2.14.1+cu130 now.', '2 checks passed, 1 left out.'],
    ['undo', upgrade({ state: 'committed', kind: 'rollback', toTorch: '2.4.1' }), null, 'fine', 'chat is as it was: torch 2.4.1.', 'Every file was compared with the snapshot.'],
    ['put back', upgrade({ state: 'rolled_back' }), null, 'attention', 'chat is as it was: torch 2.4.1.', 'The change did not pass, and the old state was put back.'],
    ['cancelled', upgrade({ state: 'rolled_back' }), job({ state: 'cancelled' }), 'attention', 'chat is as it was: torch 2.4.1.', 'The change was cancelled, and the old state was put back.'],
    ['cancelled before it began', null, job({ state: 'cancelled' }), 'attention', 'Cancelled before anything was changed.', ''],
    ['did not begin', null, job({ state: 'failed' }), 'problem', 'The change did not begin.', 'Nothing was changed.'],
    ['failed', upgrade({ state: 'failed' }), null, 'problem', 'The change failed.', ''],
    ['undone', upgrade({ state: 'undone' }), null, 'attention', 'This change was undone.', ''],
    ['of nothing', upgrade({ state: 'rolled_back', fromTorch: null }), null, 'attention', 'chat is as it was: torch is not installed.', 'The change did not pass, and the old state was put back.'],
  ] as const)('%s', (_, given, of, kind, said, more) => expect(decideResult('chat', given, of)).toEqual({ kind, said, more }));
});
