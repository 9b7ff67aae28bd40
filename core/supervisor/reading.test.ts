import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGuardJournal, parseGuardReport, parseGuardRequest, parseProcessStat } from '../../contract/guard.ts';
import { decideCauseOfDeath, decideTellingLine, describeExit, type DeathEvidence } from './cause-of-death.ts';
import { decideIsProgram } from './check-executable.ts';
import { childEnvironment } from './child-environment.ts';
import { isProcessAlive, readGroupMembers, readProcessStartTicks, readResidentBytes } from './process-identity.ts';
import { createTailBuffer } from './tail-buffer.ts';
import { createLineReader } from './worker-channel.ts';

describe('parseProcessStat', () => {
  const rest = 'S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 987654 1 2 3';
  it.each(['node', 'a b', 'evil) R 1 2 3', '(', '))((', ''])('reads the fields after a name like "%s"', (name) => {
    expect(parseProcessStat(`42 (${name}) ${rest}\n`)).toEqual({ pid: 42, state: 'S', group: 77, startTicks: '987654' });
  });
  it.each(['', '42', '42 (x', '42 (x) S', ') 1 ('])('gives null for "%s"', (text) => {
    expect(parseProcessStat(text)).toBeNull();
  });
});

describe.runIf(process.platform === 'linux')('process identity', () => {
  it('tells a living process from an ended one, and its group', async () => {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    expect(isProcessAlive(pid)).toBe(true);
    expect(readProcessStartTicks(pid)).toMatch(/^\d+$/);
    expect(readGroupMembers(pid)).toEqual([pid]);
    expect(await readResidentBytes(pid)).toBeGreaterThan(100_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isProcessAlive(pid)).toBe(false);
    expect(readProcessStartTicks(pid)).toBeNull();
    expect(await readResidentBytes(pid)).toBeNull();
  });
  it.each([0, -1, 1.5, Number.NaN])('no process has the number %s', (pid) => {
    expect(isProcessAlive(pid)).toBe(false);
  });
});

describe('parseGuard…', () => {
  it('takes what the other side writes', () => {
    const request = { program: 'a', args: ['b'], cwd: null, env: { C: 'd' }, journal: '/j', owner: { pid: 7, startTicks: '9' }, graceMs: 1, input: true };
    expect(parseGuardRequest(JSON.stringify(request))).toEqual(request);
    const journal = { pid: 5, startTicks: null, group: 5, program: 'a', startedAtMs: 1, owner: { pid: 7, startTicks: null } };
    expect(parseGuardJournal(JSON.stringify(journal))).toEqual(journal);
    for (const report of [{ t: 'started', pid: 5, startTicks: '1' }, { t: 'error', code: 'E', message: 'm' }, { t: 'exit', exitCode: null, signal: 'SIGTERM' }]) expect(parseGuardReport(JSON.stringify(report))).toEqual(report);
  });
  it('gives null for anything else, and never throws', () => {
    const cases = ['', 'null', '[]', '{', '{"t":"started","pid":1}', '{"t":"started","pid":-5}', '{"pid":0,"group":0,"program":"","startedAtMs":0}'];
    for (const text of cases) expect([parseGuardReport(text), parseGuardJournal(text), parseGuardRequest(text)]).toEqual([null, null, null]);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseGuardReport(text);
      parseGuardJournal(text);
      parseGuardRequest(text);
    }), { seed: 7, numRuns: 500 });
  });
});

describe('cause of death', () => {
  const evidence: DeathEvidence = { name: 'w', exitCode: null, signal: null, spawnError: null, stderr: '', peakRssBytes: 100e6, memoryLimitBytes: 1e9 };
  it.each([
    ['a signal', { signal: 'SIGSEGV' }, 'worker.crashed', 'signal SIGSEGV'],
    ['an exit code', { exitCode: 70 }, 'worker.crashed', 'exit code 70'],
    ['a shell-like exit code', { exitCode: 139 }, 'worker.crashed', 'exit code 139 (SIGSEGV)'],
    ['a clean exit that nobody asked for', { exitCode: 0 }, 'worker.crashed', 'exit code 0'],
    ['no start at all', { spawnError: 'spawn EAGAIN' }, 'worker.crashed', 'an error at its start'],
    ['a kill near the limit', { signal: 'SIGKILL', peakRssBytes: 900e6 }, 'worker.out_of_memory', 'signal SIGKILL'],
    ['a kill far from the limit', { signal: 'SIGKILL' }, 'worker.crashed', 'signal SIGKILL'],
    ['a kill of unknown size', { signal: 'SIGKILL', peakRssBytes: null }, 'worker.crashed', 'signal SIGKILL'],
    ['a full heap', { signal: 'SIGABRT', stderr: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n' }, 'worker.out_of_memory', 'signal SIGABRT'],
  ] as const)('%s', (_, more, code, how) => {
    const problem = decideCauseOfDeath({ ...evidence, ...more });
    expect({ code: problem.code, how: problem.facts['how'] ?? null }).toEqual({ code, how });
  });
  it('names an exit of which nothing is known', () => {
    expect(describeExit(null, null)).toBe('an unknown exit code');
  });
  it.each([
    ['', ''],
    ['hello\n', 'hello'],
    ['noise\nTypeError: x is not a function\n    at f (a.js:1:2)\n\nNode.js v24.21.0\n', 'TypeError: x is not a function'],
    [`Error: ${'x'.repeat(500)}`, `Error: ${'x'.repeat(292)}…`],
  ])('the telling line of %j', (stderr, line) => {
    expect(decideTellingLine(stderr)).toBe(line);
  });
});

describe('childEnvironment', () => {
  it('compares without case on Windows only, and lets what we set ourselves through', () => {
    const env = { Path: 'C:\\x', SystemRoot: 'C:\\Windows', node_options: '--x', PYTHONHOME: 'C:\\p' };
    expect(childEnvironment(env, { PYTHONUTF8: '1' }, 'win32')).toEqual({ Path: 'C:\\x', SystemRoot: 'C:\\Windows', PYTHONUTF8: '1' });
    expect(childEnvironment(env, {}, 'linux')).toEqual({});
  });
});

describe('decideIsProgram', () => {
  it.each([
    ['7f454c46', 'linux', true],
    ['23212f62', 'linux', true],
    ['4d5a9000', 'linux', false],
    ['4d5a9000', 'win32', true],
    ['23212f62', 'win32', false],
    ['cffaedfe', 'darwin', true],
    ['7f454c46', 'darwin', false],
    ['', 'linux', false],
    ['23', 'linux', false],
    ['64617461', 'freebsd', false],
  ] as const)('%s on %s: %s', (hex, platform, expected) => {
    expect(decideIsProgram(Buffer.from(hex, 'hex'), platform)).toBe(expected);
  });
});

describe('createTailBuffer', () => {
  it('holds the last bytes however they come', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ max: 40 }).map((bytes) => bytes.map((byte) => byte % 128)), { maxLength: 20 }), fc.integer({ min: 1, max: 50 }), (chunks, limit) => {
      const tail = createTailBuffer(limit);
      for (const chunk of chunks) tail.append(chunk);
      expect(tail.text()).toBe(Buffer.concat(chunks).subarray(-limit).toString());
    }), { seed: 7, numRuns: 300 });
  });
});

describe('createLineReader', () => {
  const read = (chunks: readonly Buffer[], maxLineBytes?: number): { messages: unknown[]; garbage: string[] } => {
    const messages: unknown[] = [];
    const garbage: string[] = [];
    const reader = createLineReader({ message: (value) => messages.push(value), garbage: (detail) => garbage.push(detail) }, maxLineBytes);
    for (const chunk of chunks) reader.append(chunk);
    return { messages, garbage };
  };
  it('gives the same messages wherever the bytes are cut', () => {
    const values = [{ a: 'größe' }, [1, 2], null, 'line\nbreak'];
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join('\n'));
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 10 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
      expect(read(chunks)).toEqual({ messages: values, garbage: [] });
    }), { seed: 7, numRuns: 200 });
  });
  it('stops at the first line that is no JSON, and at a line without an end', () => {
    expect(read([Buffer.from('1\nSegfault\n2\n'), Buffer.from('3\n')])).toEqual({ messages: [1], garbage: ['not JSON: Segfault'] });
    expect(read([Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x')], 1024)).toEqual({ messages: [], garbage: ['a message of more than 0 MB'] });
  });
});
