import { describe, expect, it } from 'vitest';
import type { EnvironmentMatrix } from '../../contract/verdict.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { createEnvironmentsStore, type EnvironmentsStore } from './environments-store.ts';

/** An engine of a few lines: what it is asked waits until the test answers it. */
function makeEngine(): { readonly client: Client; readonly clock: CommitClock; asked: { op: string; input: unknown; answer(value: unknown): void; fail(): void }[]; publish(matrix: Partial<EnvironmentMatrix>): Promise<void>; tick(): void } {
  const asked: { op: string; input: unknown; answer(value: unknown): void; fail(): void }[] = [];
  const listeners = new Set<(nowMs: number) => void>();
  let push: (matrix: unknown) => void = () => undefined;
  const ask = (op: string) => (input: unknown): Promise<unknown> => new Promise((resolve, reject) => { asked.push({ op, input, answer: resolve, fail: () => { reject(new Error('no')); } }); });
  const matrices = (async function* () { for (;;) yield await new Promise((resolve) => { push = resolve; }); })();
  const never = (async function* () { yield await new Promise<never>(() => undefined); })();
  const client = { environments: { get: ask('get'), advise: ask('advise'), judge: ask('judge'), scan: ask('scan'), prove: ask('prove'), addFolder: ask('addFolder'), seeDrift: ask('seeDrift'), watch: () => Promise.resolve(matrices), watchDrift: () => Promise.resolve(never) } } as unknown as Client;
  const clock: CommitClock = { onTick: (l) => { listeners.add(l); return () => listeners.delete(l); }, stop: () => undefined };
  const tick = (): void => { for (const l of listeners) l(1000); };
  return {
    client, clock, asked, tick,
    async publish(matrix) {
      push({ revision: 1, atMs: 0, state: 'ready', rows: [], targets: [], problems: [], note: null, ...matrix });
      await settle();
      tick();
      await settle();
    },
  };
}
/** Every promise that can go on has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve); });
const source = { whenReady: () => Promise.resolve() };
const report = (id: string, version: string): unknown => ({ environment: { id }, xray: { torch: { version } }, cells: [] });

async function start(): Promise<ReturnType<typeof makeEngine> & { readonly store: EnvironmentsStore; last(op: string): ReturnType<typeof makeEngine>['asked'][number] }> {
  const engine = makeEngine();
  const store = createEnvironmentsStore({ client: engine.client, source, clock: engine.clock });
  await settle();
  return {
    ...engine, store,
    last(op) {
      const found = engine.asked.filter((a) => a.op === op).at(-1);
      if (found === undefined) throw new Error(`${op} was not asked`);
      return found;
    },
  };
}

describe('what stands open', () => {
  it('keeps its advice although the matrix changes while it is asked for', async () => {
    const { store, publish, last } = await start();
    void store.getState().show('a', null);
    const advice = last('advise');
    await publish({});
    advice.answer({ environmentId: 'a', routes: [] });
    last('get').answer(report('a', '2.4.1'));
    await settle();
    expect(store.getState().advice).toMatchObject({ state: 'ready', value: { environmentId: 'a' } });
    expect(store.getState().report).toMatchObject({ state: 'ready', value: { environment: { id: 'a' } } });
  });

  it('shows the newest answer only, whatever the order they come in', async () => {
    const { store, publish, asked, last } = await start();
    void store.getState().show('a', null);
    const first = last('get');
    await publish({});
    const second = last('get');
    expect(second).not.toBe(first);
    second.answer(report('a', 'new'));
    await settle();
    first.answer(report('a', 'old'));
    await settle();
    expect(store.getState().report).toMatchObject({ value: { xray: { torch: { version: 'new' } } } });
    expect(asked.filter((a) => a.op === 'get')).toHaveLength(2);
  });

  it('asks for other advice when the build became another', async () => {
    const { store, publish, asked, last } = await start();
    void store.getState().show('a', null);
    last('get').answer(report('a', '2.4.1'));
    last('advise').answer({ environmentId: 'a', routes: ['old'] });
    await settle();
    await publish({});
    last('get').answer(report('a', '2.14.1'));
    await settle();
    expect(asked.filter((a) => a.op === 'advise')).toHaveLength(2);
    last('advise').answer({ environmentId: 'a', routes: [] });
    await settle();
    expect(store.getState().advice).toMatchObject({ state: 'ready', value: { routes: [] } });
  });

  it('an answer that comes after it was closed, or after another was opened, is for nobody', async () => {
    const { store, last } = await start();
    void store.getState().show('a', null);
    const [lateReport, lateAdvice] = [last('get'), last('advise')];
    store.getState().close();
    lateReport.answer(report('a', '1'));
    lateAdvice.fail();
    await settle();
    expect(store.getState()).toMatchObject({ open: null, report: { state: 'idle' }, advice: { state: 'idle' } });
    void store.getState().show('b', 'gpu');
    const ofB = last('advise');
    void store.getState().show('c', null);
    ofB.answer({ environmentId: 'b' });
    await settle();
    expect(store.getState()).toMatchObject({ open: { id: 'c' }, advice: { state: 'loading' } });
  });

  it('another GPU of the same environment asks nothing again', async () => {
    const { store, asked } = await start();
    void store.getState().show('a', 'one');
    void store.getState().show('a', 'two');
    expect(asked.filter((a) => a.op === 'get')).toHaveLength(1);
    expect(store.getState().open).toEqual({ id: 'a', gpuKey: 'two' });
  });
});

describe('other GPUs', () => {
  it('a judgement that was replaced meanwhile is dropped; back is at once', async () => {
    const { store, last } = await start();
    void store.getState().judgeFor({ gpus: ['RTX 5090'], driver: null });
    const first = last('judge');
    void store.getState().judgeFor({ gpus: ['H100'], driver: '580' });
    expect(last('judge').input).toEqual({ for: ['H100'], driver: '580', env: null });
    first.answer({ targets: ['wrong'], driver: {}, reports: [], problems: [] });
    await settle();
    expect(store.getState().judged.state).toBe('loading');
    last('judge').fail();
    await settle();
    expect(store.getState().judged.state).toBe('failed');
    void store.getState().judgeFor(null);
    expect(store.getState()).toMatchObject({ whatIf: null, judged: { state: 'idle' } });
  });
});

it('what failed is told until it was read', async () => {
  const { store, last } = await start();
  const scanning = store.getState().scan();
  last('scan').fail();
  await scanning;
  expect(store.getState().problem).not.toBeNull();
  store.getState().dismiss();
  expect(store.getState().problem).toBeNull();
});
