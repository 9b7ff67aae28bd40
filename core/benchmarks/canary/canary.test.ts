import { afterEach, describe, expect, it } from 'vitest';
import { canaryState } from '../../../contract/benchmarks.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { join } from 'node:path';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { makeTestBenchmarks, testMachine, type TestBenchmarks, type TestOptions } from '../runner/fixtures/make-test-benchmarks.ts';

const open: TestBenchmarks[] = [];
const make = (options: TestOptions): TestBenchmarks => {
  const made = makeTestBenchmarks({ canaryCaseSeconds: 0.1, ...options });
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const one of open.splice(0)) {
    await one.jobs.stopAll();
    await one.storage.close();
  }
});
const figures = (speed: number): readonly number[] => [speed, speed * 1.001, speed * 0.999];
const runOnce = async (made: TestBenchmarks) => {
  const job = await made.ended((await made.canary.run(null)).id);
  return { job, state: canaryState.parse(made.canary.state()) };
};

describe('a machine and its own history', () => {
  it('learns, is calm, alarms when it has become slower, stays alarmed, and says how to go back', async () => {
    let speed = 100;
    let driver = '580.65';
    const databasePath = join(makeTestFolder('canary'), 'warpdeck.db');
    const options: TestOptions = {
      databasePath, plan: () => ({ loops: 200_000, figures: figures(speed) }), machine: { ...testMachine, driverVersion: () => driver },
      wayBack: async () => ({ sentence: 'Go back to PyTorch 2.10.0.', actions: [{ kind: 'call', label: 'Go back', operation: 'upgrades.planRollback', input: { id: 'upgrade-1' } }] }),
    };
    const made = make(options);
    await made.begin();
    expect(made.canary.state().state).toBe('never');
    // Nobody has asked for one yet: it does not begin by itself.
    await made.canary.checkForChange();
    expect(made.jobs.list()).toEqual([]);
    for (const wobble of [1, 1.002, 0.998, 1.001, 0.999]) {
      speed = 100 * wobble;
      expect((await runOnce(made)).state).toMatchObject({ state: 'learning', because: 'asked', problem: null });
    }
    speed = 100;
    const calm = await runOnce(made);
    expect(calm.state).toMatchObject({ state: 'calm', rows: [{ caseId: 'fp32-1024', word: 'no_difference' }, { caseId: 'copy-256-mib' }, { caseId: 'cpu-512' }] });
    expect(calm.job).toMatchObject({ kind: 'benchmark', state: 'done' });
    // Canaries are not in the ordinary history.
    expect(await made.benchmarks.history({ name: null, place: null, limit: 10 })).toEqual([]);
    await made.canary.checkForChange();
    expect(made.jobs.list()).toHaveLength(6);

    speed = 90;
    driver = '580.95';
    await made.canary.checkForChange();
    const changed = made.jobs.list()[0];
    await made.ended(changed?.id ?? '');
    const today = new Date().toISOString().slice(0, 10);
    expect(made.canary.state()).toMatchObject({
      state: 'alarm', because: 'driver 580.65 → 580.95',
      problem: { code: 'canary.slower', facts: { percent: '10.0', since: today }, remedy: 'Go back to PyTorch 2.10.0.', actions: [{ kind: 'call', operation: 'upgrades.planRollback' }] },
    });
    // Each of the three was measured in two processes.
    expect(made.arms.wishes).toHaveLength(6 * 3 + 6);
    expect((await runOnce(made)).state.state).toBe('alarm');
    await made.storage.close();
    const again = make(options);
    await again.begin();
    expect(again.canary.state()).toMatchObject({ state: 'alarm', problem: { code: 'canary.slower' } });
    speed = 100;
    expect((await runOnce(again)).state).toMatchObject({ state: 'calm', problem: null });
  });

  it('does not alarm for what has passed when it is measured again', async () => {
    const slow = make({ plan: (_, at) => ({ loops: 200_000, figures: figures(at >= 15 && at < 18 ? 80 : 100 + (at % 5) * 0.1) }) });
    for (let n = 0; n < 6; n++) await runOnce(slow);
    expect(slow.arms.wishes).toHaveLength(15 + 3 + 3);
    expect(slow.canary.state()).toMatchObject({ state: 'calm', problem: null });
  });

  it('counts nothing that was cancelled while it was measured again', async () => {
    const databasePath = join(makeTestFolder('canary'), 'warpdeck.db');
    // Five calm runs of three cases; the sixth is slow, and its second measurement never ends.
    let driver = '580.65';
    let isFirst = true;
    const options: TestOptions = { databasePath, machine: { ...testMachine, driverVersion: () => driver }, plan: (_, at) => (isFirst && at === 18 ? { hangsAfter: 1 } : { loops: 200_000, figures: figures(!isFirst || at >= 15 ? 80 : 100 + (at % 5) * 0.1) }) };
    const made = make(options);
    for (let n = 0; n < 5; n++) await runOnce(made);
    const known = made.canary.state();
    const job = await made.canary.run(null);
    while (made.arms.wishes.length < 19) await made.arms.nextSample();
    driver = '580.95';
    await made.jobs.cancel(job.id);
    expect((await made.ended(job.id)).state).toBe('cancelled');
    expect(made.canary.state()).toEqual(known);
    await made.storage.close();
    isFirst = false;
    const again = make(options);
    await again.begin();
    expect(again.canary.state()).toEqual(known);
    // It was measured with the driver that was there when it began; the one that came since is a change.
    await again.canary.checkForChange();
    expect(again.jobs.list()[0]).toMatchObject({ kind: 'benchmark' });
    await again.ended(again.jobs.list()[0]?.id ?? '');
    expect(again.canary.state()).toMatchObject({ state: 'alarm', because: 'driver 580.65 → 580.95' });
  });

  it('does not begin again what was cancelled, and looks once where many changes come together', async () => {
    let driver = '580.65';
    let looks = 0;
    let read = 0;
    const made = make({ machine: { ...testMachine, driverVersion: () => driver, knownTorch: () => { looks += 1; return '2.11.0'; }, torch: (...asked) => { read += 1; return testMachine.torch(...asked); } }, plan: (_, at) => (at === 3 ? { hangsAfter: 1 } : { loops: 200_000, figures: figures(100) }) });
    await runOnce(made);
    driver = '580.95';
    await made.canary.checkForChange();
    const begun = made.jobs.list()[0]?.id ?? '';
    while (made.arms.wishes.length < 4) await made.arms.nextSample();
    await made.jobs.cancel(begun);
    await made.ended(begun);
    [looks, read] = [0, 0];
    await Promise.all([1, 2, 3].map(() => made.canary.checkForChange()));
    // Reading an environment anew is itself a change of what is known: that would never end.
    expect([looks, read, made.jobs.list().length]).toEqual([1, 0, 2]);
  });

  it('fails in words, and a cancel leaves what was known', async () => {
    const broken = make({ machine: { ...testMachine, torch: async () => { throw problemError('bench.no_torch', { detail: 'There is none.' }); } } });
    expect(await broken.canary.run(null).then(() => null, (error: unknown) => problemOf(error)?.code)).toBe('bench.no_torch');
    const crashes = make({ plan: () => ({ fails: 'bench.torch_fails' }) });
    expect((await runOnce(crashes)).state).toMatchObject({ state: 'failed', sentence: 'PyTorch does not start', problem: { code: 'bench.torch_fails' } });
    const hung = make({ plan: () => ({ hangsAfter: 1 }) });
    const asked = hung.arms.nextSample();
    const job = await hung.canary.run('cpu');
    await asked;
    expect(hung.canary.state().state).toBe('running');
    await hung.jobs.cancel(job.id);
    await hung.ended(job.id);
    expect(hung.canary.state().state).toBe('never');
  });
});
