/**
 * What a driver can run: minimums of the CUDA majors, of GPU generations, and PTX. Sources: NVIDIA's CUDA release notes
 * and CUDA compatibility guide as collected in pytorch-wheels.json; NVIDIA's table of PTX ISA releases. Pure.
 */
import type { DriverFacts, Evidence, GpuTarget } from '../../../contract/verdict.ts';
import { gpuTablePlace } from '../tables/gpu-table.ts';
import { wheelPlace } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions, parseCapability } from './architecture-rules.ts';

/** PTX ISA version → the first CUDA whose driver compiles it (NVIDIA's "PTX release history"; cuda-python has the same). */
const cudaOfPtx: Readonly<Record<string, string>> = {
  '5.0': '8.0', '6.0': '9.0', '6.1': '9.1', '6.2': '9.2', '6.3': '10.0', '6.4': '10.1', '6.5': '10.2',
  '7.0': '11.0', '7.1': '11.1', '7.2': '11.2', '7.3': '11.3', '7.4': '11.4', '7.5': '11.5', '7.6': '11.6', '7.7': '11.7', '7.8': '11.8',
  '8.0': '12.0', '8.1': '12.1', '8.2': '12.2', '8.3': '12.3', '8.4': '12.4', '8.5': '12.5', '8.6': '12.7', '8.7': '12.8', '8.8': '12.9',
  '9.0': '13.0', '9.1': '13.1',
};
const newestPtx = '9.1';

/** The CUDA that PTX of this version needs. `exact` is false above the table: at least that much, how much more is not known. */
export function cudaForPtx(isa: string): { cuda: string; exact: boolean } | null {
  if (!/^\d{1,2}\.\d{1,2}$/.test(isa)) return null;
  const known = cudaOfPtx[isa];
  if (known !== undefined) return { cuda: known, exact: true };
  if (compareVersions(isa, newestPtx) > 0) return { cuda: cudaOfPtx[newestPtx] ?? '13.1', exact: false };
  const above = Object.keys(cudaOfPtx).sort(compareVersions).find((v) => compareVersions(v, isa) > 0);
  return above === undefined ? null : { cuda: cudaOfPtx[above] ?? above, exact: true };
}

/** A version as drivers have it: `580`, `580.95`, `580.95.05`. */
export const isDriverVersion = (text: string | null): text is string => text !== null && /^\d{2,4}(\.\d{1,4}){0,3}$/.test(text);

/** The driver's version numbers are Windows' also inside WSL: the driver is Windows' own. */
export const usesWindowsDriver = (driver: Pick<DriverFacts, 'platform' | 'wsl'>): boolean => driver.wsl || driver.platform === 'windows_x86_64';

/** Oldest driver for a CUDA major (minor version compatibility); null where the table has none. */
export function minimumDriver(cudaMajor: number, driver: Pick<DriverFacts, 'platform' | 'wsl'>, tables: Tables): { need: string; place: string } | null {
  const windows = usesWindowsDriver(driver), key = `cu${cudaMajor}x`;
  const need = (windows ? tables.wheels.min_driver_windows : tables.wheels.min_driver_linux)[key];
  return need === undefined ? null : { need, place: wheelPlace(tables.wheels, `${windows ? 'min_driver_windows' : 'min_driver_linux'} ${key}`) };
}

/** Oldest driver for a GPU, where one is on record. A GPU newer than the table needs at least what the newest in it needs. */
export function minimumDriverOfGpu(target: Pick<GpuTarget, 'computeCapability'>, tables: Tables): { need: string; place: string } | null {
  if (target.computeCapability === null) return null;
  const row = tables.gpus.capabilities[target.computeCapability];
  if (row !== undefined) return row.firstDriver === null ? null : { need: row.firstDriver.atLeast, place: gpuTablePlace(tables.gpus, target.computeCapability) };
  const need = tables.wheels.drivers['min_for_blackwell'];
  return (parseCapability(target.computeCapability)?.major ?? 0) >= 10 && typeof need === 'string' ? { need, place: wheelPlace(tables.wheels, 'min_for_blackwell') } : null;
}

/** The newest driver branch for a GPU, as far as documented: what is only hearsay decides nothing. */
export function lastBranchOfGpu(target: Pick<GpuTarget, 'computeCapability'>, tables: Tables): { branch: string; place: string } | null {
  const capability = parseCapability(target.computeCapability ?? '');
  if (capability === null || target.computeCapability === null) return null;
  const row = tables.gpus.capabilities[target.computeCapability]?.lastDriverBranch;
  if (row !== null && row !== undefined && row.c !== 'U') return { branch: row.branch, place: gpuTablePlace(tables.gpus, target.computeCapability) };
  const old = tables.wheels.drivers['last_branch_for_cc_below_7_5'];
  const tegra = tables.gpus.capabilities[target.computeCapability]?.tegra ?? false;
  return !tegra && typeof old === 'string' && compareVersions(target.computeCapability, '7.5') < 0 ? { branch: old, place: wheelPlace(tables.wheels, 'last_branch_for_cc_below_7_5') } : null;
}

/** `below`: the driver is older than that of the oldest CUDA on record, which is the one given. */
export interface DriverCuda { readonly cuda: string; readonly below: boolean; readonly place: string }

/**
 * Highest CUDA that a driver runs with all features: what it says itself, else the newest toolkit that shipped with
 * this driver or an older one. On Windows the branch number is compared, for its exact versions are not verified.
 */
export function cudaOfDriver(driver: DriverFacts, tables: Tables): DriverCuda | null {
  if (driver.cudaVersion !== null && /^\d{1,2}\.\d{1,2}$/.test(driver.cudaVersion)) return { cuda: driver.cudaVersion, below: false, place: driverPlace(driver) };
  const version = driver.version;
  if (!isDriverVersion(version)) return null;
  const byBranch = usesWindowsDriver(driver) || !version.includes('.');
  const shipped = Object.entries(tables.wheels.drivers.toolkit).flatMap(([cuda, t]) => { const first = t.full_linux?.['GA']; return first === undefined ? [] : [{ cuda, first: byBranch ? (first.split('.')[0] ?? first) : first }]; }).sort((a, b) => compareVersions(a.cuda, b.cuda));
  const reached = shipped.filter((t) => compareVersions(version, t.first) >= 0).at(-1), row = reached ?? shipped[0];
  return row === undefined ? null : { cuda: row.cuda, below: reached === undefined, place: wheelPlace(tables.wheels, `drivers.toolkit ${row.cuda}`) };
}

export function driverPlace(driver: DriverFacts): string {
  return driver.source === 'driver' ? 'the driver itself' : driver.source === 'given' ? 'as named' : 'no driver was found or named';
}

/** `not_given`: judged for a GPU elsewhere without naming a driver; then only its need is told. */
export type DriverState = 'fine' | 'not_given' | 'mismatch' | 'none' | 'too_old' | 'gpu_too_old' | 'gpu_too_new';
export interface DriverJudgement {
  readonly state: DriverState;
  /** What is needed for build and GPU together. */
  readonly need: string | null;
  readonly evidence: readonly Evidence[];
}

/** The driver against a CUDA major and a GPU. Kernels are no matter of this. */
export function judgeDriver(cudaMajor: number | null, target: GpuTarget, driver: DriverFacts, tables: Tables): DriverJudgement {
  const build = cudaMajor === null ? null : minimumDriver(cudaMajor, driver, tables), gpu = minimumDriverOfGpu(target, tables), last = lastBranchOfGpu(target, tables);
  const need = [build?.need, gpu?.need].filter((n) => n !== undefined).sort(compareVersions).at(-1) ?? null;
  const evidence: Evidence[] = [];
  const version = isDriverVersion(driver.version) ? driver.version : null;
    const oldBuild = version !== null && build !== null && compareVersions(version, build.need) < 0;
  const oldGpu = version !== null && gpu !== null && compareVersions(version, gpu.need) < 0;
  // 581 and 582 are Windows releases of branch R580: branches are tens.
  const tooNew = version !== null && last !== null && Math.floor(Number.parseInt(version, 10) / 10) > Math.floor(Number.parseInt(last.branch, 10) / 10);
  if (build !== null) evidence.push({ what: `Oldest driver for CUDA ${cudaMajor}`, value: build.need, place: build.place, supports: !oldBuild });
  if (gpu !== null) evidence.push({ what: `Oldest driver for ${target.name}`, value: `unknown, at least ${gpu.need}`, place: gpu.place, supports: !oldGpu });
  if (last !== null) evidence.push({ what: `Last driver branch for ${target.name}`, value: `R${last.branch}`, place: last.place, supports: !tooNew });
  const silent = version === null && driver.version === null && target.index !== null;
  evidence.unshift({ what: 'Driver', value: driver.version ?? (silent ? 'none answers' : 'not named'), place: driverPlace(driver), supports: !silent && !driver.mismatch });
  const state: DriverState = driver.mismatch ? 'mismatch'
    : version === null ? (silent ? 'none' : 'not_given')
      : oldGpu ? 'gpu_too_old' : oldBuild ? 'too_old' : tooNew ? 'gpu_too_new' : 'fine';
  return { state, need, evidence };
}
