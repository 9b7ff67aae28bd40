/** Ties the benchmarks together: the catalogue, the runner, the history, comparison, export and the canary. */
import { randomBytes } from 'node:crypto';
import type { BenchmarkRun } from '../../contract/benchmarks.ts';
import { problemOf, type ProblemAction } from '../../contract/problem.ts';
import { createGauge } from '../engine/gauge.ts';
import type { BenchmarkServices, CanaryServices } from '../engine/optimize-services.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import type { StorageClient } from '../storage/storage-client.ts';
import { createCanary } from './canary/create-canary.ts';
import { catalogue, chooseCases, describeBenchmark, findBenchmark } from './catalogue/catalogue.ts';
import { compareRuns, withoutSamples } from './compare/compare-runs.ts';
import { exportRun } from './export/export-run.ts';
import { parseLlamaBench } from './export/parse-llama-bench.ts';
import { createBenchmarkHistory } from './history/create-benchmark-history.ts';
import type { Readings, StartArm } from './parts.ts';
import type { Machine } from './runner/benchmark-parts.ts';
import { choosePlace } from './runner/choose-place.ts';
import { readOutlook } from './runner/read-outlook.ts';
import { createRunStarter } from './runner/create-run-starter.ts';
import type { MeasuringLock } from './runner/measuring-lock.ts';
import type { HardwareRow } from './runner/read-hardware.ts';

export interface BenchmarksOptions {
  readonly startArm: StartArm;
  readonly readings: Readings;
  /** From `readHardware`. */
  readonly hardware: readonly HardwareRow[];
  readonly machine: Machine;
  readonly jobs: Pick<Jobs, 'start'>;
  readonly storage: Pick<StorageClient, 'call'>;
  /** Shared with everything else that measures. */
  readonly lock: MeasuringLock;
  readonly log: Logger;
  /** How the last change can be undone, in a sentence and as actions; null: there is no way back. */
  wayBack(): Promise<{ readonly sentence: string; readonly actions: readonly ProblemAction[] } | null>;
  readonly now?: () => number;
  /** Of the canary. Default 12. */
  readonly canaryCaseSeconds?: number;
}

export interface Benchmarks {
  readonly benchmarks: BenchmarkServices;
  readonly canary: CanaryServices & {
    /** Runs the canary when driver, torch or llama.cpp are others than at its last run; call it at the start and after every change. Never fails. */
    checkForChange(): Promise<void>;
  };
  /** Marks what an earlier engine left under way, and reads what the last canary said. Once. Never fails. */
  begin(): Promise<void>;
}

/** s; a case ends earlier when its median is known to ±0.5 %. */
const CASE_SECONDS = 10;
/** Runs that are shown live. */
const SHOWN = 50;

export function createBenchmarks(options: BenchmarksOptions): Benchmarks {
  const { machine, log, now = Date.now } = options;
  const history = createBenchmarkHistory({ storage: options.storage, log, now });
  const gauge = createGauge<BenchmarkRun[]>();
  const changed = async (): Promise<void> => {
    try {
      gauge.publish(await history.list({ name: null, place: null, canary: false, limit: SHOWN }));
    } catch (error) {
      log.warn('The benchmarks cannot be listed', { detail: String(error) });
    }
  };
  const starter = createRunStarter({ ...options, history, changed, now });
  const canary = createCanary({ starter, history, machine, log, wayBack: options.wayBack, now, caseSeconds: options.canaryCaseSeconds ?? 12 });

  const benchmarks: BenchmarkServices = {
    gauge,
    list: () => catalogue.map(describeBenchmark),
    outlook: () => Promise.all(catalogue.map((recipe) => readOutlook(recipe, machine))),
    async run(wish) {
      const recipe = findBenchmark(wish.name);
      const wanted = wish.cases === null ? recipe.cases : recipe.cases.filter((one) => wish.cases?.includes(one.id));
      const place = choosePlace(wanted.length === 0 ? recipe : { ...recipe, cases: wanted }, wish.place, machine.places());
      const cases = chooseCases(recipe, wish.cases, place);
      const noGpu = place.key === 'cpu' && wish.place === null && recipe.cases.some((one) => one.onGpu) && machine.places().every((one) => one.key === 'cpu');
      return starter.start({
        recipe, cases, place, caseSeconds: wish.caseSeconds ?? CASE_SECONDS, canary: false, conditions: {},
        notes: noGpu ? ['There is no NVIDIA GPU here: this was measured on the processor.'] : [],
        async subjects() {
          const model = cases.some((one) => one.engine === 'llama') ? await machine.model(wish.modelId, place.key) : null;
          if (!cases.some((one) => one.engine === 'torch')) return { torch: null, model, cases };
          try {
            return { torch: await machine.torch(wish.environmentId, place.key), model, cases };
          } catch (error) {
            // NumPy stands in only where nothing else was asked for, and for what it can run.
            if (problemOf(error)?.code !== 'bench.no_torch' || wish.environmentId !== null || place.key !== 'cpu' || !cases.every((one) => one.engine === 'torch' && one.numpy)) throw error;
            return { torch: null, model, cases, prepare: (job) => machine.numpy.prepare(job) };
          }
        },
      });
    },
    history: (filter) => history.list({ ...filter, canary: false }),
    past: (filter) => history.past(filter),
    get: (id, samples) => history.get(id, samples),
    async compare(a, b) {
      const [first, second] = await Promise.all([history.get(a), history.get(b)]);
      return compareRuns(first, second);
    },
    async export(id, format) {
      return exportRun(await history.get(id), format);
    },
    async import(text) {
      const imported = parseLlamaBench(text, now(), () => `bench-${now().toString(36)}-${randomBytes(4).toString('hex')}`);
      for (const { samples, ...run } of imported) await history.put(run, samples);
      await changed();
      return imported.map(withoutSamples);
    },
    async remove(id) {
      await history.remove(id);
      await changed();
    },
  };

  return {
    benchmarks,
    canary,
    async begin() {
      await history.begin();
      await changed();
      await canary.begin();
    },
  };
}
