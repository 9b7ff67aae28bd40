/** Finds with what something is measured: an environment with torch that serves a place, a model, a place. */
import type { BenchmarkRun } from '../../contract/benchmarks.ts';
import type { EngineSettings, LoadedModel } from '../../contract/inference.ts';
import type { Inventory } from '../../contract/gpu.ts';
import type { Model } from '../../contract/models.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import { problemOf } from '../../contract/problem.ts';
import type { EnvironmentReport, VerdictWord } from '../../contract/verdict.ts';
import type { Subject } from '../engine/optimize-services.ts';
import type { EffectSubject } from './effects/effects-deps.ts';

export interface SubjectSources {
  inventory(): Inventory;
  /** The processor's name. */
  readonly processorName: string;
  /** Physical cores. */
  readonly cores: number;
  readonly wsl: boolean;
  /** As last judged; waits for a search that is under way, or begins the first one. */
  reports(): Promise<readonly EnvironmentReport[]>;
  /** Read again now. @throws ProblemError `env.not_found` */
  readNow(id: string): Promise<EnvironmentReport>;
  /** By id, path or name; null: the default one. @throws ProblemError `model.not_found`, `model.none` */
  findModel(reference: string | null): Promise<Model>;
  modelSettings(modelId: string): Partial<EngineSettings>;
  loaded(): readonly LoadedModel[];
  /** Release and name of the build that a model would be loaded with on a place; null: none works there. */
  llama(place: string): { readonly release: string | null; readonly kind: string } | null;
}

export interface Subjects {
  /** GPUs that are really there, in the driver's order, then the processor. */
  places(): { readonly key: string; readonly name: string }[];
  /** @throws ProblemError `bench.no_place` */
  place(wished: string | null): { readonly key: string; readonly name: string };
  /** @throws ProblemError `bench.no_torch`, `env.not_found` */
  environment(id: string | null, place: string): Promise<EnvironmentReport>;
  model(id: string | null, place: string): Promise<{ readonly arm: { readonly id: string; readonly settings: Partial<EngineSettings> }; readonly told: NonNullable<BenchmarkRun['model']> }>;
  effect(subject: Subject): Promise<EffectSubject>;
}

/** Verdicts with which kernels run, the better one first. */
const RUNS: readonly VerdictWord[] = ['native', 'library_gap', 'jit'];

/** Of several environments the one whose torch serves the place best: by verdict, then proof, then release. Pure. */
export function decideBest(reports: readonly EnvironmentReport[], place: string): EnvironmentReport | null {
  const rank = (one: EnvironmentReport): readonly number[] => {
    const cell = one.cells.find((c) => c.gpuKey === place);
    const verdict = place === 'cpu' ? 0 : RUNS.indexOf(cell?.verdict ?? 'unknown');
    return [verdict, one.proofs.some((proof) => proof.gpuKey === place) ? 0 : 1];
  };
  const fit = reports.filter((one) => one.xray?.torch?.version != null && one.environment.python.path !== null && one.worst !== 'broken' && (place === 'cpu' || (rank(one)[0] ?? -1) >= 0));
  const version = (one: EnvironmentReport): readonly number[] => (one.xray?.torch?.version ?? '').split(/[.+]/).slice(0, 3).map((part) => Number.parseInt(part, 10) || 0);
  return [...fit].sort((a, b) => compareLists(rank(a), rank(b)) || compareLists(version(b), version(a)))[0] ?? null;
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function createSubjects(sources: SubjectSources): Subjects {
  const devices = (): Inventory['devices'] => (sources.inventory().simulated ? [] : sources.inventory().devices);
  const places = (): { readonly key: string; readonly name: string }[] => [...devices().map((device) => ({ key: device.uuid, name: device.name })), { key: 'cpu', name: sources.processorName }];
  const place = (wished: string | null): { readonly key: string; readonly name: string } => {
    const all = places();
    const found = wished === null ? all[0] : all.find((one) => one.key === wished);
    if (found === undefined) throw problemError('bench.no_place', { what: 'It', place: wished ?? 'this machine', detail: 'there is no such GPU.' });
    return found;
  };
  const environment = async (id: string | null, at: string): Promise<EnvironmentReport> => {
    if (id !== null) {
      const report = await sources.readNow(id);
      if (report.xray?.torch?.version == null) throw problemError('bench.no_torch', { detail: `${report.environment.name} has no PyTorch.` });
      return report;
    }
    const best = decideBest(await sources.reports(), at);
    if (best === null) throw problemError('bench.no_torch', { detail: at === 'cpu' ? 'No environment with PyTorch was found on this machine.' : `No environment was found whose PyTorch can use ${place(at).name}.` });
    return best;
  };
  return {
    places,
    place,
    environment,
    async model(id, at) {
      const model = await sources.findModel(id);
      const build = sources.llama(at);
      const settings: Partial<EngineSettings> = { ...sources.modelSettings(model.id), ...(at === 'cpu' ? { backend: 'cpu' } : { devices: [at] }) };
      return { arm: { id: model.id, settings }, told: { id: model.id, name: `${model.name}${model.facts === null ? '' : ` ${model.facts.quantisation}`}`, backend: build?.kind ?? 'unknown', release: build?.release ?? null } };
    },
    async effect(subject) {
      const at = place(subject.place);
      const device = devices().find((one) => one.uuid === at.key) ?? null;
      const problems: Problem[] = [];
      // A machine without torch can still measure llama.cpp.
      const report = await environment(subject.environmentId, at.key).catch((error: unknown) => {
        const problem = problemOf(error);
        if (problem === null || subject.environmentId !== null) throw error;
        problems.push(problem);
        return null;
      });
      const torch = report?.xray?.torch?.version ?? null;
      return {
        environment: report === null ? null : { id: report.environment.id, name: report.environment.name, torch, found: report.environment, hasTriton: report.xray === null ? null : report.xray.companions.some((one) => one.name === 'triton' || one.name === 'triton-windows') },
        place: at,
        driver: sources.inventory().simulated ? null : sources.inventory().driver.driverVersion,
        computeCapability: device?.computeCapability ?? null,
        llama: sources.llama(at.key)?.release ?? null,
        cores: sources.cores,
        wsl: sources.wsl,
        problems,
      };
    },
  };
}
