import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { GpuProcess, RawProcess } from '../../../contract/gpu.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { makeTree, until } from '../test-support.ts';
import { decideIdentity, type IdentityFacts } from './identify-process.ts';
import { createProcessHistory } from './process-history.ts';
import { createProcessService } from './process-service.ts';
import { createProcessReader, parsePasswd, parseStat } from './read-process.ts';
import { createTerminator } from './terminate-process.ts';

const children: ChildProcess[] = [];
let tree: ReturnType<typeof makeTree> | null = null;
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) { const gone = once(child, 'exit'); child.kill('SIGKILL'); await gone; }
  tree?.remove();
  tree = null;
});
async function sleeper(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return { child, pid: child.pid ?? 0 };
}
const raw = (pid: number, more: Partial<RawProcess> = {}): RawProcess => ({ gpuUuid: 'GPU-1', pid, type: 'compute', memUsedBytes: 1000, utilSmPercent: 50, utilMemPercent: null, utilEncoderPercent: null, utilDecoderPercent: null, ...more });
const codeOf = async (run: () => unknown): Promise<string | null> => {
  try { await run(); return null; } catch (error) { return error instanceof ProblemError ? error.problem.code : String(error); }
};
/** Pids of a container may be namespaced; these tests are about their own children, so the first namespace is assumed. */
const service = (kind: 'nvml' | 'simulate' = 'nvml', root?: string) => createProcessService({ source: () => ({ kind, simulated: kind !== 'nvml' }), setWanted: () => undefined, ...(root === undefined ? {} : { root }) });
const initial = createProcessReader().initialNamespace;

describe('reading a process', () => {
  it('of this machine, with its identity', async () => {
    const { pid } = await sleeper();
    const facts = createProcessReader().read(pid);
    expect(facts).toMatchObject({ pid, uid: process.getuid?.() });
    expect(facts?.command).toContain('setInterval');
    expect(facts?.hostMemBytes).toBeGreaterThan(1_000_000);
    expect(Math.abs((facts?.startedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(facts?.startTicks).toBe(parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks);
    expect(createProcessReader().read(4_194_305)).toBeNull();
  });
  it.each([
    ['12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20', { name: 'a) b) (c', state: 'S', startTicks: '777' }],
    ['', null], ['12 x', null], ['12 (x) S 1', null],
  ])('parses %j', (line, expected) => { expect(parseStat(line)).toEqual(expected); });
  it('parses passwd', () => { expect([...parsePasswd('root:x:0:0:r:/root:/bin/sh\nbad\nmaria:x:1000:1000::/home/m:/bin/sh\n')]).toEqual([[0, 'root'], [1000, 'maria']]); });
  it('names a kernel thread by its name, and a zombie is gone', () => {
    const stat = (state: string): string => `7 (kworker) ${state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20`;
    tree = makeTree({ 'proc/stat': 'btime 1000\n', 'proc/7/stat': stat('S'), 'proc/7/status': 'Uid:\t1000\t1000\nVmRSS:\t 12 kB\n', 'proc/7/cmdline': '', 'proc/8/stat': stat('Z'), 'etc/passwd': 'maria:x:1000:1000::/:/bin/sh\n' });
    const reader = createProcessReader({ root: tree.root });
    expect(reader.read(7)).toEqual({ pid: 7, startTicks: '777', uid: 1000, startedAtMs: 1_007_770, command: '[kworker]', executable: null, hostMemBytes: 12_288 });
    expect(reader.userName(1000)).toBe('maria');
    expect(reader.userName(4242)).toBe('4242');
    expect(reader.read(8)).toBeNull();
  });
});

describe('decideIdentity', () => {
  const facts = { pid: 50, startTicks: '9', uid: 1000, startedAtMs: 1, command: 'python', executable: null, hostMemBytes: 1 };
  const about: IdentityFacts = { facts, userName: 'maria', initialNamespace: true, holdsGpu: false, hidden: false, ownUid: 1000, ownPid: 99, platform: 'linux', simulated: false };
  it.each<[string, Partial<IdentityFacts>, GpuProcess['identity'], boolean]>([
    ['own', {}, 'local', true],
    ["another user's", { ownUid: 1001 }, 'foreign', false],
    ["another user's, as root", { ownUid: 0 }, 'local', true],
    ['ended', { facts: null }, 'gone', false],
    ['hidden by the system', { facts: null, hidden: true }, 'foreign', false],
    ["the host's, not here", { initialNamespace: false, facts: null }, 'host', false],
    ["the host's, another one here", { initialNamespace: false }, 'host', false],
    ['in a container, holding the device', { initialNamespace: false, holdsGpu: true }, 'local', true],
    ['Warpdeck itself', { ownPid: 50 }, 'local', false],
    ['the first process', { facts: { ...facts, pid: 1 } }, 'local', false],
    ['simulated', { simulated: true }, 'foreign', false],
    ['on Windows', { platform: 'win32', facts: null }, 'local', false],
  ])('%s', (_, part, identity, canTerminate) => {
    const p = decideIdentity(raw(50), { ...about, ...part });
    expect(p).toMatchObject({ identity, canTerminate });
    expect(p.whyNot === null).toBe(canTerminate);
  });
});

describe('ending a process', () => {
  const listed = (pid: number, more: Partial<GpuProcess> = {}): GpuProcess => ({
    ...raw(pid), identity: 'local', user: 'me', command: 'node', executable: null, hostMemBytes: null, startedAtMs: null, startTicks: createProcessReader().readTicks(pid), canTerminate: true, whyNot: null, environment: null, torchVerdict: null, ...more,
  });
  const wanted = (pid: number, startTicks: string | null = null) => ({ pid, startTicks, signal: 'TERM' as const });
  const readTicks = (pid: number): string | null => createProcessReader().readTicks(pid);

  it('that is there ends it, once', async () => {
    const { child, pid } = await sleeper();
    const gone = once(child, 'exit');
    const terminator = createTerminator({ readTicks });
    const plan = terminator.plan(wanted(pid), [listed(pid), listed(pid, { gpuUuid: 'GPU-2', memUsedBytes: 500 })]);
    expect(plan).toMatchObject({ pid, gpus: ['GPU-1', 'GPU-2'], memUsedBytes: 1500, signal: 'TERM', startTicks: readTicks(pid) });
    expect(terminator.apply(plan.planId)).toEqual({ pid, signalled: true });
    expect((await gone)[1]).toBe('SIGTERM');
    expect(await codeOf(() => terminator.apply(plan.planId))).toBe('process.plan_expired');
  });

  it('whose pid was used again ends nobody', async () => {
    const { child, pid } = await sleeper();
    // The reader looks at a tree in which the number belongs to a process that started at another time.
    const stat = (ticks: number): string => `${pid} (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ${ticks} 20`;
    tree = makeTree({ [`proc/${pid}/stat`]: stat(2) });
    const root = tree.root;
    let reused = false;
    const terminator = createTerminator({ readTicks: (p) => (reused ? createProcessReader({ root }).readTicks(p) : readTicks(p)) });
    const plan = terminator.plan(wanted(pid), [listed(pid)]);
    reused = true;
    expect(await codeOf(() => terminator.apply(plan.planId))).toBe('process.changed');
    expect(await codeOf(() => terminator.plan(wanted(pid), [listed(pid)]))).toBe('process.changed');
    reused = false;
    expect(await codeOf(() => terminator.plan(wanted(pid, '1'), [listed(pid)]))).toBe('process.changed');
    expect(child.exitCode).toBeNull();
    expect(child.signalCode).toBeNull();
  });

  it('that has ended says so', async () => {
    const { child, pid } = await sleeper();
    const terminator = createTerminator({ readTicks });
    const row = listed(pid);
    const plan = terminator.plan(wanted(pid), [row]);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(await codeOf(() => terminator.apply(plan.planId))).toBe('process.gone');
    expect(await codeOf(() => terminator.plan(wanted(pid), [row]))).toBe('process.gone');
  });

  it('later than a minute is refused; so is one that is not on a GPU, or not ours', async () => {
    const { pid } = await sleeper();
    let t = 0;
    const terminator = createTerminator({ readTicks, now: () => t });
    const plan = terminator.plan(wanted(pid), [listed(pid)]);
    t = 60_000;
    expect(await codeOf(() => terminator.apply(plan.planId))).toBe('process.plan_expired');
    expect(await codeOf(() => terminator.apply('nonsense'))).toBe('process.plan_expired');
    expect(await codeOf(() => terminator.plan(wanted(pid), []))).toBe('process.not_on_gpu');
    expect(await codeOf(() => terminator.plan(wanted(pid), [listed(pid, { canTerminate: false, whyNot: 'It belongs to root.' })]))).toBe('process.foreign');
    const refused = createTerminator({ readTicks, kill: () => { throw Object.assign(new Error('no'), { code: 'EPERM' }); } });
    const other = refused.plan(wanted(pid), [listed(pid)]);
    expect(await codeOf(() => refused.apply(other.planId))).toBe('process.foreign');
  });
});

describe('the service', () => {
  it('knows who is who, keeps a history and ends through plan and apply', async () => {
    const { child, pid } = await sleeper();
    const s = service();
    await s.accept({ type: 'processes', atMs: Date.now(), processes: [raw(pid)], notReported: {} });
    const reading = await s.once();
    const row = reading.processes[0];
    if (!initial) {
      // In a container with pids of its own the number of a process without the device open is the host's.
      expect(row?.identity).toBe('host');
      expect(await codeOf(() => s.planTerminate({ pid, startTicks: null, signal: 'TERM' }))).toBe('process.foreign');
      return;
    }
    expect(row).toMatchObject({ identity: 'local', canTerminate: true });
    expect(s.history(pid, row?.startTicks ?? null)).toEqual([{ atMs: reading.atMs, gpuUuid: 'GPU-1', memUsedBytes: 1000, utilSmPercent: 50 }]);
    const gone = once(child, 'exit');
    const plan = await s.planTerminate({ pid, startTicks: null, signal: 'KILL' });
    s.terminate(plan.planId);
    expect((await gone)[1]).toBe('SIGKILL');
  });

  it('asks the source only while somebody watches', async () => {
    const asked: boolean[] = [];
    const s = createProcessService({ source: () => ({ kind: 'simulate', simulated: true }), setWanted: (w) => asked.push(w) });
    const seen: number[] = [];
    const one = s.watch((r) => seen.push(r.processes.length));
    const two = s.watch(() => undefined);
    await s.accept({ type: 'processes', atMs: Date.now(), processes: Array.from({ length: 300 }, (_, i) => raw(1000 + i)), notReported: {} });
    await until('the list', () => seen.length === 1);
    one(); one(); two();
    expect(asked).toEqual([true, false]);
    expect(seen).toEqual([300]);
  });

  it('never ends what is simulated', async () => {
    const s = service('simulate');
    await s.accept({ type: 'processes', atMs: Date.now(), processes: [raw(process.pid, { user: 'maria', command: 'python train.py', startedAtMs: 5 })], notReported: {} });
    expect((await s.once()).processes[0]).toMatchObject({ user: 'maria', command: 'python train.py', startedAtMs: 5, canTerminate: false });
    expect(await codeOf(() => s.planTerminate({ pid: process.pid, startTicks: null, signal: 'TERM' }))).toBe('gpu.simulated');
    expect(await codeOf(() => s.terminate('x'))).toBe('gpu.simulated');
  });
});

it('keeps ten minutes of a process and forgets the rest', () => {
  const h = createProcessHistory();
  const p = decideIdentity(raw(5, { startedAtMs: 1 }), { facts: null, userName: null, initialNamespace: true, holdsGpu: false, hidden: false, ownUid: 1, ownPid: 2, platform: 'linux', simulated: true });
  for (let t = 0; t <= 1_200_000; t += 2000) h.add(t, [p]);
  const points = h.read(5, null);
  expect(points).toHaveLength(301);
  expect(points[0]?.atMs).toBe(600_000);
  h.add(3_000_000, [{ ...p, pid: 6 }]);
  expect(h.read(5, null)).toEqual([]);
});
