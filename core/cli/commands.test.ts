import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../contract/settings.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import { parseJobWords, renderJob, renderJobs } from './commands/jobs.ts';
import { addressWithToken, decideEnd, makeOpenerPage } from './commands/serve.ts';
import { findSetting, makeSettingsPatch, parseSettingValue } from './commands/settings.ts';
import { findOperation, listOperations, toSchema } from './operation-list.ts';
import { decideExitCode, formatProblem, problemFromError } from './problem-text.ts';

const causeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return `${problemOf(error)?.cause ?? ''} ${problemOf(error)?.remedy ?? ''}`;
  }
  return 'accepted';
};

describe('settings', () => {
  it('makes the smallest patch', () => {
    expect(makeSettingsPatch(defaultSettings, 'monitor.range', '15m')).toEqual({ monitor: { range: '15m' } });
    expect(makeSettingsPatch(defaultSettings, 'alerts.temperature.celsius', 80)).toEqual({ alerts: { temperature: { on: true, celsius: 80, forSeconds: 30 } } });
    expect(makeSettingsPatch(defaultSettings, 'alerts.exceptions.GPU-1', { celsius: 90 })).toEqual({ alerts: { exceptions: { 'GPU-1': { celsius: 90 } } } });
  });
  it('names what is wrong', () => {
    expect(causeOf(() => makeSettingsPatch(defaultSettings, 'monitor.rnge', '1m'))).toContain('Did you mean "monitor.range"?');
    expect(causeOf(() => makeSettingsPatch(defaultSettings, 'monitor', {}))).toContain('cannot be set as a whole');
    expect(causeOf(() => makeSettingsPatch(defaultSettings, 'monitor.range', '9m'))).toContain('monitor.range');
    expect(causeOf(() => findSetting(defaultSettings, 'constructor'))).toContain('There is no setting');
  });
  it.each([['true', true], ['85', 85], ['null', null], ['dark', 'dark'], ['"dark"', 'dark']])('reads %s', (text, value) => {
    expect(parseSettingValue(text)).toEqual(value);
  });
});

describe('serve', () => {
  const here = { faces: 1, jobsRunning: 0 };
  it.each([
    [{ wasRunning: false, webWasOn: false }, here, { web: true, engine: true }],
    [{ wasRunning: false, webWasOn: false }, { faces: 2, jobsRunning: 0 }, { web: true, engine: false }],
    [{ wasRunning: false, webWasOn: false }, { faces: 1, jobsRunning: 1 }, { web: true, engine: false }],
    [{ wasRunning: true, webWasOn: false }, here, { web: true, engine: false }],
    [{ wasRunning: true, webWasOn: true }, here, { web: false, engine: false }],
  ])('before %j, now %j: ends %j', (before, now, end) => {
    expect(decideEnd(before, now)).toMatchObject(end);
    expect(decideEnd(before, now).why === null).toBe(end.engine);
  });
  it('puts the token where only the page sees it', () => {
    expect(addressWithToken('http://127.0.0.1:7757', 'abc')).toBe('http://127.0.0.1:7757/#token=abc');
    expect(makeOpenerPage('http://h/#token="><script>')).not.toContain('<script>');
  });
});

describe('jobs', () => {
  const job = { id: 'j1', kind: 'record', title: 'Recording', state: 'running', startedAtMs: Date.UTC(2026, 2, 1), endedAtMs: null, progress: 0.5, doing: '30 of 60 s', secondsLeft: 30, result: null, problem: null } as const;
  it('reads its words', () => {
    expect(parseJobWords([])).toEqual({ verb: 'ls', id: '' });
    expect(parseJobWords(['cancel', 'j1'])).toEqual({ verb: 'cancel', id: 'j1' });
    expect(causeOf(() => parseJobWords(['cancle', 'j1']))).toContain('Did you mean "cancel"?');
    expect(causeOf(() => parseJobWords(['show']))).toContain('needs the id');
    expect(causeOf(() => parseJobWords(['ls', 'j1']))).toContain('takes no id');
  });
  it('lists and shows', () => {
    expect(renderJobs([], null)).toEqual(['No jobs.']);
    expect(renderJobs([job], null)[1]).toMatch(/^j1 +record +running +50 % +30 s +2026-03-01 .* +Recording$/);
    expect(renderJob({ ...job, state: 'failed', endedAtMs: job.startedAtMs + 5000, problem: makeProblem('file.disk_full', { path: '/x', detail: 'ENOSPC' }) }).join('\n')).toContain('The disk is full (file.disk_full)');
  });
});

describe('operations', () => {
  it('lists the contract, destructive ones as such', () => {
    const all = listOperations();
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter((o) => o.effect === 'destructive').map((o) => o.name)).toEqual(['gpus.planTerminate', 'gpus.terminate', 'upgrades.plan', 'upgrades.apply', 'upgrades.planRollback', 'upgrades.rollback', 'upgrades.forget', 'models.planRemove', 'models.remove', 'optimize.planApply', 'optimize.apply', 'optimize.planRevert', 'optimize.revert', 'optimize.planDevice', 'optimize.applyDevice']);
    expect(findOperation('gpus.watch').stream).toBe('gauge');
  });
  it('has a JSON schema for every input and output', () => {
    for (const operation of listOperations()) {
      expect(toSchema(operation.input, 'input'), operation.name).toMatchObject({ $schema: expect.any(String) });
      expect(toSchema(operation.output, 'output'), operation.name).toMatchObject({ $schema: expect.any(String) });
    }
  });
  it('names what was probably meant', () => {
    expect(causeOf(() => findOperation('gpus.lst'))).toContain('Did you mean "gpus.list"?');
  });
});

describe('problems', () => {
  it.each([['usage.unknown', 2], ['input.unknown_operation', 2], ['gpu.unknown_source', 2], ['engine.internal', 4], ['web.port_taken', 3]] as const)('%s ends with %d', (code, exit) => {
    expect(decideExitCode(makeProblem(code))).toBe(exit);
  });
  it('finds the Problem in whatever was thrown', () => {
    expect(problemFromError({ data: makeProblem('job.not_found', { id: 'x' }) }, '/d').code).toBe('job.not_found');
    expect(problemFromError(new DOMException('x', 'AbortError'), '/d').code).toBe('engine.unreachable');
    expect(problemFromError(new Error('odd'), '/d').code).toBe('engine.internal');
  });
  it('prints code, cause, remedy and commands', () => {
    expect(formatProblem(makeProblem('gpu.module_not_loaded', { libraryVersion: '580.95', detail: '' }))).toEqual([
      'The driver is installed but not loaded (gpu.module_not_loaded)', expect.stringContaining('580.95'), expect.stringContaining('modprobe'), '    sudo modprobe nvidia',
    ]);
  });
});
