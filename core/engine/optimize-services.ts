import type { BenchmarkDetail, BenchmarkInfo, BenchmarkOutlook, BenchmarkPast, BenchmarkRun, BenchmarkWish, CanaryState, RunComparison } from '../../contract/benchmarks.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Application, ApplyMeans, ApplyPlan, ChosenToggle, ComponentHealth, DeviceChange, DevicePlan, DeviceSetting, EffectCard, LaunchPlan, MeasureWish, OptimizeOverview, PatternCheck, Profile, SlowReport, Toggle, TuneResult, TuneWish, Workload } from '../../contract/optimize.ts';
import type { Gauge } from './gauge.ts';

export interface BenchmarkServices {
  readonly gauge: Gauge<BenchmarkRun[]>;
  list(): BenchmarkInfo[];
  /** In the order of `list`; waits for the first search for environments. */
  outlook(): Promise<BenchmarkOutlook[]>;
  /** @throws ProblemError `bench.unknown`, `bench.no_torch`, `bench.no_place`, `bench.busy` */
  run(wish: BenchmarkWish): Promise<Job>;
  history(filter: { readonly name: string | null; readonly place: string | null; readonly limit: number }): Promise<BenchmarkRun[]>;
  past(filter: { readonly name: string; readonly limit: number }): Promise<BenchmarkPast>;
  /** `samples` false: the run alone. */
  get(id: string, samples?: boolean): Promise<BenchmarkDetail>;
  compare(a: string, b: string): Promise<RunComparison>;
  export(id: string, format: 'jsonl' | 'markdown' | 'csv' | 'svg'): Promise<{ fileName: string; text: string }>;
  import(text: string): Promise<BenchmarkRun[]>;
  remove(id: string): Promise<void>;
}

export interface CanaryServices {
  readonly gauge: Gauge<CanaryState>;
  state(): CanaryState;
  run(place: string | null): Promise<Job>;
}

export interface Subject {
  readonly environmentId: string | null;
  readonly place: string | null;
}

export interface EffectServices {
  overview(subject: Subject): Promise<OptimizeOverview>;
  toggles(): Toggle[];
  workloads(): Workload[];
  measure(wish: MeasureWish): Promise<Job>;
  effects(filter: { readonly toggleId: string | null; readonly limit: number }): Promise<EffectCard[]>;
  effect(id: string): Promise<EffectCard>;
  profiles(): Promise<Profile[]>;
  saveProfile(input: { readonly id: string | null; readonly title: string; readonly toggles: readonly ChosenToggle[] }): Promise<Profile>;
  removeProfile(id: string): Promise<void>;
}

export interface ApplyServices {
  planApply(input: { readonly environmentId: string; readonly toggles: readonly ChosenToggle[]; readonly means: ApplyMeans }): Promise<ApplyPlan>;
  apply(input: { readonly planId: string; readonly agree: boolean }): Promise<Application>;
  planRevert(id: string): Promise<ApplyPlan>;
  revert(planId: string): Promise<Application>;
  applications(): Promise<Application[]>;
  planLaunch(input: { readonly toggles: readonly ChosenToggle[] | null; readonly profileId: string | null; readonly python: string | null }): Promise<LaunchPlan>;
}

export interface DeviceSettingServices {
  settings(uuid: string): Promise<DeviceSetting[]>;
  plan(input: { readonly uuid: string; readonly setting: DeviceSetting['id']; readonly value: number }): Promise<DevicePlan>;
  apply(planId: string): Promise<DeviceChange>;
  confirm(id: string): Promise<DeviceChange>;
  revert(id: string): Promise<DeviceChange>;
  changes(): DeviceChange[];
}

export interface TuneServices {
  readonly gauge: Gauge<TuneResult[]>;
  start(wish: TuneWish): Promise<Job>;
  results(): Promise<TuneResult[]>;
}

export interface OptimizeServices {
  readonly benchmarks: BenchmarkServices;
  readonly canary: CanaryServices;
  readonly effects: EffectServices;
  readonly apply: ApplyServices;
  readonly devices: DeviceSettingServices;
  readonly tune: TuneServices;
  /** Counts up whenever a switch, an effect, a profile or an application changes. */
  readonly revision: Gauge<{ revision: number }>;
  health(subject: Subject): Promise<ComponentHealth[]>;
  /** What a measurement of the user's own program would find in this text. */
  checkPattern(pattern: string, text: string): Promise<PatternCheck>;
  explainSlow(input: { readonly place: string | null; readonly seconds: number }, signal?: AbortSignal): Promise<SlowReport>;
  /** Once the engine has heard of its GPUs, or of what is wrong with them; at most some seconds. */
  gpusKnown(): Promise<void>;
}
