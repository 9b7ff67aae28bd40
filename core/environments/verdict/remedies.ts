/** Which build would serve a GPU here, in one or two sentences. The advice page has every route; this is its first line. Pure. */
import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { listWheels, newestWheelFor, versionOfWheel, type WheelRow } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions } from './architecture-rules.ts';
import { cudaOfDriver, isDriverVersion, judgeDriver, lastBranchOfGpu } from './driver-rules.ts';

export interface Remedy {
  readonly text: string;
  /** A build that is made, that serves the GPU, and that the present driver runs (or the driver is not known). */
  readonly wheel: WheelRow | null;
  /** A build that serves the GPU whatever the driver. */
  readonly anyWheel: WheelRow | null;
}

/** `torch 2.7.1+cu118` where the patch is on record, else `torch 2.15 for CUDA 13.2 (cu132)`. */
export function wheelName(row: WheelRow, tables: Tables): string {
  const version = versionOfWheel(tables.wheels, row);
  return version.includes('.x') ? `torch ${row.release} for CUDA ${row.cuda} (${row.label})` : `torch ${version}`;
}

export function decideRemedy(target: GpuTarget, driver: DriverFacts, tables: Tables): Remedy {
  const { platform } = driver;
  const runs = (row: WheelRow): boolean => { const { state } = judgeDriver(row.cudaMajor, target, driver, tables); return state === 'fine' || state === 'not_given' || state === 'mismatch' || state === 'none'; };
  const anyWheel = newestWheelFor(tables.wheels, platform, target);
  const newest = newestWheelFor(tables.wheels, platform, target, runs);
  const full = cudaOfDriver(driver, tables);
  const supported = full === null ? null : newestWheelFor(tables.wheels, platform, target, (row) => runs(row) && compareVersions(row.cuda, full.cuda) <= 0);
  const wheel = newest !== null && supported !== null && releasesBetween(supported, newest, tables) <= 1 ? supported : newest;
  if (anyWheel === null) return { text: noBuildText(target, driver, tables), wheel: null, anyWheel: null };
  if (wheel === null) return { text: `${driverText(anyWheel, target, driver, tables)} Then install ${wheelName(anyWheel, tables)}.`, wheel: null, anyWheel };
  const need = judgeDriver(wheel.cudaMajor, target, driver, tables).need;
  const driverPart = need === null ? '' : isDriverVersion(driver.version) ? `; driver ${driver.version} runs it` : `; it needs driver ${need} or newer`;
  const newer = wheel.release !== anyWheel.release && !runs(anyWheel) ? ` The newest, ${wheelName(anyWheel, tables)}, asks for another driver.` : '';
  return { text: `Install ${wheelName(wheel, tables)}, which has kernels for it${driverPart}.${newer}`, wheel, anyWheel };
}

/**
 * How many releases one build is behind another. What the driver supports in full is worth one release: the advice
 * ranks alike (a build that it only starts counts as one and a half releases older).
 */
function releasesBetween(older: WheelRow, newer: WheelRow, tables: Tables): number {
  const releases = [...new Set(listWheels(tables.wheels, older.platform).map((row) => row.release))].sort(compareVersions);
  return releases.indexOf(newer.release) - releases.indexOf(older.release);
}

/** What to do about the driver for one build. */
export function driverText(row: Pick<WheelRow, 'cudaMajor'>, target: GpuTarget, driver: DriverFacts, tables: Tables): string {
  const judged = judgeDriver(row.cudaMajor, target, driver, tables), last = lastBranchOfGpu(target, tables);
  if (judged.state === 'gpu_too_new' && last !== null) return `Go back to a driver of branch R${last.branch}, the last that drives this GPU.`;
  const where = driver.wsl ? ' on the Windows side' : '';
  const limit = last !== null ? `, but no newer than branch R${last.branch}, the last that drives this GPU` : '';
  const open = driver.platform !== 'windows_x86_64' && !driver.wsl && tables.gpus.capabilities[target.computeCapability ?? '']?.openModules === 'required' ? ', with the open kernel modules' : '';
  return `Update the driver${where} to ${judged.need ?? 'a current one'} or newer${limit}${open}.`;
}

/** Why no official build of the platform serves the GPU, and where one might be had. */
export function noBuildText(target: GpuTarget, driver: DriverFacts, tables: Tables): string {
  const others = (['linux_x86_64', 'linux_aarch64', 'windows_x86_64'] as const).filter((p) => p !== driver.platform && newestWheelFor(tables.wheels, p, target) !== null);
  if (target.tegra) return 'Use the build that the maker of the board offers (NVIDIA’s Jetson wheels or containers), or compile PyTorch for it.';
  if (others.length > 0) return `Builds for ${others.map(platformName).join(' and ')} have it. Here, compile PyTorch for it or use another GPU.`;
  return 'Compile PyTorch for it, or use another GPU.';
}

export const platformName = (platform: DriverFacts['platform']): string => ({ linux_x86_64: 'Linux on x86-64', linux_aarch64: 'Linux on ARM', windows_x86_64: 'Windows' })[platform];

/** Repairable from here: there is such a build, and the present driver runs it. */
export const canRepair = (remedy: Remedy): boolean => remedy.wheel !== null;
