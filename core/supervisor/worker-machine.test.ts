import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { decideWorker, newWorkerMachine, type WorkerEffect, type WorkerEvent, type WorkerLimits, type WorkerMachine } from './worker-machine.ts';

const limits: WorkerLimits = { name: 'w', startTimeoutMs: 5000, unresponsiveAfterMs: 3000, firstMs: 500, maxMs: 8000, budget: 5, regainMs: 120_000 };
const crash = makeProblem('worker.crashed', { name: 'w', how: 'signal SIGSEGV', detail: '' });
const exit: WorkerEvent = { t: 'exit', problem: crash };

/** Runs events at their times from a new machine. */
function play(...steps: readonly (readonly [number, WorkerEvent])[]): { machine: WorkerMachine; effects: readonly WorkerEffect[] } {
  let machine = newWorkerMachine(limits);
  let effects: readonly WorkerEffect[] = [];
  for (const [atMs, event] of steps) ({ machine, effects } = decideWorker(machine, event, atMs, limits));
  return { machine, effects };
}
const beat = (progress: number, busy: string | null = null): WorkerEvent => ({ t: 'beat', progress, busy });
const started = [[0, { t: 'start' }], [100, { t: 'hello' }]] as const;

describe('decideWorker', () => {
  it.each([
    ['a start spawns and waits for hello', [[0, { t: 'start' }]], 'starting', ['spawn'], 5000, null],
    ['hello makes it ready', started, 'ready', [], 3100, null],
    ['no hello in time: killed', [[0, { t: 'start' }], [5000, { t: 'wake' }]], 'unresponsive', ['kill'], 7000, 'worker.start_timeout'],
    ['a beat moves the deadline', [...started, [1000, beat(1)]], 'ready', [], 4000, null],
    ['silence is a hang', [...started, [1000, beat(1)], [4000, { t: 'wake' }]], 'unresponsive', ['kill'], 6000, 'worker.unresponsive'],
    ['busy without progress is a hang although it beats', [...started, [1000, beat(1, 'x')], [2000, beat(1, 'x')], [3000, beat(1, 'x')], [4000, { t: 'wake' }]], 'unresponsive', ['kill'], 6000, 'worker.unresponsive'],
    ['busy with progress is work', [...started, [1000, beat(1, 'x')], [2000, beat(2, 'x')], [4000, { t: 'wake' }]], 'ready', [], 5000, null],
    ['waiting without progress is no hang', [...started, [1000, beat(1)], [3000, beat(1)]], 'ready', [], 6000, null],
    ['a wake long after its time gives the beats a chance', [...started, [1000, beat(1)], [60_000, { t: 'wake' }]], 'ready', [], 63_000, null],
    ['a wake before its time does nothing', [...started, [3000, { t: 'wake' }]], 'ready', [], 3100, null],
    ['an exit leads to backoff', [...started, [1000, exit]], 'backoff', [], 1500, 'worker.crashed'],
    ['backoff ends in a start', [...started, [1000, exit], [1500, { t: 'wake' }]], 'starting', ['spawn'], 6500, 'worker.crashed'],
    ['hello clears the problem', [...started, [1000, exit], [1500, { t: 'wake' }], [1600, { t: 'hello' }]], 'ready', [], 4600, null],
    ['a condemned worker dies of what it was condemned for', [...started, [1000, { t: 'condemn', problem: makeProblem('worker.protocol', {}) }], [1100, exit]], 'backoff', [], 1600, 'worker.protocol'],
    ['a worker that survives the kill is abandoned', [...started, [1000, { t: 'condemn', problem: crash }], [3000, { t: 'wake' }]], 'unresponsive', ['abandon'], null, 'worker.crashed'],
    ['stop asks first', [...started, [1000, { t: 'stop' }]], 'stopping', ['ask'], 4000, null],
    ['then terminates', [...started, [1000, { t: 'stop' }], [4000, { t: 'wake' }]], 'stopping', ['terminate'], 6000, null],
    ['then kills', [...started, [1000, { t: 'stop' }], [4000, { t: 'wake' }], [6000, { t: 'wake' }]], 'stopping', ['kill'], 8000, null],
    ['then gives up', [...started, [1000, { t: 'stop' }], [4000, { t: 'wake' }], [6000, { t: 'wake' }], [8000, { t: 'wake' }]], 'stopping', ['abandon'], null, null],
    ['an exit while stopping is the end', [...started, [1000, { t: 'stop' }], [1100, exit]], 'idle', [], null, null],
    ['stop in backoff cancels the restart', [...started, [1000, exit], [1100, { t: 'stop' }]], 'idle', [], null, null],
    ['stop while it is being killed', [...started, [1000, { t: 'condemn', problem: crash }], [1001, { t: 'stop' }]], 'stopping', [], 3000, 'worker.crashed'],
    ['restart while ready ends it first', [...started, [1000, { t: 'restart' }]], 'stopping', ['ask'], 4000, null],
    ['and then starts it', [...started, [1000, { t: 'restart' }], [1100, exit]], 'starting', ['spawn'], 6100, null],
    ['restart in backoff starts now', [...started, [1000, exit], [1100, { t: 'restart' }]], 'starting', ['spawn'], 6100, 'worker.crashed'],
    ['a beat of a stopping worker changes nothing', [...started, [1000, { t: 'stop' }], [1100, beat(2)]], 'stopping', [], 4000, null],
    ['a second start changes nothing', [...started, [200, { t: 'start' }]], 'ready', [], 3100, null],
    ['an exit when idle changes nothing', [[0, exit]], 'idle', [], null, null],
  ] as const)('%s', (_, steps, state, effects, wakeAtMs, code) => {
    const end = play(...steps);
    expect({ state: end.machine.state, effects: end.effects, wakeAtMs: end.machine.wakeAtMs, code: end.machine.problem?.code ?? null }).toEqual({ state, effects: [...effects], wakeAtMs, code });
  });

  it('backs off 0.5 to 8 s, restarts five times, then fails with the number of ends and the last cause', () => {
    let { machine } = play([0, { t: 'start' }]);
    let nowMs = 0;
    const delays: number[] = [];
    for (;;) {
      ({ machine } = decideWorker(machine, { t: 'hello' }, nowMs, limits));
      ({ machine } = decideWorker(machine, exit, nowMs, limits));
      if (machine.wakeAtMs === null) break;
      delays.push(machine.wakeAtMs - nowMs);
      nowMs = machine.wakeAtMs;
      ({ machine } = decideWorker(machine, { t: 'wake' }, nowMs, limits));
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(machine).toMatchObject({ state: 'failed', restarts: 5, budgetLeft: 0 });
    expect(machine.problem).toMatchObject({ code: 'worker.failed', facts: { restarts: 6, how: 'signal SIGSEGV' } });
    const again = decideWorker(machine, { t: 'restart' }, nowMs, limits);
    expect(again).toMatchObject({ effects: ['spawn'], machine: { state: 'starting', budgetLeft: 5 } });
  });

  it('regains one restart per two healthy minutes, never more than the budget', () => {
    const crashed = [...started, [1000, exit], [1500, { t: 'wake' }], [2000, { t: 'hello' }]] as const;
    expect(play(...crashed, [100_000, beat(1)]).machine.budgetLeft).toBe(4);
    expect(play(...crashed, [122_000, beat(1)]).machine.budgetLeft).toBe(5);
    expect(play(...crashed, [900_000, beat(1)]).machine.budgetLeft).toBe(5);
    // What was regained counts also if no beat came since, and shortens the next wait.
    const next = play(...crashed, [122_000, exit]).machine;
    expect((next.wakeAtMs ?? 0) - 122_000).toBe(500);
  });

  it('restarts at once where the budget is zero fail at once', () => {
    const none = { ...limits, budget: 0 };
    const { machine } = decideWorker({ ...newWorkerMachine(none), state: 'ready' }, exit, 0, none);
    expect(machine.state).toBe('failed');
  });
});
