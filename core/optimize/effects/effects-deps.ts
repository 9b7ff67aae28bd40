import type { BenchmarkPlace } from '../../../contract/benchmarks.ts';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { EngineSettings } from '../../../contract/inference.ts';
import type { ChosenToggle, DeviceSetting, LaunchPlan } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Subject } from '../../engine/optimize-services.ts';
import type { Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import type { StorageClient } from '../../storage/storage-client.ts';
import type { Readings, StartArm } from '../../benchmarks/parts.ts';
import type { ToggleFacts } from '../toggles/toggle-definition.ts';

/** Where toggles are looked at or measured, as the other areas know it. */
export interface EffectSubject {
  readonly environment: { readonly id: string; readonly name: string; readonly torch: string | null; readonly found: Pick<FoundEnvironment, 'id' | 'prefix' | 'python'>; readonly hasTriton: boolean | null } | null;
  readonly place: BenchmarkPlace;
  readonly driver: string | null;
  readonly computeCapability: string | null;
  /** Release of llama.cpp that a model would be loaded with here; null: none works. */
  readonly llama: string | null;
  /** Physical cores. */
  readonly cores: number;
  readonly wsl: boolean;
  readonly problems: readonly Problem[];
}

export interface EffectsDeps {
  readonly startArm: StartArm;
  readonly readings: Readings;
  readonly jobs: Pick<Jobs, 'start'>;
  readonly storage: Pick<StorageClient, 'call'>;
  readonly log: Logger;
  /** @throws ProblemError where the environment or the place does not exist */
  readSubject(subject: Subject): Promise<EffectSubject>;
  /** For llama.cpp; null: the default model. @throws ProblemError where there is none */
  readModel(id: string | null): Promise<{ readonly id: string; readonly name: string; readonly settings: Partial<EngineSettings> }>;
  /** What is applied by Warpdeck in an environment. */
  readApplied(environmentId: string): Promise<readonly ChosenToggle[]>;
  readDeviceSettings(uuid: string): Promise<readonly DeviceSetting[]>;
  /** Variables with which toggles hold in the user's own program. */
  planLaunch(toggles: readonly ChosenToggle[], python: string | null): Promise<LaunchPlan>;
  /** Why a pattern cannot find a figure; null: it can. */
  checkPattern(pattern: string, text: string): Promise<{ readonly fault: string | null }>;
  /** One measurement at a time on this machine, shared with benchmarks; `take` answers what lets go. @throws ProblemError `bench.busy` */
  readonly lock: { take(holder: { readonly title: string; readonly place: string }): () => void };
  /** A card or a profile changed. */
  onChange(): void;
  /** Variables of the engine, which its children inherit. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly now?: () => number;
  /** Of the budget, ms. */
  readonly monotonic?: () => number;
}

export const factsOf = (subject: EffectSubject, platform: NodeJS.Platform): ToggleFacts => ({
  torch: subject.environment?.torch ?? null,
  place: subject.place.key,
  computeCapability: subject.computeCapability,
  platform,
  wsl: subject.wsl,
  llama: subject.llama,
  triton: subject.environment?.hasTriton ?? null,
  cores: subject.cores,
});
