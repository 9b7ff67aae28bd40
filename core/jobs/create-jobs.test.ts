import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { isWorthAsking, type Job } from '../../contract/jobs.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import { keepLog } from '../storage/history/history-fixtures.ts';
import { createJobs, type JobContext, type Jobs } from './create-jobs.ts';
import { secondsLeft, updatePace, type Pace } from './estimate-time-left.ts';

const newFolder = (): string => join(makeTestFolder('jobs'), 'jobs');
const open = (folder: string | null): Jobs => createJobs({ folder, log: keepLog() });
const spec = { kind: 'benchmark', title: 'A test' } as const;

/** The next state of a job for which a condition holds. */
function when(jobs: Jobs, id: string, holds: (job: Job) => boolean): Promise<Job> {
  return new Promise((resolve) => {
    const look = (): void => {
      const job = jobs.get(id);
      if (!holds(job)) return;
      stop();
      resolve(job);
    };
    const stop = jobs.onChange(look);
    look();
  });
}
const ended = (jobs: Jobs, id: string): Promise<Job> => when(jobs, id, (job) => job.endedAtMs !== null);
async function readLog(jobs: Jobs, id: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of jobs.attach(id)) lines.push(line.text);
  return lines;
}

it.each([
  ['upgrade', 'running', true], ['upgrade', 'cancelling', true], ['upgrade', 'done', false],
  // It begins by itself with every engine: a window closed meanwhile has nothing to ask.
  ['scan', 'running', false],
] as const)('a job %s, %s: worth asking before it is ended: %s', (kind, state, expected) => {
  expect(isWorthAsking({ kind, state })).toBe(expected);
});

describe.each<[string, () => string | null]>([['on disk', newFolder], ['in memory', () => null]])('createJobs %s', (_, where) => {
  it('runs, tells, logs in lines and ends with a result', async () => {
    const jobs = open(where());
    const gate = Promise.withResolvers<undefined>();
    const started = jobs.start(spec, async (job) => {
      job.progress({ fraction: 0.5, doing: '5 of 10 runs' });
      job.log('one\ntwo\r\n');
      await gate.promise;
      job.log('three');
      return { tokensPerSecond: 12.5 };
    });
    expect(started).toMatchObject({ state: 'running', progress: null, secondsLeft: null });
    expect(jobs.runningCount()).toBe(1);
    await when(jobs, started.id, (job) => job.progress === 0.5 && job.doing === '5 of 10 runs');
    const reading = readLog(jobs, started.id);
    gate.resolve(undefined);
    expect(await ended(jobs, started.id)).toMatchObject({ state: 'done', progress: 1, doing: null, result: { tokensPerSecond: 12.5 }, problem: null });
    expect(await reading).toEqual(['one', 'two', 'three']);
    expect(await readLog(jobs, started.id)).toEqual(['one', 'two', 'three']);
    expect(jobs.runningCount()).toBe(0);
    expect(jobs.list().map((j) => j.id)).toEqual([started.id]);
  });

  it('fails with the Problem that was thrown, or with one about the error', async () => {
    const jobs = open(where());
    const a = jobs.start(spec, () => Promise.reject(problemError('file.disk_full', { path: 'x', detail: 'y' })));
    const b = jobs.start(spec, () => { throw new Error('a bug'); });
    expect((await ended(jobs, a.id)).problem?.code).toBe('file.disk_full');
    expect(await ended(jobs, b.id)).toMatchObject({ state: 'failed', problem: { code: 'engine.internal', facts: { detail: 'a bug' } } });
  });

  it('cancels at once, also when the end takes long', async () => {
    const jobs = open(where());
    const gate = Promise.withResolvers<undefined>();
    const { id } = jobs.start(spec, async ({ signal }) => {
      if (!signal.aborted) await once(signal, 'abort');
      await gate.promise;
      throw new Error('stopped');
    });
    expect((await jobs.cancel(id)).state).toBe('cancelling');
    expect((await jobs.cancel(id)).state).toBe('cancelling');
    expect(jobs.runningCount()).toBe(1);
    gate.resolve(undefined);
    expect(await ended(jobs, id)).toMatchObject({ state: 'cancelled', problem: null });
    expect((await jobs.cancel(id)).state).toBe('cancelled');
  });

  it('a reader can leave, and a second one sees all of a long log', async () => {
    const jobs = open(where());
    const gate = Promise.withResolvers<undefined>();
    const count = where() === null ? 500 : 5000;
    const line = (i: number): string => `${i} ${'x'.repeat(where() === null ? 10 : 400)}`;
    const { id } = jobs.start(spec, async (job) => {
      for (let i = 0; i < count; i++) job.log(line(i));
      await gate.promise;
      return null;
    });
    const leave = new AbortController();
    for await (const _ of jobs.attach(id, leave.signal)) leave.abort();
    const reading = readLog(jobs, id);
    gate.resolve(undefined);
    expect(await reading).toEqual(Array.from({ length: count }, (_, i) => line(i)));
    expect(await readLog(jobs, id)).toHaveLength(count);
  });

  it('stops all', async () => {
    const jobs = open(where());
    const run = async ({ signal }: JobContext): Promise<null> => {
      if (!signal.aborted) await once(signal, 'abort');
      return null;
    };
    jobs.start(spec, run);
    jobs.start(spec, run);
    await jobs.stopAll();
    expect(jobs.list().map((j) => j.state)).toEqual(['cancelled', 'cancelled']);
  });

  it('knows no other ids', async () => {
    const jobs = open(where());
    for (const ask of [() => jobs.get('x'), () => jobs.attach('x')]) {
      try {
        ask();
        expect.unreachable();
      } catch (error) {
        expect(problemOf(error)?.code).toBe('job.not_found');
      }
    }
    expect(problemOf(await jobs.cancel('x').catch((e: unknown) => e))?.code).toBe('job.not_found');
  });
});

describe('after a restart', () => {
  it('ended jobs and their logs are there', async () => {
    const folder = newFolder();
    const first = open(folder);
    const { id } = first.start(spec, (job) => {
      job.log('kept');
      return Promise.resolve({ n: 1 });
    });
    await ended(first, id);
    writeFileSync(join(folder, 'benchmark-broken.json'), '{"job": {');
    const second = open(folder);
    await second.load();
    expect(second.get(id)).toMatchObject({ state: 'done', result: { n: 1 } });
    expect(await readLog(second, id)).toEqual(['kept']);
    expect(second.list()).toHaveLength(1);
  });

  it('a job whose engine was killed is interrupted, with its log', async () => {
    const folder = newFolder();
    const source = fileURLToPath(new URL('create-jobs.ts', import.meta.url));
    const script = `
      const { createJobs } = await import(${JSON.stringify(source)});
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
      const jobs = createJobs({ folder: process.argv[1], log });
      const job = jobs.start({ kind: 'training', title: 'Long' }, async (c) => { c.log('step 1'); c.progress({ fraction: 0.25, doing: 'step 2' }); setTimeout(() => console.log(job.id), 50); await new Promise((r) => setTimeout(r, 1e6)); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const id = said.toString().trim();
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    const jobs = open(folder);
    await jobs.load();
    expect(jobs.get(id)).toMatchObject({ state: 'interrupted', title: 'Long', problem: { code: 'job.interrupted' } });
    expect(jobs.get(id).endedAtMs).not.toBeNull();
    expect(await readLog(jobs, id)).toEqual(['step 1']);
    const again = open(folder);
    await again.load();
    expect(again.get(id).state).toBe('interrupted');
    expect(readdirSync(folder).sort()).toEqual([`${id}.json`, `${id}.log`]);
  });
});

it('a folder that cannot be written costs the record, not the job', async () => {
  const file = join(makeTestFolder('jobs'), 'file');
  writeFileSync(file, '');
  const jobs = open(join(file, 'jobs'));
  const { id } = jobs.start(spec, (job) => {
    job.log('still readable');
    return Promise.resolve(null);
  });
  expect((await ended(jobs, id)).state).toBe('done');
  expect(await readLog(jobs, id)).toEqual(['still readable']);
});

describe('estimate of the time left', () => {
  const after = (...steps: readonly (readonly [number, number])[]): number | null => secondsLeft(steps.reduce<Pace | null>((pace, [atMs, fraction]) => updatePace(pace, atMs, fraction), null));
  it.each<[string, (readonly [number, number])[], number | null]>([
    ['nothing known', [], null],
    ['one value', [[0, 0.1]], null],
    ['steady', [[0, 0], [1000, 0.1], [2000, 0.2]], 8],
    ['no progress', [[0, 0.1], [1000, 0.1]], null],
    ['begun anew', [[0, 0.5], [1000, 0.6], [2000, 0]], null],
    ['too close together to count', [[0, 0], [10, 0.5]], null],
    ['done', [[0, 0], [1000, 1]], 0],
  ])('%s', (_, steps, left) => expect(after(...steps)).toBe(left));
  it('is smoothed: one slow step does not throw it about', () => {
    expect(after([0, 0], [1000, 0.1], [2000, 0.2], [3000, 0.201])).toBeLessThan(10);
  });
});
