import { expect, it, describe } from 'vitest';
import type { Job } from '../../contract/jobs.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import type { JobsStore } from './jobs-store.ts';
import { createStore } from 'zustand/vanilla';
import { createMachineStore } from './machine-store.ts';
import { createOptimiseStore, keyOfSet } from './optimise-store.ts';

interface Asked {
  readonly op: string;
  readonly input: unknown;
  answer(value: unknown): void;
  fail(error?: Error): void;
}

/** An engine of a few lines: what it is asked waits until the test answers it. */
function start() {
  const asked: Asked[] = [];
  const listeners = new Set<(nowMs: number) => void>();
  let push: (item: unknown) => void = () => undefined;
  const revisions = (async function* () { for (;;) yield await new Promise((resolve) => { push = resolve; }); })();
  const never = (async function* () { yield await new Promise<never>(() => undefined); })();
  const client = { optimize: new Proxy({}, { get: (_, op: string) => (input: unknown) => (op === 'watch' ? Promise.resolve(revisions) : op === 'watchTune' ? Promise.resolve(never) : new Promise((resolve, reject) => { asked.push({ op, input, answer: resolve, fail: (error = new Error('no')) => { reject(error); } }); })) }) } as unknown as Client;
  const clock: CommitClock = { onTick: (l) => { listeners.add(l); return () => listeners.delete(l); }, stop: () => undefined };
  const cancelled: string[] = [];
  const jobs = createStore<unknown>()(() => ({ jobs: { state: 'ready', value: [], atMs: 0 }, cancel: async (id: string) => { cancelled.push(id); } })) as unknown as JobsStore;
  const source = { whenReady: () => Promise.resolve() };
  const store = createOptimiseStore({ client, source, clock, jobs });
  const machine = createMachineStore({ client, source, clock });
  return {
    store, machine, asked, cancelled,
    last(op: string): Asked {
      const found = asked.filter((a) => a.op === op).at(-1);
      if (found === undefined) throw new Error(`${op} was not asked`);
      return found;
    },
    count: (op: string): number => asked.filter((a) => a.op === op).length,
    /** Answers everything that a reading of the page asks. */
    async readOut(overview: unknown = { states: [] }): Promise<void> {
      const values: Readonly<Record<string, unknown>> = { overview, profiles: [], effects: [], applications: [], workloads: [] };
      for (const a of asked) if (a.op in values) a.answer(values[a.op]);
      await settle();
    },
    async revise(): Promise<void> {
      push({ revision: 1 });
      await settle();
      for (const l of listeners) l(1000);
      await settle();
    },
    async jobIs(id: string, state: Job['state']): Promise<void> {
      jobs.setState({ jobs: { state: 'ready', value: [{ id, state, kind: 'measure' } as Job], atMs: 0 } });
      await settle();
    },
  };
}
/** Every promise that can go on has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 0); });
const subject = { environmentId: null, place: null };
const wish = (toggleId: string) => ({ toggles: [{ toggleId, value: 'on' }] });

describe('what is looked at', () => {
  it('is read when the page comes, and again at each change until it leaves', async () => {
    const s = start();
    await settle();
    s.store.getState().enter(subject);
    await s.readOut();
    expect(s.store.getState().overview.state).toBe('ready');
    await s.revise();
    expect(s.count('overview')).toBe(2);
    await s.readOut();
    s.store.getState().leave();
    await s.revise();
    expect(s.count('overview')).toBe(2);
  });

  it('many changes meanwhile make one more reading', async () => {
    const s = start();
    s.store.getState().enter(subject);
    void s.store.getState().refresh();
    void s.store.getState().refresh();
    expect(s.count('overview')).toBe(1);
    await s.readOut();
    expect(s.count('overview')).toBe(2);
    await s.readOut();
    expect(s.count('overview')).toBe(2);
  });

  it('an answer for what was looked at before is for nobody; what is wanted on goes too', async () => {
    const s = start();
    s.store.getState().enter(subject);
    s.store.getState().setDraft(null, [{ toggleId: 'tf32', value: 'high' }]);
    const late = s.last('overview');
    s.store.getState().enter({ environmentId: 'b', place: 'cpu' });
    late.answer({ states: ['wrong'] });
    await settle();
    expect(s.store.getState()).toMatchObject({ overview: { state: 'loading' }, drafts: {} });
    for (const a of s.asked) a.answer(a.op === 'overview' ? { states: [] } : []);
    await settle();
    await s.readOut();
    expect(s.last('overview').input).toEqual({ environmentId: 'b', place: 'cpu' });
    expect(s.store.getState().overview.state).toBe('ready');
  });

  it('keeps what was known when a reading fails', async () => {
    const s = start();
    s.store.getState().enter(subject);
    await s.readOut();
    void s.store.getState().refresh();
    for (const a of s.asked.slice(-4)) a.fail();
    await settle();
    expect(s.store.getState().overview.state).toBe('stale');
    expect(s.store.getState().applications.state).toBe('stale');
  });

  it('pairs are read once for a verdict, again while it is measured, and forgotten with their card', async () => {
    const s = start();
    const card = { id: 'x', verdict: 'helps' as const };
    void s.store.getState().readDetail(card);
    void s.store.getState().readDetail(card);
    expect(s.count('effect')).toBe(1);
    s.last('effect').answer({ id: 'x', verdict: 'helps', pairs: [] });
    await settle();
    await s.store.getState().readDetail(card);
    expect(s.count('effect')).toBe(1);
    for (let i = 0; i < 2; i++) {
      void s.store.getState().readDetail({ id: 'live', verdict: null });
      s.last('effect').answer({ id: 'live', verdict: null, pairs: [] });
      await settle();
    }
    expect(s.count('effect')).toBe(3);
    s.store.getState().enter(subject);
    await s.readOut({ states: [{ effects: [{ id: 'live' }] }] });
    expect(Object.keys(s.store.getState().details)).toEqual(['live']);
  });
});

describe('measure all', () => {
  it('one after the other; what one switch lacks does not stop the next, and is said at the end', async () => {
    const s = start();
    void s.store.getState().measureAll([wish('a'), wish('b'), wish('c')]);
    s.last('measure').answer({ id: 'j1' });
    await settle();
    expect(s.store.getState().queue).toEqual({ total: 3, done: 0, jobId: 'j1' });
    await s.jobIs('j1', 'running');
    expect(s.count('measure')).toBe(1);
    await s.jobIs('j1', 'failed');
    expect(s.count('measure')).toBe(2);
    s.last('measure').fail(problemError('toggle.workload', { title: 'B' }));
    await settle();
    expect(s.store.getState().queue?.done).toBe(2);
    s.last('measure').answer({ id: 'j3' });
    await settle();
    await s.jobIs('j3', 'done');
    expect(s.store.getState()).toMatchObject({ queue: null, problem: { code: 'toggle.workload' } });
    expect(s.store.getState().started).toEqual({ 'a=on': 'j1', 'c=on': 'j3' });
  });

  it.each([['cancelled'], ['interrupted']] as const)('%s ends it', async (state) => {
    const s = start();
    void s.store.getState().measureAll([wish('a'), wish('b')]);
    s.last('measure').answer({ id: 'j1' });
    await settle();
    await s.jobIs('j1', state);
    expect(s.store.getState().queue).toBeNull();
    expect(s.count('measure')).toBe(1);
  });

  it('ends where something else is measured', async () => {
    const s = start();
    void s.store.getState().measureAll([wish('a'), wish('b')]);
    s.last('measure').fail(problemError('bench.busy', { title: 'X', place: 'GPU' }));
    await settle();
    expect(s.store.getState()).toMatchObject({ queue: null, problem: makeProblem('bench.busy', { title: 'X', place: 'GPU' }) });
    expect(s.count('measure')).toBe(1);
  });

  it('stop cancels what runs, also when it starts only now', async () => {
    const s = start();
    void s.store.getState().measureAll([wish('a'), wish('b')]);
    s.last('measure').answer({ id: 'j1' });
    await settle();
    await s.store.getState().stopQueue();
    expect(s.cancelled).toEqual(['j1']);
    await s.jobIs('j1', 'cancelled');
    expect(s.count('measure')).toBe(1);
    void s.store.getState().measureAll([wish('a')]);
    await s.store.getState().stopQueue();
    s.last('measure').answer({ id: 'j2' });
    await settle();
    expect(s.store.getState().queue).toBeNull();
    expect(s.cancelled).toEqual(['j1', 'j2']);
  });
});

it('a set has one key, whatever its order', () => {
  expect(keyOfSet([{ toggleId: 'b', value: '1' }, { toggleId: 'a', value: '2' }])).toBe(keyOfSet([{ toggleId: 'a', value: '2' }, { toggleId: 'b', value: '1' }]));
});

describe('the machine', () => {
  it('a report about another GPU is for nobody', async () => {
    const { machine, last } = start();
    void machine.getState().look(subject, 'one');
    void machine.getState().explainSlow('one', 10);
    const late = last('explainSlow');
    void machine.getState().look(subject, 'two');
    expect(machine.getState().slow.state).toBe('idle');
    late.answer({ causes: [] });
    await settle();
    expect(machine.getState().slow.state).toBe('idle');
    void machine.getState().explainSlow('two', 10);
    last('explainSlow').fail();
    await settle();
    expect(machine.getState().slow.state).toBe('failed');
  });

  it('settings of the GPU before are not shown; a change that is kept replaces its trial', async () => {
    const { machine, last, asked } = start();
    void machine.getState().look(subject, 'one');
    const late = last('deviceSettings');
    void machine.getState().look(subject, null);
    late.answer([{ id: 'power_limit' }]);
    await settle();
    expect(machine.getState().settings.state).toBe('idle');
    const applying = machine.getState().applyDevice('p');
    last('applyDevice').answer({ id: 'c', uuid: 'one', state: 'trial' });
    await applying;
    void machine.getState().confirmDevice('c');
    last('confirmDevice').answer({ id: 'c', uuid: 'one', state: 'confirmed' });
    await settle();
    expect(machine.getState().changes).toMatchObject({ value: [{ id: 'c', state: 'confirmed' }] });
    void machine.getState().revertDevice('c');
    last('revertDevice').fail(problemError('device.not_found', { what: 'c' }));
    await settle();
    expect(machine.getState().problem?.code).toBe('device.not_found');
    expect(asked.at(-1)?.op).toBe('deviceChanges');
    machine.getState().dismiss();
    expect(machine.getState().problem).toBeNull();
  });
});
