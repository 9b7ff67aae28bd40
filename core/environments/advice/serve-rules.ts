import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { cudaOfLabel } from '../tables/list-wheels.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import { cudaOfDriver, isDriverVersion, lastBranchOfGpu, minimumDriver, minimumDriverOfGpu, usesWindowsDriver } from '../verdict/driver-rules.ts';
import type { AdviceTables } from './advice-tables.ts';
import { buildServes, type Build } from './list-builds.ts';

/** A GPU of unknown capability is served by none: nothing can be promised. */
export const serves = (build: Build, gpu: GpuTarget): boolean => buildServes(build, gpu.computeCapability);
export const servesAll = (build: Build, gpus: readonly GpuTarget[]): boolean => gpus.every((g) => serves(build, g));

/** The driver's version where it is one; null where none is known. */
export const versionOfDriver = (driver: DriverFacts): string | null => (isDriverVersion(driver.version) ? driver.version : null);
const branchOf = (version: string): number => Number.parseInt(version, 10);
const newer = (a: string | null, b: string | null): string | null => (a === null ? b : b === null ? a : compareVersions(a, b) >= 0 ? a : b);

/** Lowest driver that a label starts with (minor-version compatibility); null where the table has none. */
export function minDriverOf(label: string, driver: DriverFacts, tables: AdviceTables): string | null {
  const cuda = cudaOfLabel(label);
  return cuda === null ? null : (minimumDriver(Number.parseInt(cuda, 10), driver, tables)?.need ?? null);
}
/** Lowest driver for the GPUs themselves, whatever the build. */
const minDriverOfGpus = (gpus: readonly GpuTarget[], tables: AdviceTables): string | null => gpus.reduce<string | null>((least, g) => newer(least, minimumDriverOfGpu(g, tables)?.need ?? null), null);
/** Lowest driver for a label *and* these GPUs. */
export const minDriverFor = (label: string, gpus: readonly GpuTarget[], driver: DriverFacts, tables: AdviceTables): string | null => newer(minDriverOf(label, driver, tables), minDriverOfGpus(gpus, tables));

/** The newest branch that drives all GPUs: `580` where Maxwell, Pascal or Volta is among them; null: no end is known. */
export function lastBranchOf(gpus: readonly GpuTarget[], tables: AdviceTables): string | null {
  return gpus.reduce<string | null>((last, g) => {
    const end = lastBranchOfGpu(g, tables)?.branch ?? null;
    return end === null || (last !== null && Number(last) <= Number(end)) ? last : end;
  }, null);
}

/** Branches are ten numbers apart or more; on Windows a branch bears several of them (581.15 and 582.28 are of R580). */
const NEXT_BRANCH = 10;

/** GPUs that this driver no longer drives. */
export function leftBehind(gpus: readonly GpuTarget[], driver: DriverFacts, tables: AdviceTables): GpuTarget[] {
  const version = versionOfDriver(driver);
  return version === null ? [] : gpus.filter((g) => { const last = lastBranchOf([g], tables); return last !== null && branchOf(version) >= Number(last) + NEXT_BRANCH; });
}

/** The driver starts this build and drives every GPU. Null: no driver is known. */
export function driverRuns(label: string, gpus: readonly GpuTarget[], driver: DriverFacts, tables: AdviceTables): boolean | null {
  const version = versionOfDriver(driver);
  if (version === null) return null;
  const least = minDriverFor(label, gpus, driver, tables);
  return (least === null || compareVersions(version, least) >= 0) && leftBehind(gpus, driver, tables).length === 0;
}

/** Labels whose own CUDA version the driver does not know: it runs them by minor-version compatibility, if at all. */
export function foreignLabels(labels: Iterable<string>, driver: DriverFacts, tables: AdviceTables): Set<string> {
  const highest = cudaOfDriver(driver, tables);
  return new Set([...labels].filter((label) => { const cuda = cudaOfLabel(label); return cuda !== null && highest !== null && (highest.below || compareVersions(highest.cuda, cuda) < 0); }));
}

/**
 * GPUs that cannot run in one Linux host: one kind needs the open kernel modules, the other is not driven by them.
 * Where a driver lists both kinds itself, it is right and the table is not.
 */
export function moduleConflict(gpus: readonly GpuTarget[], driver: DriverFacts, tables: AdviceTables): { readonly open: GpuTarget[]; readonly closed: GpuTarget[] } | null {
  if (usesWindowsDriver(driver) || gpus.every((g) => g.source === 'driver')) return null;
  const modules = (g: GpuTarget): string => tables.gpus.capabilities[g.computeCapability ?? '']?.openModules ?? 'either';
  const open = gpus.filter((g) => modules(g) === 'required'), closed = gpus.filter((g) => modules(g) === 'impossible');
  return open.length > 0 && closed.length > 0 ? { open, closed } : null;
}

/** At least one of these GPUs needs the open kernel modules on Linux. */
export const needsOpenModules = (gpus: readonly GpuTarget[], tables: AdviceTables): boolean => gpus.some((g) => tables.gpus.capabilities[g.computeCapability ?? '']?.openModules === 'required');
/** The driver that the GPUs themselves need, where the present one is older; null: it is not. */
export function gpuNeedsDriver(gpus: readonly GpuTarget[], driver: DriverFacts, tables: AdviceTables): string | null {
  const least = minDriverOfGpus(gpus, tables), version = versionOfDriver(driver);
  return least !== null && version !== null && compareVersions(version, least) < 0 ? least : null;
}
