import type { BenchmarkResult, BenchmarkRun, BenchmarkSample } from '../../../contract/benchmarks.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { RunnableCase } from '../catalogue/benchmark-recipe.ts';
import type { Readings, StartArm } from '../parts.ts';
import type { ModelSubject, TorchSubject } from './benchmark-parts.ts';
import { threadVariables } from './thread-variables.ts';
import { decidePeak } from './decide-peak.ts';
import { failedResult } from './decide-result.ts';
import type { HardwareRow } from './read-hardware.ts';
import { runCase } from './run-case.ts';
import { untilAborted } from './until-aborted.ts';

export interface BenchmarkWork {
  readonly run: BenchmarkRun;
  readonly cases: readonly RunnableCase[];
  readonly torch: TorchSubject | null;
  readonly model: ModelSubject | null;
  readonly caseSeconds: number;
  readonly threads: number;
}

export interface BenchmarkMeans {
  readonly startArm: StartArm;
  readonly readings: Readings;
  readonly hardware: readonly HardwareRow[];
  /** Keeps the run as it is now, with the samples of one more case. Never fails. */
  save(run: BenchmarkRun, samples: Readonly<Record<string, readonly BenchmarkSample[]>>): Promise<void>;
  now(): number;
}

/** Warming up ends by itself when the times agree; longer than this it does not help. */
const WARM_UP_SECONDS = 3;
/** Trouble of the environment or the place itself: another case would meet it again. */
const hopeless: ReadonlySet<string> = new Set(['bench.torch_fails', 'bench.numpy_fails', 'bench.no_torch', 'bench.no_place']);
/** After so many cases in a row that did not answer the rest is not tried. */
const MOST_HANGS = 2;

/**
 * Measures the cases of a run one after the other, each in a process of its own, and keeps what it has after each.
 * Answers the run as it ended: a case that cannot be run stands with its Problem; the run fails when none could.
 * @throws the job's signal's reason after a cancel (the run is kept as cancelled)
 */
export async function runBenchmark(work: BenchmarkWork, means: BenchmarkMeans, job: JobContext): Promise<BenchmarkRun> {
  let run = work.run;
  let hangs = 0;
  const release = means.readings.hold();
  try {
    for (const [at, recipe] of work.cases.entries()) {
      const tell = (fraction: number, doing: string): void => job.progress({ fraction: (at + fraction) / work.cases.length, doing });
      const { result, samples, facts } = await measureCase(recipe, work, means, job, tell);
      run = { ...run, results: [...run.results, result], conditions: { ...run.conditions, ...facts } };
      job.log(describeResult(result));
      await means.save(run, { [recipe.id]: samples });
      hangs = result.problem?.code === 'bench.hangs' ? hangs + 1 : 0;
      if (result.problem !== null && (hopeless.has(result.problem.code) || hangs >= MOST_HANGS)) break;
    }
    const problem = run.results.every((one) => one.problem !== null) ? (run.results[0]?.problem ?? null) : null;
    run = { ...run, state: problem === null ? 'done' : 'failed', problem, endedAtMs: means.now() };
    await means.save(run, {});
    return run;
  } catch (error) {
    run = { ...run, endedAtMs: means.now(), ...(job.signal.aborted ? { state: 'cancelled' } : { state: 'failed', problem: problemFrom(error, work.run.title) }) };
    await means.save(run, {});
    throw error;
  } finally {
    release();
  }
}

interface CaseEnd {
  readonly result: BenchmarkResult;
  readonly samples: readonly BenchmarkSample[];
  readonly facts: BenchmarkRun['conditions'];
}

async function measureCase(recipe: RunnableCase, work: BenchmarkWork, means: BenchmarkMeans, job: JobContext, tell: (fraction: number, doing: string) => void): Promise<CaseEnd> {
  const { run } = work;
  tell(0, `${recipe.title}: starting`);
  // Cancelled or not: when this case is left its process is ended.
  const own = new AbortController();
  const signal = AbortSignal.any([job.signal, own.signal]);
  try {
    const arm = await untilAborted(means.startArm({
      workload: recipe.workload, place: run.place.key, toggles: [], variables: threadVariables(recipe.threads, work.threads, work.torch?.threads),
      environment: recipe.engine === 'torch' ? (work.torch?.arm ?? null) : null,
      model: recipe.engine === 'llama' ? (work.model?.arm ?? null) : null,
    }, signal, job.log), job.signal);
    try {
      const { result, samples } = await runCase(arm, means.readings, {
        recipe, place: run.place.key, budgetSeconds: work.caseSeconds, warmUpSeconds: Math.min(WARM_UP_SECONDS, work.caseSeconds), signal: job.signal,
        peak: run.place.key === 'cpu' ? null : decidePeak(means.hardware, run.place.name, recipe.peak),
        progress: (fraction, figure) => tell(fraction, figure === null ? `${recipe.title}: warming up` : `${recipe.title}: ${formatFigure(figure.median)} ${recipe.unit}${figure.halfWidth === null ? '' : ` ± ${(figure.halfWidth * 100).toFixed(1)} %`}, ${figure.n} samples`),
      });
      return { result, samples, facts: keepFacts(arm.facts) };
    } finally {
      // The process has ten seconds to go by itself; the signal ends it.
      await untilAborted(arm.end(), AbortSignal.any([job.signal, AbortSignal.timeout(10_000)])).catch(() => undefined);
    }
  } catch (error) {
    if (job.signal.aborted) throw error;
    return { result: failedResult(recipe, problemFrom(error, recipe.title)), samples: [], facts: {} };
  } finally {
    own.abort(new Error('The case is over.'));
  }
}

const problemFrom = (error: unknown, what: string): Problem => problemOf(error) ?? makeProblem('bench.case_fails', { what, detail: error instanceof Error ? error.message : String(error), remedy: 'Look into the log of this job.' });

/** These are of one case, not of the run. */
const ofOneCase: ReadonlySet<string> = new Set(['workload', 'unit', 'workUnit', 'workPerRepetition', 'flushBytes', 'depth', 'tokens', 'unknown', 'pid']);

/** What a process says of itself, bounded: names of switches and versions. */
function keepFacts(facts: BenchmarkRun['conditions']): BenchmarkRun['conditions'] {
  const kept = Object.entries(facts).filter(([key]) => key.length <= 60 && !ofOneCase.has(key)).slice(0, 40);
  return Object.fromEntries(kept.map(([key, value]) => [key, typeof value === 'string' ? value.slice(0, 200) : value]));
}

function describeResult(one: BenchmarkResult): string {
  if (one.problem !== null) return `${one.title}: ${one.problem.title}. ${one.problem.cause}`;
  const range = one.low === null || one.high === null ? '' : `, 95 % interval ${formatFigure(one.low)} to ${formatFigure(one.high)}`;
  return `${one.title}: ${one.median === null ? 'no sample counts' : `${formatFigure(one.median)} ${one.unit}${range}`} (${one.n} samples${one.setAside > 0 ? `, ${one.setAside} set aside` : ''}${one.marks.length > 0 ? `; ${one.marks.join(', ')}` : ''})`;
}

/** Four digits that matter. */
export const formatFigure = (value: number): string => Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 });
