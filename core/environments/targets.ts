import type { Device, Inventory } from '../../contract/gpu.ts';
import type { DriverFacts, GpuTarget } from '../../contract/verdict.ts';
import { parseGpuName, targetsFromDevices } from './tables/gpu-table.ts';
import type { Tables } from './tables/read-tables.ts';

export interface Machine {
  readonly platform: DriverFacts['platform'];
  readonly wsl: boolean;
}

/** Wheels exist for three kinds of machines; anything else (macOS) is judged as Linux x86_64, where nothing fits. */
export function decideMachine(platform: NodeJS.Platform, arch: string, wsl: boolean): Machine {
  return { platform: platform === 'win32' ? 'windows_x86_64' : arch === 'arm64' ? 'linux_aarch64' : 'linux_x86_64', wsl };
}

/** The driver that is judged with: the one given, else the machine's where its devices count. */
export function decideDriverFacts(inventory: Inventory, counts: boolean, given: string | null, machine: Machine): DriverFacts {
  if (given !== null) return { ...machine, version: given, cudaVersion: null, mismatch: false, source: 'given' };
  if (!counts) return { ...machine, version: null, cudaVersion: null, mismatch: false, source: 'none' };
  const { driver, problem } = inventory;
  const known = driver.driverVersion !== null;
  return { ...machine, version: driver.driverVersion, cudaVersion: driver.cudaVersion, mismatch: problem?.code === 'gpu.version_mismatch', source: known || problem !== null ? 'driver' : 'none' };
}

/**
 * The GPUs that are judged for: those named, else the machine's.
 * @throws ProblemError `gpu.unknown_name`
 */
export function decideTargets(names: readonly string[], devices: readonly Device[], counts: boolean, tables: Tables): GpuTarget[] {
  if (names.length > 0) return names.map((name) => parseGpuName(name, tables.gpus));
  return counts ? targetsFromDevices([...devices]) : [];
}
