import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { parseLibraryVersion, parseLoadedPath, parseModuleVersion } from './library-candidates.ts';
import type { DriverFacts } from './trouble.ts';

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // Absent on this system: a fact too.
  }
}

function readNames(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** NVIDIA's display devices on the PCI bus (vendor 10de, class 03), by their ids. */
function readHardware(): string {
  const root = '/sys/bus/pci/devices';
  const ids = readNames(root)
    .filter((name) => readText(`${root}/${name}/vendor`).trim() === '0x10de' && readText(`${root}/${name}/class`).startsWith('0x03'))
    .map((name) => `10de:${readText(`${root}/${name}/device`).trim().replace('0x', '')}`);
  return ids.length === 0 ? 'An NVIDIA GPU' : `An NVIDIA GPU (PCI ${ids.join(', ')})`;
}

function readUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? ''}`.trim();
  }
}

/** The real path of the NVML library that this process has mapped, or null (none, or not Linux). */
export function readLoadedPath(): string | null {
  return parseLoadedPath(readText('/proc/self/maps'));
}

export function readDriverFacts(library: string, loadedPath: string | null): DriverFacts {
  const files = readNames('/dev').filter((name) => /^nvidia(\d+|ctl)$/.test(name)).map((name) => `/dev/${name}`);
  return {
    library,
    libraryVersion: parseLibraryVersion(loadedPath),
    moduleVersion: parseModuleVersion(readText('/proc/driver/nvidia/version')) ?? (readText('/sys/module/nvidia/version').trim() || null),
    hardware: readHardware(),
    deviceFiles: files.length > 0 ? files.join(', ') : '/dev/nvidia*',
    user: readUser(),
  };
}

export function readIsWsl(): boolean {
  return /microsoft/i.test(readText('/proc/sys/kernel/osrelease'));
}

/** How many GPUs the kernel module knows, or null where it does not say (WSL, Windows). */
export function readKernelGpuCount(): number | null {
  const names = readNames('/proc/driver/nvidia/gpus');
  return names.length > 0 ? names.length : null;
}

export interface SystemMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Total and available memory out of /proc/meminfo, or null. */
export function parseSystemMemory(text: string): SystemMemory | null {
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN);
  const total = kib('MemTotal');
  const available = kib('MemAvailable');
  return Number.isFinite(total) && Number.isFinite(available) ? { totalBytes: total * 1024, availableBytes: available * 1024 } : null;
}

export function readSystemMemory(): SystemMemory | null {
  return parseSystemMemory(readText('/proc/meminfo'));
}
