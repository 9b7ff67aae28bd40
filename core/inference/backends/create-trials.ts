import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { tinyShape } from '../synthetic/tiny-shape.ts';
import { writeSyntheticModel } from '../synthetic/write-synthetic-model.ts';
import type { BackendId, InstalledBackend, Trial } from './backend-parts.ts';
import { decideTrialNeed } from './decide-trial-need.ts';
import { runtimeEnvironment } from './find-runtime.ts';
import type { Judged } from './judge-backend.ts';
import type { System } from './library-names.ts';
import { runTrial } from './run-trial.ts';
import { openTrialStore, trialKey, type TrialStore } from './trial-store.ts';

export interface TrialsOptions {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly system: System;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Verdicts and the trial's model. */
  readonly dataFolder: string;
  readonly driverVersion: () => string | null;
  /** Keys of the GPUs that are really there. */
  readonly gpus: () => readonly string[];
  /** For one trial, ms; four times as long where the driver compiles kernels. */
  readonly limitMs: number;
  /** The engine ends. */
  readonly signal: AbortSignal;
  readonly onChange: () => void;
}

export interface Trials {
  of(id: BackendId): Trial;
  running(): boolean;
  /** Takes over what is known without a trial: from the bytes, or from an earlier one. One that runs is left alone. */
  settle(judged: readonly Judged[], runtimeSize: string): Promise<void>;
  /** Tries it now if it was not; one at a time, for each wants a GPU for itself. Those who ask meanwhile share it. */
  attempt(one: Judged | undefined): Promise<void>;
  /** Forgets the verdicts. */
  clear(): Promise<void>;
  /** Settles when no trial runs. */
  idle(): Promise<void>;
}

const untried: Trial = { state: 'untried', atMs: null, seconds: null, detail: null, problem: null };

export function createTrials({ supervisor, log, system, env, dataFolder, driverVersion, gpus, limitMs, signal, onChange }: TrialsOptions): Trials {
  const known = new Map<BackendId, Trial>();
  const running = new Map<BackendId, Promise<void>>();
  let line: Promise<unknown> = Promise.resolve();
  let store: Promise<TrialStore> | null = null;
  const modelPath = join(dataFolder, 'trial', 'tiny.gguf');
  const getStore = (): Promise<TrialStore> => (store ??= openTrialStore(join(dataFolder, 'trials.json'), (error) => log.warn('verdicts of trials cannot be stored', { detail: String(error) })));
  const of = (id: BackendId): Trial => known.get(id) ?? untried;

  const keyOf = async (one: Judged, backend: InstalledBackend): Promise<string> => {
    const runtime = await Promise.all(one.runtime.map(async (file) => {
      const info = file.path === null ? null : await stat(file.path).catch(() => null);
      return `${file.library}|${file.path ?? ''}|${info?.size ?? 0}|${info?.mtimeMs ?? 0}`;
    }));
    return trialKey({ id: one.id, release: one.release, driverVersion: driverVersion(), gpus: gpus(), runtime, libraryHash: await (await getStore()).hash(backend.library, signal) });
  };

  const settleOne = async (one: Judged, runtimeSize: string): Promise<Trial> => {
    if (one.installed === null) return { ...untried, state: 'missing', detail: one.missing };
    const need = decideTrialNeed({ kind: one.kind, gpus: gpus().length, runtime: one.runtime, promises: one.promises, runtimeSize });
    if (need.need !== 'try') return { ...untried, state: need.need, detail: need.detail, problem: need.problem };
    const before = (await getStore()).find(await keyOf(one, one.installed));
    return before === null ? untried : { state: before.state, atMs: before.atMs, seconds: before.seconds, detail: before.detail, problem: before.problem };
  };

  /** It sees only GPUs that it may run on: one that it would abort on must not hide that it serves the other. */
  const environmentOf = (one: Judged): Record<string, string> => {
    const fit = one.promises.filter((p) => p.promise !== 'incompatible').map((p) => p.uuid);
    return { ...runtimeEnvironment(one.runtimeFolders, env, system.platform), ...(one.kind === 'cuda' && fit.length > 0 ? { CUDA_VISIBLE_DEVICES: fit.join(',') } : {}) };
  };

  const run = async (one: Judged, backend: InstalledBackend): Promise<void> => {
    if (of(one.id).state !== 'untried') return;
    known.set(one.id, { ...untried, state: 'running', detail: 'A small model is being tried.' });
    onChange();
    try {
      const key = await keyOf(one, backend);
      await mkdir(dirname(modelPath), { recursive: true, mode: 0o700 });
      await writeSyntheticModel(modelPath, tinyShape);
      const compiles = one.promises.some((p) => p.promise === 'jit');
      const { lasting, deviceNames, ...outcome } = await runTrial({ supervisor, log, backend, env: environmentOf(one), modelPath, limitMs: compiles ? limitMs * 4 : limitMs, signal });
      const verdict = { ...outcome, atMs: Date.now() };
      known.set(one.id, verdict);
      log.info('a build of llama.cpp was tried', { id: one.id, state: outcome.state, seconds: outcome.seconds, detail: outcome.detail });
      // One that failed because the GPU was full is tried again after the next look.
      if (lasting) await (await getStore()).add({ key, id: one.id, ...verdict, deviceNames: [...deviceNames] });
    } catch (error) {
      known.set(one.id, untried);
      if (!signal.aborted) throw error;
    }
  };

  return {
    of,
    running: () => running.size > 0,
    async settle(judged, runtimeSize) {
      for (const one of judged) if (!running.has(one.id)) known.set(one.id, await settleOne(one, runtimeSize));
      for (const id of [...known.keys()]) if (!judged.some((one) => one.id === id)) known.delete(id);
    },
    attempt(one) {
      const backend = one?.installed ?? null;
      if (one === undefined || backend === null) return Promise.resolve();
      const under = running.get(one.id);
      if (under !== undefined) return under;
      const mine = line.then(() => run(one, backend)).finally(() => {
        running.delete(one.id);
        onChange();
      });
      line = mine.catch(() => undefined);
      running.set(one.id, mine);
      return mine;
    },
    clear: async () => { (await getStore()).clear(); },
    idle: async () => { await line; },
  };
}
