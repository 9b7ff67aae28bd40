import type { Facts, ProblemCode } from '../../contract/problem-catalogue.ts';

/**
 * A Problem before it has its words. The sampling thread sends this; the main thread, which has the catalogue,
 * makes the Problem of it. That keeps the schema library out of the thread's memory.
 */
export interface Trouble {
  readonly code: ProblemCode;
  readonly facts: Facts;
  readonly chain: readonly string[];
}

/** nvml.h, `nvmlReturn_t`. */
export const NVML = {
  ok: 0, uninitialised: 1, notSupported: 3, noPermission: 4, notFound: 6, insufficientSize: 7, driverNotLoaded: 9, timeout: 10, libraryNotFound: 12,
  functionNotFound: 13, lost: 15, resetRequired: 16, operatingSystem: 17, versionMismatch: 18, versionRefused: 25, deprecated: 26,
} as const;

const texts: Readonly<Record<number, string>> = {
  1: 'not initialised', 2: 'invalid argument', 3: 'not supported', 4: 'no permission', 6: 'not found', 7: 'insufficient size', 8: 'external power is not attached',
  9: 'driver not loaded', 10: 'timeout', 11: 'interrupt trouble with a GPU', 12: 'library not found', 13: 'function not found', 14: 'the infoROM is corrupted', 15: 'the GPU is lost',
  16: 'reset required', 17: 'blocked by the operating system', 18: 'driver and library versions differ', 20: 'out of memory', 21: 'no data', 25: 'structure version refused', 26: 'deprecated',
  28: 'no GPU found', 29: 'invalid state', 999: 'unknown internal error',
};

export function nvmlText(code: number): string {
  return texts[code] ?? `code ${code}`;
}

/** What is known of this machine when a call fails: read once, before the deciding. */
export interface DriverFacts {
  readonly library: string;
  readonly libraryVersion: string | null;
  readonly moduleVersion: string | null;
  readonly hardware: string;
  readonly deviceFiles: string;
  readonly user: string;
}

/** The Problem for a code with which NVML refuses as a whole. `name`: the GPU it is about, if it is about one. */
export function decideTrouble(code: number, call: string, facts: DriverFacts, name: string | null = null): Trouble {
  const chain = [`${call}: ${nvmlText(code)} (NVML ${code})`];
  switch (code) {
    case NVML.driverNotLoaded:
      return { code: 'gpu.module_not_loaded', facts: { libraryVersion: facts.libraryVersion, detail: facts.moduleVersion === null ? '' : `A module of version ${facts.moduleVersion} is loaded but does not answer.` }, chain };
    case NVML.versionMismatch:
      return { code: 'gpu.version_mismatch', facts: { libraryVersion: facts.libraryVersion, moduleVersion: facts.moduleVersion }, chain };
    case NVML.libraryNotFound:
      return { code: 'gpu.no_driver', facts: { hardware: facts.hardware, library: facts.library }, chain };
    case NVML.noPermission:
    case NVML.operatingSystem:
      return { code: 'gpu.no_permission', facts: { files: facts.deviceFiles, user: facts.user }, chain };
    case NVML.lost:
      return { code: 'gpu.lost', facts: { name: name ?? 'A GPU' }, chain };
    case NVML.resetRequired:
      return { code: 'gpu.reset_required', facts: { name: name ?? 'A GPU' }, chain };
    default:
      return { code: 'gpu.driver_error', facts: { code, text: nvmlText(code), call }, chain };
  }
}
