/**
 * Puts benchmarks and switches together: what measures, what is measured with, what is applied and what is changed on a
 * GPU. `app.ts` hands in what is of other areas.
 */
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { ComponentHealth } from '../../contract/optimize.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { EnvironmentReport } from '../../contract/verdict.ts';
import { createLlamaModels } from '../benchmarks/arms/create-llama-models.ts';
import { checkPattern } from '../benchmarks/arms/check-pattern.ts';
import { createStartArm } from '../benchmarks/arms/create-start-arm.ts';
import { createBenchmarks } from '../benchmarks/create-benchmarks.ts';
import { createMeasuringEnvironment } from '../benchmarks/measuring-environment/create-measuring-environment.ts';
import { readMeasuringPackages } from '../benchmarks/measuring-environment/measuring-packages.ts';
import { createReadings } from '../benchmarks/readings/create-readings.ts';
import { createMeasuringLock } from '../benchmarks/runner/measuring-lock.ts';
import { readHardware } from '../benchmarks/runner/read-hardware.ts';
import { createGauge } from '../engine/gauge.ts';
import type { OptimizeServices } from '../engine/optimize-services.ts';
import type { AssembledEnvironments } from '../environments/assemble-environments.ts';
import { runScript } from '../environments/python/run-script.ts';
import { lockEnvironment } from '../environments/upgrade/environment-lock.ts';
import type { GpuService } from '../gpu/gpu-service.ts';
import type { AssembledInference } from '../inference/assemble-inference.ts';
import { readMachine } from '../inference/settings/read-machine.ts';
import { mergeSettings } from '../inference/settings/merge-settings.ts';
import type { Settings } from '../../contract/settings.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import type { StorageClient } from '../storage/storage-client.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { createApply } from './apply/create-apply.ts';
import { listKernelFolders } from './apply/kernel-folders.ts';
import { createEffects } from './create-effects.ts';
import { createDeviceSettings } from './devices/create-device-settings.ts';
import { decideHealth } from './health/decide-health.ts';
import { createSubjects } from './read-subjects.ts';
import { explainSlow } from './slow/explain-slow.ts';
import { readCores } from './slow/read-cores.ts';
import { findToggle } from './toggles/all-toggles.ts';
import { createTune, TUNE_CONTEXT_TOKENS } from './tune/create-tune.ts';
import { createTuneArms } from './tune/create-tune-arms.ts';

export interface AssembleOptimizeOptions {
  readonly root: string;
  readonly resources: string;
  readonly ephemeral: boolean;
  readonly wsl: boolean;
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly storage: StorageClient;
  readonly gpus: GpuService;
  readonly environments: AssembledEnvironments;
  readonly inference: AssembledInference;
  readonly settings: () => Settings['inference'];
  readonly updateSettings: (change: Partial<Settings['inference']>) => Promise<unknown>;
  /** The simulated nvidia-smi; null: a simulation takes no settings. */
  readonly simulatedSmi: readonly string[] | null;
  readonly log: Logger;
}

export interface AssembledOptimize {
  readonly services: OptimizeServices;
  /** Puts back what a crash left, reads what is stored. */
  start(): Promise<void>;
  /** Driver, torch or llama.cpp may be others: the minute-long check looks. */
  reconsider(): void;
  stop(): Promise<void>;
}

export async function assembleOptimize(options: AssembleOptimizeOptions): Promise<AssembledOptimize> {
  const { supervisor, jobs, storage, gpus, environments, inference, root, ephemeral, log } = options;
  const { services: models } = inference;
  const machine = readMachine();
  let revision = 0;
  const revisions = createGauge<{ revision: number }>({ revision });
  const changed = (): void => { revisions.publish({ revision: ++revision }); };

  const subjects = createSubjects({
    inventory: () => gpus.list(),
    processorName: machine.cpuName, cores: machine.physicalCores, wsl: options.wsl,
    reports: () => settledReports(environments, jobs),
    readNow: (id) => environments.services.readNow(id, { for: [], driver: null }),
    findModel: inference.findModel,
    modelSettings: (modelId) => Object.fromEntries(Object.entries(options.settings().profiles[modelId] ?? {}).filter(([, value]) => value !== undefined)),
    loaded: () => models.loaded.list(),
    llama: (place) => {
      const { backends } = models.backends.state();
      const kinds = place === 'cpu' ? ['cpu'] : ['cuda', 'vulkan'];
      const build = backends.filter((one) => kinds.includes(one.kind) && one.trial.state !== 'fails' && one.trial.state !== 'missing').sort((a, b) => Number(b.chosen) - Number(a.chosen))[0];
      return build === undefined ? null : { release: build.release, kind: build.id };
    },
  });
  const nameOf = (key: string): string | null => subjects.places().find((one) => one.key === key)?.name ?? null;
  const readings = createReadings(gpus);
  const lock = createMeasuringLock();
  const startArm = createStartArm({
    supervisor,
    runScript: (script) => runScript({ ...script, supervisor }),
    placeName: nameOf,
    codeToggle: (toggle) => { const found = findToggle(toggle.toggleId); return found === null ? toggle : found.code(toggle.value); },
    peerOf: (place) => subjects.places().find((one) => one.key !== place && one.key !== 'cpu')?.key ?? null,
    models: createLlamaModels(inference.loaded),
  });

  let releases: ReturnType<typeof readMeasuringPackages> | null = null;
  const benchmarks = createBenchmarks({
    startArm, readings, hardware: await readHardware(options.resources), jobs, storage, lock, log,
    machine: {
      places: subjects.places,
      driverVersion: () => (gpus.list().simulated ? null : gpus.list().driver.driverVersion),
      threads: availableParallelism(),
      conditions: (place) => Promise.resolve(readConditions(gpus, place)),
      async torch(environmentId, place) {
        const { environment, xray } = await subjects.environment(environmentId, place);
        return { arm: environment, told: { id: environment.id, name: environment.name, torch: xray?.torch?.version ?? null, cuda: xray?.torch?.cuda ?? null, python: environment.python.version } };
      },
      knownTorch(id) {
        // Begins the first search where there was none; its end is a change, and this is asked again.
        environments.services.matrix();
        return environments.services.reports().find((one) => one.environment.id === id)?.xray?.torch?.version ?? null;
      },
      numpy: createMeasuringEnvironment({
        folder: join(root, 'numpy'),
        releases: () => (releases ??= readMeasuringPackages(options.resources)), system: { platform: process.platform, arch: process.arch, get musl() { return isMusl(); } },
        reports: () => settledReports(environments, jobs), startArm, supervisor, log,
        fetchPackages: inference.runPackageTool, ask: environments.packageTools.ask, access: environments.packageTools.access,
        threads: Math.max(1, Math.min(machine.physicalCores, availableParallelism())),
      }),
      model: subjects.model,
    },
    wayBack() {
      // The newest upgrade that can still be undone is the likeliest cause that Warpdeck knows a way back from.
      const last = environments.upgrades.list(null).find((one) => one.state === 'committed' && one.canUndo);
      return Promise.resolve(last === undefined ? null : { sentence: `Undo the last change of ${last.environmentName}.`, actions: [{ kind: 'call' as const, label: `Undo the change of ${last.environmentName}`, operation: 'upgrades.planRollback', input: { id: last.id, environmentId: last.environmentId } }] });
    },
  });

  const devices = createDeviceSettings({ gpus, supervisor, folder: ephemeral ? null : root, simulatedSmi: options.simulatedSmi, log });
  const readEnvironment = async (id: string): Promise<{ found: EnvironmentReport['environment']; torch: string | null }> => {
    const report = await environments.services.readNow(id, { for: [], driver: null });
    return { found: report.environment, torch: report.xray?.torch?.version ?? null };
  };
  const apply = createApply({
    folder: join(root, 'applications'),
    readEnvironment,
    async findByPython(python) {
      const report = (await settledReports(environments, jobs)).find((one) => one.environment.python.path === python || one.environment.python.realPath === python);
      return report === undefined ? null : { found: report.environment, torch: report.xray?.torch?.version ?? null };
    },
    places: () => [...(gpus.list().simulated ? [] : gpus.list().devices).map((one) => ({ key: one.uuid, computeCapability: one.computeCapability })), { key: 'cpu', computeCapability: null }],
    cores: machine.physicalCores, wsl: options.wsl, platform: process.platform,
    lockEnvironment, kernelFolders: () => listKernelFolders(process.env, process.platform),
    findProfile: (id) => effects.findProfile(id),
    onChange: changed, log,
  });
  const effects = createEffects({
    startArm, readings, jobs, storage, log, lock,
    readSubject: subjects.effect,
    async readModel(id) {
      const { arm, told } = await subjects.model(id, subjects.place(null).key);
      return { id: arm.id, name: told.name, settings: arm.settings };
    },
    readApplied: (id) => apply.readApplied(id),
    readDeviceSettings: (uuid) => devices.settings(uuid),
    planLaunch: (toggles, python) => apply.planLaunch({ toggles, profileId: null, python }),
    checkPattern,
    onChange: changed, variables: process.env, platform: process.platform,
  });
  const tune = createTune({
    jobs, readings, log, start: createTuneArms(inference.loaded), folder: ephemeral ? null : root,
    hold: (holder) => lock.take(holder),
    machine: () => ({ physicalCores: machine.physicalCores, logicalCores: machine.logicalCores }),
    async subject(wish) {
      const model = await inference.findModel(wish.modelId);
      const place = subjects.place(wish.place);
      const profile = options.settings().profiles[model.id];
      // The context that is loaded, so that memory is asked about what is loaded.
      const base = mergeSettings(profile, { contextTokens: wish.contextTokens ?? profile?.contextTokens ?? TUNE_CONTEXT_TOKENS });
      const outlook = await models.models.outlook({ model: model.id }, base);
      const memory = outlook.memory.find((one) => one.place === place.key);
      return {
        modelId: model.id, modelName: model.name, place: { ...place, kind: place.key === 'cpu' ? 'cpu' as const : 'gpu' as const },
        gpus: subjects.places().map((one) => one.key).filter((key) => key !== 'cpu'), layers: model.facts === null ? null : model.facts.layers + 1, fitsWhole: memory === undefined || memory.verdict === 'fits' || memory.verdict === 'fits_after_unload', base,
      };
    },
    async saveSettings(modelId, settings) {
      const { profiles } = options.settings();
      await options.updateSettings({ profiles: { ...profiles, [modelId]: { ...profiles[modelId], ...settings } } });
    },
  });
  devices.onChange(changed);

  const health = async (subject: { readonly environmentId: string | null; readonly place: string | null }): Promise<ComponentHealth[]> => {
    const inventory = gpus.list();
    const place = subjects.place(subject.place);
    const report = await subjects.environment(subject.environmentId, place.key).catch(() => null);
    const torch = report?.xray?.torch ?? null;
    const proof = report === null ? null : (environments.services.proofs(report.environment.id).find((one) => one.gpuKey === place.key) ?? null);
    return decideHealth({
      place,
      driver: { version: inventory.driver.driverVersion, cudaVersion: inventory.driver.cudaVersion, problem: inventory.problem, simulated: inventory.simulated, devices: inventory.devices.length, atMs: inventory.atMs },
      environment: report === null ? null : { name: report.environment.name, torch: torch?.version ?? null, build: torch?.build ?? 'unknown', cuda: torch?.cuda ?? null },
      proof, backends: models.backends.state().backends,
    });
  };

  return {
    services: {
      benchmarks: benchmarks.benchmarks, canary: benchmarks.canary, effects, apply, devices, tune, revision: revisions, health, checkPattern,
      gpusKnown: () => waitForGpus(gpus),
      explainSlow: (input, signal) => explainSlow(input, { gpus, loaded: () => models.loaded.list(), readCores }, signal),
    },
    async start() {
      for (const path of await apply.recover()) log.warn('A file of a switch was edited by somebody and is left alone', { path });
      await devices.load();
      await benchmarks.begin();
    },
    reconsider: () => void benchmarks.canary.checkForChange(),
    stop: () => devices.stop(),
  };
}

/** As last judged; the first question waits for the search that it begins. */
async function settledReports(environments: AssembledEnvironments, jobs: Jobs): Promise<readonly EnvironmentReport[]> {
  const { services } = environments;
  if (services.matrix().state === 'ready') return services.reports();
  const job = services.scan();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      const now = jobs.list().find((one) => one.id === job.id);
      if (now === undefined || now.endedAtMs !== null) {
        stop();
        resolve();
      }
    };
    const stop = jobs.onChange(look);
    look();
  });
  const reports = services.reports();
  if (reports.length === 0 && services.matrix().state !== 'ready') throw problemError('bench.no_torch', { detail: 'The search for environments did not come to an end.' });
  return reports;
}

/** Linux without glibc. Node says which it runs with. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  // Names of hosts are of no interest, and looking them up takes long.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined;
}

/** What could explain a difference later. */
function readConditions(gpus: GpuService, place: string): Record<string, string | number | boolean | null> {
  const device = gpus.list().devices.find((one) => one.uuid === place);
  if (device === undefined) return { loadAverage: process.platform === 'win32' ? null : Math.round((loadavg()[0] ?? 0) * 100) / 100 };
  const medium = gpus.latest().get(place)?.sample.medium;
  return {
    powerLimitWatts: medium?.powerLimitWatts ?? device.powerLimitWatts, pcieGen: medium?.pcieGen ?? null, pcieWidth: medium?.pcieWidth ?? null, displayActive: device.displayActive, persistenceMode: device.persistenceMode, eccEnabled: device.eccEnabled,
    processes: gpus.processes.latest()?.processes.filter((one) => one.gpuUuid === place).length ?? null,
  };
}

/** A driver that hangs must not hold up what runs on the processor. */
const GPUS_KNOWN_MS = 10_000;

function waitForGpus(gpus: Pick<GpuService, 'list' | 'onInventory'>): Promise<void> {
  if (gpus.list().state !== 'starting') return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      release();
      resolve();
    };
    const timer = setTimeout(end, GPUS_KNOWN_MS);
    const release = gpus.onInventory((now) => { if (now.state !== 'starting') end(); });
  });
}
