import type { Alert, AlertPreview, AlertsState } from '../../contract/alerts.ts';
import type { GpuFrame, GpuStreamItem, Inventory, ProcessReading, TerminatePlan } from '../../contract/gpu.ts';
import type { HistoryEvent, HistoryQuery, HistorySeries, HistoryStatus } from '../../contract/history.ts';
import type { Job, JobLogLine } from '../../contract/jobs.ts';
import type { SecretStatus, SettingsPatch, SettingsStatus } from '../../contract/settings.ts';
import type { EngineInfo, EngineStatus, ReadinessLine, RecordingInfo, SimulatedFault, WebStatus } from '../../contract/system.ts';
import type { WebFaceOptions } from '../web/web-face.ts';
import type { EnvironmentKind } from '../../contract/environments.ts';
import type { Advice, Upgrade, UpgradePlan } from '../../contract/upgrades.ts';
import type { Drift, DriverFacts, EnvironmentMatrix, EnvironmentReport, Forecast, GpuTarget, Proof, ProofStepName, VerdictCell } from '../../contract/verdict.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Gauge } from './gauge.ts';
import type { InferenceServices } from './inference-services.ts';
import type { OptimizeServices } from './optimize-services.ts';

/** What the operations of the contract need, by area. `app.ts` puts it together; nothing here knows a transport. */
export interface EngineServices {
  readonly info: () => EngineInfo;
  readonly status: Gauge<EngineStatus>;
  readonly readiness: Gauge<readonly ReadinessLine[]>;
  readonly stop: (cancelJobs: boolean) => void;
  readonly report: () => Promise<{ fileName: string; text: string }>;
  readonly web: {
    start(options: WebFaceOptions, stay: boolean): Promise<WebStatus & { token: string; metricsToken: string }>;
    stop(): Promise<void>;
  };
  readonly gpus: {
    list(): Inventory;
    readonly inventory: Gauge<Inventory>;
    subscribe(listener: (item: GpuStreamItem) => void): () => void;
    /** Asks for a rate while somebody watches; call the answer when they stop. */
    watch(rateHz: number): () => void;
    /** What is known now, all tiers in one frame; null when nothing is, or it is old. */
    latestFrame(): GpuFrame | null;
    refresh(): Promise<Inventory>;
    processes(): Promise<ProcessReading>;
    watchProcesses(): { readonly gauge: Gauge<ProcessReading>; stop(): void };
    processHistory(pid: number, startTicks: string | null): { atMs: number; gpuUuid: string; memUsedBytes: number | null; utilSmPercent: number | null }[];
    planTerminate(input: { pid: number; startTicks: string | null; signal: 'TERM' | 'KILL' }): Promise<TerminatePlan>;
    terminate(planId: string): Promise<{ pid: number; signalled: boolean }>;
    simulateFault(fault: SimulatedFault): void;
  };
  readonly history: {
    query(query: HistoryQuery): Promise<HistorySeries[]>;
    events(fromMs: number, toMs: number): Promise<HistoryEvent[]>;
    status(): Promise<HistoryStatus>;
    export(query: { fromMs: number; toMs: number; format: 'csv' | 'jsonl' }): AsyncIterable<{ text: string }>;
  };
  readonly recordings: {
    start(input: { seconds: number; note: string | null }): Job;
    list(): Promise<RecordingInfo[]>;
  };
  readonly jobs: {
    readonly gauge: Gauge<Job[]>;
    list(): Job[];
    get(id: string): Job;
    cancel(id: string): Promise<Job>;
    attach(id: string, signal: AbortSignal | undefined): AsyncIterable<JobLogLine>;
  };
  readonly settings: {
    readonly gauge: Gauge<SettingsStatus>;
    get(): SettingsStatus;
    update(patch: SettingsPatch): Promise<SettingsStatus>;
    secrets(): Promise<SecretStatus[]>;
    setSecret(name: string, value: string | null): Promise<SecretStatus>;
  };
  readonly alerts: {
    readonly gauge: Gauge<AlertsState>;
    list(sinceMs: number | null): AlertsState;
    quiet(alertId: Alert['id'] | null, untilMs: number): void;
    preview(days: number): Promise<AlertPreview>;
  };
  readonly environments: EnvironmentServices;
  readonly upgrades: UpgradeServices;
  readonly inference: InferenceServices;
  readonly optimize: OptimizeServices;
}

/** GPUs and a driver to judge for; empty and null: this machine's. */
export interface JudgeFor {
  readonly for: readonly string[];
  readonly driver: string | null;
}

export interface EnvironmentServices {
  readonly gauge: Gauge<EnvironmentMatrix>;
  /** As it is known; the first question starts a scan. */
  matrix(): EnvironmentMatrix;
  scan(): Job;
  get(id: string): Promise<EnvironmentReport>;
  judge(input: JudgeFor & { readonly env: string | null }, signal?: AbortSignal): Promise<{ targets: GpuTarget[]; driver: DriverFacts; reports: EnvironmentReport[]; problems: Problem[] }>;
  judgeImage(input: JudgeFor & { readonly image: string }): Promise<{ image: string; targets: GpuTarget[]; driver: DriverFacts; cells: VerdictCell[]; notes: string[] }>;
  advise(input: JudgeFor & { readonly id: string | null }): Promise<Advice>;
  forecasts(): Promise<{ gpuKey: string; forecast: Forecast }[]>;
  prove(input: { readonly id: string; readonly gpus: readonly string[] | null; readonly steps: readonly ProofStepName[] | null }): Promise<Job>;
  proofs(id: string | null): Proof[];
  addFolder(path: string): Promise<string[]>;
  removeFolder(path: string): Promise<string[]>;
  readonly driftGauge: Gauge<Drift[]>;
  drift(): Drift[];
  seeDrift(id: string): void;
  kinds(): EnvironmentKind[];
}

export interface UpgradeServices {
  readonly gauge: Gauge<Upgrade[]>;
  plan(input: JudgeFor & { readonly id: string; readonly target: string | null; readonly route: string | null }, signal?: AbortSignal): Promise<UpgradePlan>;
  apply(input: { readonly planId: string; readonly agree: boolean; readonly smokeCommand: readonly string[] | null }): Promise<Job>;
  planRollback(input: { readonly id: string | null; readonly environmentId: string }): Promise<UpgradePlan>;
  rollback(input: { readonly planId: string; readonly agree: boolean }): Promise<Job>;
  list(environmentId: string | null): Upgrade[];
  forget(id: string): Promise<void>;
}
