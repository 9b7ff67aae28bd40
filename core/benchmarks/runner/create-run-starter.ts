import { randomBytes } from 'node:crypto';
import type { BenchmarkRun, BenchmarkSample } from '../../../contract/benchmarks.ts';
import type { Job } from '../../../contract/jobs.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { BenchmarkRecipe, RunnableCase } from '../catalogue/benchmark-recipe.ts';
import type { BenchmarkHistory } from '../history/create-benchmark-history.ts';
import type { Readings, StartArm } from '../parts.ts';
import type { Machine, MeasuringPlace, ModelSubject, TorchSubject } from './benchmark-parts.ts';
import type { MeasuringLock } from './measuring-lock.ts';
import type { HardwareRow } from './read-hardware.ts';
import { runBenchmark, type BenchmarkMeans, type BenchmarkWork } from './run-benchmark.ts';

export interface RunStarterOptions {
  readonly startArm: StartArm;
  readonly readings: Readings;
  readonly hardware: readonly HardwareRow[];
  readonly machine: Machine;
  readonly jobs: Pick<Jobs, 'start'>;
  readonly lock: MeasuringLock;
  readonly history: BenchmarkHistory;
  /** After every change of a stored run. */
  changed(): Promise<void>;
  readonly now: () => number;
}

export interface StartWish {
  readonly recipe: Pick<BenchmarkRecipe, 'name' | 'title'>;
  readonly cases: readonly RunnableCase[];
  readonly place: MeasuringPlace;
  readonly caseSeconds: number;
  readonly canary: boolean;
  /** What the run says of itself from its beginning. */
  readonly conditions: BenchmarkRun['conditions'];
  readonly notes: readonly string[];
  /** Finds what it runs with, while the machine is already reserved for it. */
  subjects(): Promise<{
    readonly torch: TorchSubject | null;
    readonly model: ModelSubject | null;
    readonly cases: readonly RunnableCase[];
    /** What takes its time: done in the job, in the place of `torch`. */
    readonly prepare?: (job: JobContext) => Promise<TorchSubject & { readonly notes: readonly string[] }>;
  }>;
  /** What follows the run in the same job; answers the run as it is kept. */
  after?(run: BenchmarkRun, again: (cases: readonly RunnableCase[]) => Promise<BenchmarkRun>, job: JobContext): Promise<BenchmarkRun>;
  started?(): void;
  /** The job is over, however. */
  ended?(problem: Problem | null, cancelled: boolean): void;
}

export interface RunStarter {
  /** Reserves the machine and begins. @throws ProblemError `bench.busy`, and what `subjects` throws */
  start(wish: StartWish): Promise<Job>;
}

/** Starts runs as jobs, one at a time on this machine. */
export function createRunStarter(options: RunStarterOptions): RunStarter {
  const { history, machine, now } = options;
  /** A run that the disk does not take says so itself: it is shown from memory. */
  const save = async (run: BenchmarkRun, samples: Readonly<Record<string, readonly BenchmarkSample[]>>): Promise<void> => {
    const problem = await history.put(run, samples);
    if (problem !== null && run.problem === null && run.state !== 'running') await history.put({ ...run, problem, notes: [...run.notes, 'It is kept in memory until the engine ends.'] }, {});
    await options.changed();
  };
  const means: BenchmarkMeans = { startArm: options.startArm, readings: options.readings, hardware: options.hardware, save, now };

  /** A run that cannot be prepared is kept with its Problem, as any other that failed. @throws what `prepare` throws */
  const prepareWork = async (planned: BenchmarkWork, prepare: (job: JobContext) => Promise<TorchSubject & { readonly notes: readonly string[] }>, job: JobContext): Promise<BenchmarkWork> => {
    const { run } = planned;
    try {
      const { notes, ...torch } = await prepare(job);
      const known = { ...run, environment: torch.told, notes: [...run.notes, ...notes] };
      await save(known, {});
      return { ...planned, run: known, torch };
    } catch (error) {
      await save({ ...run, endedAtMs: now(), state: job.signal.aborted ? 'cancelled' : 'failed', problem: job.signal.aborted ? null : problemOf(error) }, {});
      throw error;
    }
  };

  return {
    async start(wish) {
      const release = options.lock.take({ title: wish.recipe.title, place: wish.place.name });
      try {
        const { torch, model, cases, prepare } = await wish.subjects();
        const run: BenchmarkRun = {
          id: `bench-${now().toString(36)}-${randomBytes(4).toString('hex')}`, name: wish.recipe.name, title: wish.recipe.title, startedAtMs: now(), endedAtMs: null, state: 'running', place: { ...wish.place },
          environment: torch?.told ?? null, model: model?.told ?? null, driverVersion: machine.driverVersion(),
          conditions: { ...(await machine.conditions(wish.place.key)), ...wish.conditions }, results: [], notes: [...wish.notes], problem: null, importedFrom: null, canary: wish.canary,
        };
        await save(run, {});
        const planned: BenchmarkWork = { run, cases, torch, model, caseSeconds: wish.caseSeconds, threads: machine.threads };
        return options.jobs.start({ kind: 'benchmark', title: `${wish.recipe.title} on ${wish.place.name}` }, async (job) => {
          let problem: Problem | null = null;
          try {
            wish.started?.();
            const work = prepare === undefined ? planned : await prepareWork(planned, prepare, job);
            let ended = await runBenchmark(work, means, job);
            if (wish.after !== undefined && ended.state === 'done') {
              // What is measured again is looked at and not stored as a run of its own.
              const again = (some: readonly RunnableCase[]): Promise<BenchmarkRun> => runBenchmark({ ...work, cases: some }, { ...means, save: () => Promise.resolve() }, job);
              ended = await wish.after(ended, again, job);
              await save(ended, {});
            }
            return resultOf(ended);
          } catch (error) {
            problem = problemOf(error);
            throw error;
          } finally {
            release();
            wish.ended?.(problem, job.signal.aborted);
          }
        });
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** @throws the run's Problem when nothing could be measured */
function resultOf(run: BenchmarkRun): JobResult {
  if (run.state === 'failed' && run.problem !== null) throw new ProblemError(run.problem);
  return { run: run.id, benchmark: run.name, place: run.place.name, cases: run.results.length, failed: run.results.filter((one) => one.problem !== null).length, state: run.state };
}
