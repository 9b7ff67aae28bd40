import type { AlertsState } from '../../contract/alerts.ts';
import type { GpuStreamItem, Inventory, ProcessReading } from '../../contract/gpu.ts';
import type { Job } from '../../contract/jobs.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { defaultSettings, type SettingsStatus } from '../../contract/settings.ts';
import type { EngineStatus, ReadinessLine } from '../../contract/system.ts';
import type { Upgrade } from '../../contract/upgrades.ts';
import type { Drift, EnvironmentMatrix } from '../../contract/verdict.ts';
import { createGauge } from '../engine/gauge.ts';
import type { EngineServices } from '../engine/services.ts';
import { makeTestInferenceServices } from './test-inference-services.ts';
import { makeTestOptimizeServices } from './test-optimize-services.ts';

/** Handlers for the contract tests: the transports are real, what lies behind them is as little as the types allow. */
export function makeTestServices(): EngineServices & { publish(seq: number, padding?: string): void; listenerCount(): number } {
  const listeners = new Set<(item: GpuStreamItem) => void>();
  const inventory: Inventory = {
    revision: 1, atMs: 0, source: 'none', sourceSpec: 'none', simulated: false, state: 'ok', problem: null, driver: { driverVersion: null, cudaVersion: null, nvmlVersion: null, libraryPath: null },
    devices: [], provenance: null, findings: [], rateHz: 1, rateNote: null, inContainer: false,
  };
  const settings: SettingsStatus = { settings: defaultSettings, path: 'config.json', state: 'ok', note: null };
  const alerts: AlertsState = { open: [], over: [] };
  const reading: ProcessReading = { atMs: 0, processes: [], notReported: {} };
  const matrix: EnvironmentMatrix = {
    revision: 1, atMs: 0, state: 'ready', tookMs: 0, progress: { found: 0, judged: 0 }, targets: [], driver: { version: null, cudaVersion: null, mismatch: false, platform: 'linux_x86_64', wsl: false, source: 'none' }, rows: [], problems: [], note: null,
  };
  const noJob = (id: string): never => { throw problemError('job.not_found', { id }); };
  return {
    info: () => ({ version: '0.0.0-test', pid: process.pid, startedAtMs: 0, dataDir: 'test', sourceSpec: 'none', stays: false, ephemeral: true, node: process.version, platform: process.platform, hostName: 'test', inContainer: false, wsl: false }),
    status: createGauge<EngineStatus>(),
    readiness: createGauge<readonly ReadinessLine[]>([]),
    stop: () => undefined,
    report: () => Promise.resolve({ fileName: 'report.md', text: '' }),
    web: { start: () => Promise.reject(problemError('web.port_taken', { host: '127.0.0.1', port: 1 })), stop: () => Promise.resolve() },
    gpus: {
      list: () => inventory,
      inventory: createGauge(inventory),
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      watch: () => () => undefined,
      latestFrame: () => null,
      refresh: () => Promise.resolve(inventory),
      processes: () => Promise.resolve(reading),
      watchProcesses: () => ({ gauge: createGauge(reading), stop: () => undefined }),
      processHistory: () => [],
      planTerminate: (input) => Promise.reject(problemError('process.not_on_gpu', { pid: input.pid })),
      terminate: () => Promise.reject(problemError('process.plan_expired')),
      simulateFault: () => undefined,
    },
    history: {
      query: () => Promise.resolve([]),
      events: () => Promise.resolve([]),
      status: () => Promise.resolve({ state: 'off', reason: null, sizeBytes: 0, sizeCapBytes: 0, oldestMs: null, rows: { raw: 0, second: 0, minute: 0 } }),
      async *export() {
        for (const text of ['a,b\n', '1,2\n']) yield await Promise.resolve({ text });
      },
    },
    recordings: { start: () => noJob('x'), list: () => Promise.resolve([]) },
    jobs: { gauge: createGauge<Job[]>([]), list: () => [], get: noJob, cancel: (id) => Promise.resolve(noJob(id)), attach: noJob },
    settings: { gauge: createGauge(settings), get: () => settings, update: () => Promise.resolve(settings), secrets: () => Promise.resolve([]), setSecret: () => Promise.resolve({ name: 'hub_token', set: false, where: 'file' }) },
    alerts: { gauge: createGauge(alerts), list: () => alerts, quiet: () => undefined, preview: (days) => Promise.resolve({ days, counts: {} }) },
    environments: {
      gauge: createGauge(matrix), driftGauge: createGauge<Drift[]>([]), matrix: () => matrix, scan: () => noJob('x'), get: (id) => Promise.reject(problemError('env.not_found', { what: id })),
      judge: () => Promise.resolve({ targets: [], driver: matrix.driver, reports: [], problems: [] }), judgeImage: () => Promise.reject(problemError('gpu.none_to_judge')),
      advise: () => Promise.resolve({ environmentId: null, targets: [], driver: matrix.driver, nothingToDo: null, routes: [], wrong: [], conflicts: [], evidence: [], problems: [] }),
      forecasts: () => Promise.resolve([]), prove: () => Promise.resolve(noJob('x')), proofs: () => [], addFolder: (path) => Promise.resolve([path]), removeFolder: () => Promise.resolve([]), drift: () => [], seeDrift: () => undefined, kinds: () => ['venv'],
    },
    upgrades: {
      gauge: createGauge<Upgrade[]>([]), plan: (input) => Promise.reject(problemError('env.not_found', { what: input.id })), apply: () => Promise.reject(problemError('upgrade.plan_expired', { why: 'This plan is not known.' })),
      planRollback: () => Promise.reject(problemError('upgrade.nothing_to_undo', { detail: 'There is none.' })), rollback: () => Promise.reject(problemError('upgrade.plan_expired', { why: 'This plan is not known.' })), list: () => [], forget: () => Promise.resolve(),
    },
    inference: makeTestInferenceServices(),
    optimize: makeTestOptimizeServices(),
    listenerCount: () => listeners.size,
    publish(seq, padding = '') {
      for (const listener of listeners) listener({ type: 'frame', frame: { seq, atMs: seq * 100, tookMs: 0, samples: [{ uuid: `GPU-${padding}`, state: 'ok', fast: null }] } });
    },
  };
}
