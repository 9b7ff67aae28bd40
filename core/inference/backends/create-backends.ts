import { dirname, join } from 'node:path';
import type { Inventory } from '../../../contract/gpu.ts';
import type { Backend, BackendKind, BackendsState } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf } from '../../../contract/problem.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { BackendServices } from '../../engine/inference-services.ts';
import type { Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { BackendChooser, Place } from '../parts.ts';
import type { BackendId, CodeJudgement, InstalledBackend, LibraryFacts, MissingBackend, Trial } from './backend-parts.ts';
import { backendOrder, kindNames } from './backend-parts.ts';
import { buildLlama } from './build-llama.ts';
import { decideBuildNeeds } from './build-needs.ts';
import { readCudaRuntime, runtimeBytes, sizeText, type CudaRuntimeTable } from './cuda-runtime.ts';
import { backendName, decideChoice, type Candidate } from './decide-choice.ts';
import { decideOffers } from './decide-offers.ts';
import type { UnpackWheels } from '../packages/fetch-wheels.ts';
import { fetchRuntime } from './fetch-runtime.ts';
import { judgeBackend, type Judged } from './judge-backend.ts';
import { findShipped } from './find-installed.ts';
import { findGiven, findLocal } from './find-own.ts';
import { readLoaderFolders, readToolkits, runtimeEnvironment } from './find-runtime.ts';
import type { System } from './library-names.ts';
import { readBuildTools } from './read-build-tools.ts';
import { createTrials } from './create-trials.ts';
import { decideRuntimePlaces } from './runtime-places.ts';

export interface BackendsOptions {
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly log: Logger;
  /** Device code and needs of a library, read where it may harm nobody (`EnvironmentProbe.library`). */
  readonly readLibrary: (path: string) => Promise<LibraryFacts>;
  /** What device code is for a GPU with this machine's driver (the environments' rules). */
  readonly judgeCode: (code: LibraryFacts['code'], computeCapability: string) => Promise<CodeJudgement>;
  /** Environments whose packages may hold the CUDA runtime. */
  readonly environments: () => readonly { readonly prefix: string; readonly sitePackages: readonly string[] }[];
  readonly inventory: () => Inventory;
  /** Devices that are really there. */
  readonly places: () => readonly Place[];
  readonly unpackWheels: UnpackWheels;
  readonly resources: string;
  /** Of this part: trials, copies of the package, the runtime. */
  readonly dataFolder: string;
  /** node_modules/node-llama-cpp as installed. */
  readonly packageFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly system?: System;
  /** For a trial, ms; four times as long where the driver compiles kernels. */
  readonly trialLimitMs?: number;
}

export interface Backends extends BackendServices, BackendChooser {
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

/** A look that is not older serves a choice as well, ms. */
const FRESH_MS = 30_000;
const TRIAL_LIMIT_MS = 90_000;

/** Finds, judges and tries the builds of llama.cpp; chooses one and says why. */
export function createBackends(options: BackendsOptions): Backends {
  const { supervisor, jobs, packageFolder, dataFolder, env } = options;
  const log = options.log.child('backends');
  const system = options.system ?? { platform: process.platform, arch: process.arch };
  const enginesFolder = join(dataFolder, 'engines'), runtimeFolder = join(dataFolder, 'cuda-runtime');
  const ending = new AbortController();
  const listeners = new Set<() => void>();
  const empty: BackendsState = { backends: [], looking: false, lookedAtMs: null, offers: [], problems: [] };
  const gauge = createGauge<BackendsState>(empty);

  let judged: readonly Judged[] = [];
  let looking: Promise<void> | null = null;
  let lookedAtMs: number | null = null;
  let lookedFor = '';
  let problems: BackendsState['problems'] = [];
  let offers: BackendsState['offers'] = [];
  let runtimeTable: Promise<CudaRuntimeTable> | null = null;
  const getRuntime = (): Promise<CudaRuntimeTable> => (runtimeTable ??= readCudaRuntime(options.resources));
  const gpus = (): readonly Place[] => options.places().filter((place) => place.kind === 'gpu');
  const driver = (): Inventory['driver'] => options.inventory().driver;
  /** What a look depends on: another driver or other GPUs are another machine. */
  const surroundings = (): string => JSON.stringify([driver().driverVersion, gpus().map((gpu) => gpu.key), env['WARPDECK_LLAMA_CUDA'] ?? null]);

  const trials = createTrials({ supervisor, log, system, env, dataFolder, driverVersion: () => driver().driverVersion, gpus: () => gpus().map((gpu) => gpu.key), limitMs: options.trialLimitMs ?? TRIAL_LIMIT_MS, signal: ending.signal, onChange: () => publish() });
  const candidates = (): Candidate[] => judged.map((one) => ({ id: one.id, kind: one.kind, trial: trials.of(one.id), promises: one.promises }));
  const publish = (): void => {
    const list = candidates();
    const choice = decideChoice({ wish: { backend: 'auto', devices: [] }, candidates: list, gpus: gpus().map((gpu) => ({ uuid: gpu.key, name: gpu.name })) });
    const backends = backendOrder.flatMap((id) => judged.filter((one) => one.id === id)).map((one): Backend => {
      const trial = trials.of(one.id), chosen = choice.t === 'chosen' && choice.id === one.id;
      return { id: one.id, kind: one.kind, release: one.release, path: one.path, sass: [...one.sass], ptx: [...one.ptx], runtime: [...one.runtime], devices: [...one.promises], trial, chosen, why: chosen ? choice.why : whyNot(trial, choice.t === 'chosen' ? choice.id : null) };
    });
    gauge.publish({ backends, looking: looking !== null || trials.running(), lookedAtMs, offers, problems: choice.t === 'none' && judged.length > 0 ? [...problems, choice.problem] : problems });
    for (const listener of [...listeners]) listener();
  };

  const readJudged = async (): Promise<readonly Judged[]> => {
    const own = { packageFolder, enginesFolder, system, given: env['WARPDECK_LLAMA_CUDA'] };
    const given = await findGiven(own).catch((error: unknown): MissingBackend[] => [{ id: 'cuda-given', kind: 'cuda', why: problemOf(error)?.cause ?? String(error) }]);
    const found: (InstalledBackend | MissingBackend)[] = [...given, ...(await findLocal(own)), ...(await findShipped(packageFolder, system))];
    const [loaderFolders, toolkits] = system.platform === 'win32' ? [[], []] : await Promise.all([readLoaderFolders(), readToolkits()]);
    const around = { environments: options.environments(), fetchedFolder: runtimeFolder, env, loaderFolders, toolkits };
    const real = gpus().map((gpu) => ({ uuid: gpu.key, name: gpu.name, computeCapability: gpu.computeCapability }));
    return Promise.all(found.map((one) => judgeBackend(one, {
      system, gpus: real, driverCuda: driver().cudaVersion, readLibrary: options.readLibrary, judgeCode: options.judgeCode,
      places: (library) => decideRuntimePlaces({ ...around, ownFolders: [dirname(library), ...(one.id === 'cuda-given' && own.given !== undefined ? [dirname(own.given)] : [])] }, system),
    })));
  };

  const readOffers = async (): Promise<void> => {
    const runtime = await getRuntime(), real = gpus();
    const cuda = judged.filter((one) => one.kind === 'cuda' && one.installed !== null).map((one) => trials.of(one.id));
    const wanted = real.length > 0 && !cuda.some((trial) => trial.state === 'works');
    const build = wanted ? decideBuildNeeds({ kind: 'cuda', tools: await readBuildTools(supervisor, env, ending.signal), ...machine() }) : null;
    offers = decideOffers({ gpus: real, cuda, runtimeBytes: runtimeBytes(runtime, system, 'bytes'), runtimeCuda: runtime.cuda, build });
  };
  const machine = (): { computeCapabilities: string[]; driverCuda: string | null } => ({ computeCapabilities: gpus().flatMap((gpu) => (gpu.computeCapability === null ? [] : [gpu.computeCapability])), driverCuda: driver().cudaVersion });

  const look = (): Promise<void> => {
    if (looking !== null) return looking;
    const forWhat = surroundings();
    const doing = async (): Promise<void> => {
      try {
        const size = sizeText(runtimeBytes(await getRuntime(), system, 'bytes'));
        const now = await readJudged();
        await trials.settle(now, size);
        judged = now;
        problems = [];
        await readOffers();
        lookedFor = forWhat;
        lookedAtMs = Date.now();
      } catch (error) {
        if (ending.signal.aborted) return;
        log.warn('the builds of llama.cpp cannot be looked at', { detail: String(error) });
        const problem = problemOf(error);
        problems = problem === null ? [] : [problem];
        throw error;
      } finally {
        looking = null;
        publish();
      }
    };
    // Set before anything is awaited: who asks meanwhile waits for this one.
    looking = Promise.resolve().then(doing);
    publish();
    return looking;
  };
  const lookIfOld = async (): Promise<void> => {
    if (lookedAtMs === null || lookedFor !== surroundings() || Date.now() - lookedAtMs > FRESH_MS) await look();
  };

  /** Everything that can be tried and was not, in the background: somebody looks at the page. */
  const tryAll = async (): Promise<void> => {
    await Promise.all(judged.filter((one) => trials.of(one.id).state === 'untried').map((one) => trials.attempt(one)));
    await readOffers();
    publish();
  };
  const inBackground = (what: Promise<unknown>): void => {
    what.catch((error: unknown) => { if (!ending.signal.aborted) log.warn('a build of llama.cpp could not be tried', { detail: String(error) }); });
  };

  const anew = async (): Promise<BackendsState> => {
    await trials.clear();
    await look();
    await tryAll();
    return gauge.get() ?? empty;
  };

  return {
    gauge,
    state() {
      if (lookedAtMs === null && looking === null && !ending.signal.aborted) inBackground(look().then(tryAll));
      return gauge.get() ?? empty;
    },
    tryAgain: anew,
    fetchRuntime: () => jobs.start({ kind: 'download', title: 'CUDA runtime' }, async (job) => {
      const cuda = ['libcudart.so.13', 'cudart64_13.dll'];
      const { bytes } = await fetchRuntime({ runtime: await getRuntime(), system, unpackWheels: options.unpackWheels, folder: runtimeFolder, job, expects: cuda.flatMap((name) => ['nvidia/cu13/lib', 'nvidia/cu13/bin/x86_64', 'nvidia/cu13/bin'].map((folder) => `${folder}/${name}`)) });
      await anew();
      return { bytes, folder: runtimeFolder };
    }),
    build: (kind: BackendKind) => jobs.start({ kind: 'build', title: `llama.cpp for ${kind === 'cpu' ? 'this processor' : kindNames[kind]}` }, async (job) => {
      if (kind === 'vulkan') throw problemError('engine.build_needs', { missing: 'a reason: the Vulkan build that ships serves every GPU', remedy: 'Build for CUDA or for the processor.' });
      const { seconds, library } = await buildLlama({ supervisor, kind, tools: await readBuildTools(supervisor, env, job.signal), ...machine(), packageFolder, enginesFolder, system, job });
      job.progress({ fraction: 0.99, doing: 'Trying it' });
      await look();
      await trials.attempt(judged.find((one) => one.id === `${kind}-local`));
      const trial = trials.of(`${kind}-local`);
      if (trial.state === 'fails' && trial.problem !== null) throw new ProblemError(trial.problem);
      return { library, seconds: Math.round(seconds), trial: trial.detail };
    }),
    async choose(wish, signal) {
      signal?.throwIfAborted();
      await orAbort(lookIfOld(), signal);
      for (;;) {
        const choice = decideChoice({ wish, candidates: candidates(), gpus: gpus().map((gpu) => ({ uuid: gpu.key, name: gpu.name })) });
        if (choice.t === 'none') throw new ProblemError(choice.problem);
        if (choice.t === 'try') {
          await orAbort(trials.attempt(judged.find((one) => one.id === choice.id)), signal);
          ending.signal.throwIfAborted();
          continue;
        }
        const one = judged.find((j) => j.id === choice.id);
        if (one?.installed === undefined || one.installed === null) throw problemError('engine.no_backend', { detail: `${backendName(choice.id)} went away.`, remedy: 'Try again.' });
        publish();
        return { id: one.id, kind: one.kind, engineFolder: one.installed.engineFolder, env: runtimeEnvironment(one.runtimeFolders, env, system.platform), release: one.release ?? 'unknown', why: choice.why };
      }
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop() {
      ending.abort(new Error('The engine ends'));
      await Promise.all([looking, trials.idle()].map((what) => Promise.resolve(what).catch(() => undefined)));
    },
  };
}

/** Why one that was not chosen is not. */
function whyNot(trial: Trial, chosen: BackendId | null): string {
  if (trial.state === 'missing' || trial.state === 'fails') return trial.detail ?? 'It does not run here.';
  if (trial.state === 'running') return 'It is being tried.';
  if (trial.state === 'untried') return 'It was not tried yet: it is tried when a model needs it.';
  return chosen === null ? 'It runs here.' : `It runs here; ${backendName(chosen)} is preferred.`;
}

/** A promise that others wait for too: who gives up goes, it goes on. */
function orAbort<T>(what: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return what;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason as Error); };
    signal.addEventListener('abort', onAbort, { once: true });
    what.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort); });
  });
}
