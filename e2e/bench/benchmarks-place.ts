import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createTorchArms } from '../../core/benchmarks/arms/start-torch-arm.ts';
import type { ArmWish, Readings, StartArm } from '../../core/benchmarks/parts.ts';
import { createReadings } from '../../core/benchmarks/readings/create-readings.ts';
import { runScript } from '../../core/environments/python/run-script.ts';
import { createGpuService, type GpuService } from '../../core/gpu/gpu-service.ts';
import { createSupervisor } from '../../core/supervisor/create-supervisor.ts';
import type { Logger } from '../../core/logging/logger.ts';
import type { Supervisor } from '../../core/supervisor/supervisor.ts';

export const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => quiet };

/** What an effect card starts its processes with: nothing that is applied in the environment acts in them. */
export const NO_HOOK = { WARPDECK_OPTIMIZE: '0' };

/** Where the product's own processes measure, without an engine around them. */
export interface BenchBase {
  /** `cpu` or a GPU's UUID. */
  readonly key: string;
  readonly name: string;
  readonly environment: NonNullable<ArmWish['environment']>;
  readonly supervisor: Supervisor;
  readonly startArm: StartArm;
  /** Of the driver on a GPU; of a processor nothing is read. */
  readonly readings: Readings;
  readonly driver: string | null;
  stop(): Promise<void>;
}

const nothing = { powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, joules: null, otherProcesses: null };
export const noReadings: Readings = { hold: () => () => undefined, between: () => Promise.resolve(nothing) };

export const wishOf = (base: BenchBase, workload: string, variables: Readonly<Record<string, string>> = {}): ArmWish => ({ workload, place: base.key, environment: base.environment, model: null, toggles: [], variables: { ...NO_HOOK, ...variables } });

/** Of the environments that tests and benchmarks keep in the user's cache, the newest; null: there is none. */
export function findCachedTorch(): string | null {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-tests', 'bench-environments');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('torch-')) : [];
  return names.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true })).map((name) => join(folder, name)).find((path) => existsSync(join(path, 'bin', 'python'))) ?? null;
}

/** The first GPU's UUID by nvidia-smi; null: there is none. */
export function findGpu(): string | null {
  try {
    return /GPU-[0-9a-f-]{8,64}/i.exec(execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] }))?.[0] ?? null;
  } catch {
    return null;
  }
}

/** Until the driver has named its GPUs, or said why not; a busy machine takes its time. */
export async function waitForGpus(gpus: Pick<GpuService, 'list' | 'onInventory'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = (): void => {
    if (gpus.list().devices.length > 0 || gpus.list().problem !== null) resolve(undefined);
  };
  const stop = gpus.onInventory(look);
  const late = setTimeout(() => resolve(undefined), 30_000);
  look();
  await promise;
  clearTimeout(late);
  stop();
}

/** `place`: `cpu`, a UUID, or `gpu` for the first one. `env`: an environment's prefix; null: one of the cache. @throws where there is none */
export async function openBase(place: string, env: string | null): Promise<BenchBase> {
  const prefix = env === null ? findCachedTorch() : resolve(env);
  if (prefix === null) throw new Error('There is no environment with PyTorch: name one with --env PREFIX.');
  const python = join(prefix, 'bin', 'python');
  if (!existsSync(python)) throw new Error(`${python} does not exist.`);
  const key = place === 'gpu' ? findGpu() : place;
  if (key === null) throw new Error('nvidia-smi names no GPU.');
  const supervisor = createSupervisor({ log: quiet, journalFolder: null });
  const gpus = key === 'cpu' ? null : createGpuService({ spec: 'nvml', supervisor, log: quiet });
  if (gpus !== null) {
    gpus.start();
    await waitForGpus(gpus);
    if (!gpus.list().devices.some((one) => one.uuid === key)) {
      const { problem } = gpus.list();
      await gpus.stop();
      await supervisor.stopAll();
      throw new Error(`The driver names no GPU ${key}${problem === null ? '' : `: ${problem.title}. ${problem.cause}`}`);
    }
  }
  const name = gpus?.list().devices.find((one) => one.uuid === key)?.name ?? (cpus()[0]?.model.trim() || 'a processor');
  return {
    key, name, supervisor,
    environment: { id: prefix, prefix, python: { path: python, realPath: python, version: '3', implementation: 'cpython', abi: null, freeThreaded: false } },
    startArm: createTorchArms({ runScript: (script) => runScript({ ...script, supervisor }), placeName: () => name, codeToggle: (toggle) => toggle, peerOf: () => null }),
    readings: gpus === null ? noReadings : createReadings(gpus),
    driver: gpus?.list().driver.driverVersion ?? null,
    async stop() {
      await gpus?.stop();
      await supervisor.stopAll();
    },
  };
}

export const machineOf = (base: BenchBase): { processor: string; threads: number; gpu: string | null; driver: string | null } => ({
  processor: cpus()[0]?.model.trim() || 'unknown', threads: availableParallelism(), gpu: base.key === 'cpu' ? null : base.name, driver: base.driver,
});
