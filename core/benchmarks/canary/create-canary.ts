import type { BenchmarkRun, CanaryState } from '../../../contract/benchmarks.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem, type ProblemAction } from '../../../contract/problem.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { CanaryServices } from '../../engine/optimize-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { RunnableCase } from '../catalogue/benchmark-recipe.ts';
import { canaryRecipe } from '../catalogue/canary-recipe.ts';
import { chooseCases } from '../catalogue/catalogue.ts';
import type { BenchmarkHistory } from '../history/create-benchmark-history.ts';
import type { Machine, MeasuringPlace, ModelSubject, TorchSubject } from '../runner/benchmark-parts.ts';
import { choosePlace } from '../runner/choose-place.ts';
import type { RunStarter } from '../runner/create-run-starter.ts';
import { confirmRows, type CanaryRow } from './decide-canary.ts';
import { describeChange, type CanaryIdentity } from './describe-change.ts';
import { judgeCanary } from './judge-canary.ts';
import { percentSlower, wordCanary } from './word-canary.ts';

export interface CanaryOptions {
  readonly starter: RunStarter;
  readonly history: BenchmarkHistory;
  readonly machine: Machine;
  readonly log: Logger;
  wayBack(): Promise<{ readonly sentence: string; readonly actions: readonly ProblemAction[] } | null>;
  readonly now: () => number;
  readonly caseSeconds: number;
}

export interface Canary extends CanaryServices {
  begin(): Promise<void>;
  checkForChange(): Promise<void>;
}

/** Of one place so many are looked at: alarms among them are left out. */
const MOST_READ = 60;
const NO_WAY_BACK = '"Why is it slow?" on the page Optimise names what slows the GPU down: power limit, heat, another process.';

/** The minute-long check of a machine against its own history. */
export function createCanary({ starter, history, machine, log, wayBack, now, caseSeconds }: CanaryOptions): Canary {
  const gauge = createGauge<CanaryState>({ state: 'never', atMs: null, because: null, place: null, rows: [], sentence: 'It has not run yet.', problem: null });
  let looking = false;
  /** The change that a run was begun for: one that was cancelled or failed is not begun again for it before the engine is. */
  let begunFor: string | null = null;
  const state = (): CanaryState => gauge.get() ?? { state: 'never', atMs: null, because: null, place: null, rows: [], sentence: '', problem: null };

  /** Earlier runs of a place, newest first. */
  const before = async (place: string, run: BenchmarkRun | null): Promise<BenchmarkRun[]> => {
    const runs = await history.list({ name: canaryRecipe.name, place, canary: true, limit: MOST_READ });
    return runs.filter((one) => isConcluded(one) && one.id !== run?.id && (run === null || one.startedAtMs <= run.startedAtMs));
  };
  const slowProblem = async (rows: readonly CanaryRow[], run: BenchmarkRun, earlier: readonly BenchmarkRun[]): Promise<Problem | null> => {
    const worst = rows.filter((one) => one.alarm).sort((a, b) => (a.ratio ?? 1) - (b.ratio ?? 1))[0];
    if (worst === undefined) return null;
    const back = await wayBack().catch(() => null);
    const calm = earlier.findIndex((one) => one.conditions['alarm'] !== true);
    const since = (calm <= 0 ? run : (earlier[calm - 1] ?? run)).startedAtMs;
    const problem = makeProblem('canary.slower', { what: `${worst.title} on ${run.place.name}`, percent: percentSlower(worst), since: new Date(since).toISOString().slice(0, 10), remedy: back?.sentence ?? NO_WAY_BACK });
    return { ...problem, actions: [...problem.actions, ...(back?.actions ?? [])] };
  };
  const publish = async (run: BenchmarkRun, rows: readonly CanaryRow[], earlier: readonly BenchmarkRun[]): Promise<void> => {
    const { state: word, sentence } = wordCanary(rows, earlier.filter((one) => one.conditions['alarm'] !== true).length);
    const because = run.conditions['because'];
    gauge.publish({
      state: word, sentence, atMs: run.endedAtMs, because: typeof because === 'string' ? because : null, place: run.place,
      rows: rows.map(({ alarm: _, resolves: __, ...row }) => row), problem: word === 'failed' ? run.problem : await slowProblem(rows, run, earlier),
    });
  };

  /** Looks at a run that has just ended; what seems slower is measured once more. */
  const conclude = async (run: BenchmarkRun, again: (cases: readonly RunnableCase[]) => Promise<BenchmarkRun>, cases: readonly RunnableCase[]): Promise<BenchmarkRun> => {
    const earlier = await before(run.place.key, run);
    const first = judgeCanary(run, earlier);
    const suspects = cases.filter((one) => first.some((row) => row.caseId === one.id && row.alarm));
    let rows = first;
    let results = run.results;
    if (suspects.length > 0) {
      const second = await again(suspects);
      rows = confirmRows(first, judgeCanary({ ...run, results: second.results }, earlier, first.length));
      results = run.results.map((one) => second.results.find((other) => other.caseId === one.caseId && other.median !== null) ?? one);
    }
    const kept: BenchmarkRun = { ...run, results, conditions: { ...run.conditions, alarm: rows.some((one) => one.alarm), measuredTwice: suspects.length > 0 } };
    await publish(kept, rows, earlier);
    return kept;
  };

  const fail = (problem: Problem | null, place: MeasuringPlace, because: string): void => gauge.publish({ state: 'failed', atMs: now(), because, place: { ...place }, rows: [], sentence: problem?.title ?? 'It was ended before it could say anything.', problem });

  const run = async (wanted: string | null, because: string): ReturnType<CanaryServices['run']> => {
    const place = choosePlace(canaryRecipe, wanted, machine.places());
    const all = chooseCases(canaryRecipe, null, place);
    let cases: readonly RunnableCase[] = all;
    const earlierState = state();
    let concluded = false;
    const job = await starter.start({
      recipe: canaryRecipe, cases: all, place, caseSeconds, canary: true, conditions: { because }, notes: [],
      async subjects() {
        const { torch, model, problem } = await findSubjects(machine, place.key);
        cases = all.filter((one) => (one.engine === 'torch' ? torch : model) !== null);
        if (cases.length === 0) throw problem;
        return { torch, model, cases };
      },
      async after(ended, again, context) {
        context.progress({ fraction: null, doing: 'comparing with earlier runs' });
        const kept = await conclude(ended, again, cases);
        concluded = true;
        return kept;
      },
      ended(problem, cancelled) {
        if (concluded) return;
        // A cancel says nothing of the machine: what was known of it stays.
        if (cancelled) gauge.publish(earlierState);
        else fail(problem, place, because);
      },
      started: () => gauge.publish({ ...earlierState, state: 'running', atMs: now(), because, place: { ...place }, sentence: 'It runs now, for about a minute.', problem: null }),
    });
    return job;
  };

  return {
    gauge,
    state,
    run: (place) => run(place, 'asked'),
    async begin() {
      try {
        const newest = (await history.list({ name: canaryRecipe.name, place: null, canary: true, limit: MOST_READ })).find(isConcluded);
        if (newest === undefined) return;
        const earlier = await before(newest.place.key, newest);
        const alarmed = newest.conditions['alarm'] === true;
        // As it was concluded then: a case that was measured twice is not judged once more.
        const rows = judgeCanary(newest, earlier).map((row) => (alarmed ? row : { ...row, alarm: false, word: row.word === 'slower' ? ('cannot_tell' as const) : row.word }));
        await publish(newest, rows, earlier);
      } catch (error) {
        log.warn('The last canary cannot be read', { detail: String(error) });
      }
    },
    async checkForChange() {
      // Changes come in swarms; the look that is under way sees what they left.
      if (looking) return;
      looking = true;
      try {
        const last = (await history.list({ name: canaryRecipe.name, place: null, canary: true, limit: MOST_READ })).find(isConcluded);
        if (last === undefined || !machine.places().some((one) => one.key === last.place.key)) return;
        const because = describeChange(identityOf(last), await readIdentity(machine, last));
        if (because === null || because === begunFor) return;
        await run(last.place.key, because);
        begunFor = because;
      } catch (error) {
        log.info('The canary could not run after a change', { code: problemOf(error)?.code ?? null, detail: String(error) });
      } finally {
        looking = false;
      }
    },
  };
}

async function findSubjects(machine: Machine, place: string): Promise<{ torch: TorchSubject | null; model: ModelSubject | null; problem: unknown }> {
  let problem: unknown = null;
  const orNull = <T>(work: Promise<T>): Promise<T | null> => work.catch((error: unknown) => {
    problem ??= error;
    return null;
  });
  return { torch: await orNull(machine.torch(null, place)), model: await orNull(machine.model(null, place)), problem };
}

/** One that was ended before its second measurement said anything (a cancel, the engine's end) is neither calm nor an alarm. */
const isConcluded = (run: BenchmarkRun): boolean => run.state === 'done' && typeof run.conditions['alarm'] === 'boolean';

const identityOf = (run: BenchmarkRun): CanaryIdentity => ({ driver: run.driverVersion, torch: run.environment?.torch ?? null, engine: run.model?.release ?? null });

/** Of the same environment and model as then. */
async function readIdentity(machine: Machine, last: BenchmarkRun): Promise<CanaryIdentity> {
  const model = last.model === null ? null : await machine.model(last.model.id, last.place.key).catch(() => null);
  return { driver: machine.driverVersion(), torch: last.environment === null ? null : machine.knownTorch(last.environment.id), engine: model?.told.release ?? null };
}
