import type { BenchmarkRun, CanaryState } from '../../contract/benchmarks.ts';
import type { TuneResult } from '../../contract/optimize.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createGauge } from '../engine/gauge.ts';
import type { OptimizeServices } from '../engine/optimize-services.ts';

/** For the contract tests: nothing was measured or applied, and what is asked for by name is not found. */
export function makeTestOptimizeServices(): OptimizeServices {
  const canary: CanaryState = { state: 'never', atMs: null, because: null, place: null, rows: [], sentence: 'It has not run yet.', problem: null };
  const noRun = (id: string): Promise<never> => Promise.reject(problemError('bench.run_not_found', { id }));
  const noToggle = (what: string): Promise<never> => Promise.reject(problemError('toggle.unknown', { what }));
  const noApplication = (what: string): Promise<never> => Promise.reject(problemError('apply.not_found', { what }));
  const noChange = (what: string): Promise<never> => Promise.reject(problemError('device.not_found', { what }));
  return {
    benchmarks: {
      gauge: createGauge<BenchmarkRun[]>([]), list: () => [], outlook: () => Promise.resolve([]), run: (wish) => Promise.reject(problemError('bench.unknown', { what: wish.name })), history: () => Promise.resolve([]), past: () => Promise.resolve({ cases: [], runs: [], newest: [] }),
      get: noRun, compare: noRun, export: noRun, import: () => Promise.resolve([]), remove: noRun,
    },
    canary: { gauge: createGauge(canary), state: () => canary, run: (place) => Promise.reject(problemError('bench.no_place', { what: 'The check', place: place ?? 'cpu', detail: 'nothing is here.' })) },
    effects: {
      overview: () => Promise.resolve({ environment: null, place: { key: 'cpu', name: 'Processor' }, states: [], refusals: [], problems: [] }), toggles: () => [], workloads: () => [], measure: (wish) => noToggle(wish.toggles[0]?.toggleId ?? ''),
      effects: () => Promise.resolve([]), effect: (id) => Promise.reject(problemError('effect.not_found', { id })), profiles: () => Promise.resolve([]), saveProfile: (input) => noToggle(input.toggles[0]?.toggleId ?? ''), removeProfile: (what) => Promise.reject(problemError('profile.not_found', { what })),
    },
    apply: { planApply: (input) => noToggle(input.toggles[0]?.toggleId ?? ''), apply: (input) => noApplication(input.planId), planRevert: noApplication, revert: noApplication, applications: () => Promise.resolve([]), planLaunch: () => Promise.resolve({ variables: {}, toggles: [], dropped: [], notes: [] }) },
    devices: { settings: () => Promise.resolve([]), plan: (input) => noChange(input.uuid), apply: noChange, confirm: noChange, revert: noChange, changes: () => [] },
    tune: { gauge: createGauge<TuneResult[]>([]), start: (wish) => Promise.reject(problemError('model.not_found', { what: wish.modelId })), results: () => Promise.resolve([]) },
    revision: createGauge({ revision: 0 }),
    health: () => Promise.resolve([]),
    checkPattern: () => Promise.resolve({ fault: null, found: null, figure: null }),
    gpusKnown: () => Promise.resolve(),
    explainSlow: (input) => Promise.resolve({ atMs: 0, place: { key: 'cpu', name: 'Processor' }, seconds: input.seconds, causes: [], notes: [] }),
  };
}
