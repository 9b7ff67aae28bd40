import type { Device, DriverInfo } from '../../contract/gpu.ts';
import { readSystemMemory } from './driver-facts.ts';
import type { Handle, NvmlLibrary } from './nvml-library.ts';
import { decideReason, type ReasonContext } from './not-reported.ts';
import { makeFieldBatch } from './field-batch.ts';
import { NVML } from './trouble.ts';
import { readHandle, readI32, readText, readU32, readU64, structVersion } from './words.ts';

const MEMORY_2 = structVersion(40, 2);
const MARGIN_1 = structVersion(8, 1);
const PCI_BUS_ID_AT = 36;
const words = new Uint32Array(32);
const words2 = new Uint32Array(4);
const bytes = new Uint8Array(256);

/** nvml.h, NVML_DEVICE_ARCH_…; 1 never was. A newer number stands as it is. */
const architectures: Readonly<Record<number, string>> = { 2: 'Kepler', 3: 'Maxwell', 4: 'Pascal', 5: 'Volta', 6: 'Turing', 7: 'Ampere', 8: 'Ada', 9: 'Hopper', 10: 'Blackwell', 13: 'Rubin' };

export function decideArchitecture(number: number | null): string | null {
  if (number === null) return null;
  return architectures[number] ?? `Architecture ${number}`;
}

/** `NVIDIA H100 80GB HBM3 MIG 1g.10gb` → `1g.10gb`. */
export function parseMigProfile(name: string): string | null {
  return /MIG\s+(\S+)\s*$/.exec(name)?.[1] ?? null;
}

/** 13000 → `13.0`. */
export function decideCudaVersion(number: number | null): string | null {
  return number === null || number <= 0 ? null : `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}

export function readDriverInfo(library: NvmlLibrary): DriverInfo {
  const c = library.calls;
  const text = (call: typeof c.nvmlInit_v2): string | null => (call !== null && call(bytes, 80) === NVML.ok ? readText(bytes) : null);
  return {
    driverVersion: text(c.nvmlSystemGetDriverVersion),
    cudaVersion: decideCudaVersion(c.nvmlSystemGetCudaDriverVersion_v2?.(words) === NVML.ok ? readI32(words, 0) : null),
    nvmlVersion: text(c.nvmlSystemGetNVMLVersion),
    libraryPath: library.path,
  };
}

/** The UUID of a handle; a device that cannot even say who it is answers its code. */
export function readUuid(library: NvmlLibrary, handle: Handle): string | number {
  const code = library.calls.nvmlDeviceGetUUID?.(handle, bytes, 96) ?? NVML.functionNotFound;
  return code === NVML.ok ? readText(bytes) : code;
}

export interface RecordPlace {
  readonly index: number;
  readonly uuid: string;
  readonly parent: Device | null;
}

/** What does not change while the driver is loaded. What a device does not have is null, with its reason. */
export function readDeviceRecord(library: NvmlLibrary, handle: Handle, place: RecordPlace, context: Omit<ReasonContext, 'field' | 'unifiedMemory'>): Device {
  const c = library.calls;
  const notReported: Device['notReported'] = {};
  let unifiedMemory = false;
  const refuse = (field: string, code: Parameters<typeof decideReason>[0]): null => {
    notReported[field] = decideReason(code, { ...context, field, unifiedMemory });
    return null;
  };
  const settle = <T>(field: string, code: number | undefined, value: () => T | null): T | null =>
    code === undefined ? refuse(field, 'symbol_missing') : code === NVML.ok ? value() : refuse(field, code);
  const number = (field: string, call: typeof c.nvmlInit_v2): number | null => settle(field, call?.(handle, words), () => readU32(words, 0));
  const text = (field: string, call: typeof c.nvmlInit_v2): string | null => settle(field, call?.(handle, bytes, 96), () => readText(bytes));
  const on = (value: number | null): boolean | null => (value === null ? null : value === 1);
  const watts = (value: number | null): number | null => (value === null ? null : value / 1000);

  const total = readTotalMemory(library, handle);
  if (total.code === NVML.notSupported && context.mig !== 'instance' && !context.wsl) unifiedMemory = true;
  const memTotalBytes = unifiedMemory ? (readSystemMemory()?.totalBytes ?? null) : total.code === NVML.ok ? total.bytes : refuse('memTotalBytes', total.code);
  const capability = settle('computeCapability', c.nvmlDeviceGetCudaComputeCapability?.(handle, words, words2), () => `${readI32(words, 0)}.${readI32(words2, 0)}`);
  const limits = settle('powerMinLimitWatts', c.nvmlDeviceGetPowerManagementLimitConstraints?.(handle, words, words2), () => ({ min: readU32(words, 0), max: readU32(words2, 0) }));
  if (limits === null && notReported['powerMinLimitWatts'] !== undefined) notReported['powerMaxLimitWatts'] = notReported['powerMinLimitWatts'];
  const mig = context.mig === 'instance' ? null : settle('migMode', c.nvmlDeviceGetMigMode?.(handle, words, words2), () => (words[0] === 1 ? ('enabled' as const) : ('disabled' as const)));
  const name = text('name', c.nvmlDeviceGetName) ?? 'NVIDIA GPU';
  const temps = readThresholds(library, handle);
  for (const [field, value] of Object.entries(temps)) if (value === null) refuse(field, NVML.notSupported);
  return {
    uuid: place.uuid,
    index: place.index,
    kind: place.parent === null ? 'gpu' : 'mig',
    parentUuid: place.parent?.uuid ?? null,
    migProfile: place.parent === null ? null : parseMigProfile(name),
    name,
    architecture: decideArchitecture(number('architecture', c.nvmlDeviceGetArchitecture)) ?? place.parent?.architecture ?? null,
    computeCapability: capability ?? place.parent?.computeCapability ?? null,
    pciBusId: settle('pciBusId', c.nvmlDeviceGetPciInfo_v3?.(handle, bytes), () => readText(bytes, PCI_BUS_ID_AT)) ?? place.parent?.pciBusId ?? null,
    vbiosVersion: text('vbiosVersion', c.nvmlDeviceGetVbiosVersion),
    persistenceMode: on(number('persistenceMode', c.nvmlDeviceGetPersistenceMode)),
    eccEnabled: settle('eccEnabled', c.nvmlDeviceGetEccMode?.(handle, words, words2), () => words[0] === 1),
    migMode: mig,
    displayActive: on(number('displayActive', c.nvmlDeviceGetDisplayActive)),
    unifiedMemory,
    memTotalBytes,
    powerLimitWatts: watts(number('powerLimitWatts', c.nvmlDeviceGetEnforcedPowerLimit)),
    powerDefaultLimitWatts: watts(number('powerDefaultLimitWatts', c.nvmlDeviceGetPowerManagementDefaultLimit)),
    powerMinLimitWatts: watts(limits?.min ?? null),
    powerMaxLimitWatts: watts(limits?.max ?? null),
    ...temps,
    clockMaxSmMhz: settle('clockMaxSmMhz', c.nvmlDeviceGetMaxClockInfo?.(handle, 1, words), () => readU32(words, 0)),
    clockMaxMemMhz: settle('clockMaxMemMhz', c.nvmlDeviceGetMaxClockInfo?.(handle, 2, words), () => readU32(words, 0)),
    pcieMaxGen: number('pcieMaxGen', c.nvmlDeviceGetMaxPcieLinkGeneration),
    pcieMaxWidth: number('pcieMaxWidth', c.nvmlDeviceGetMaxPcieLinkWidth),
    nvlinkCount: readLinkCount(library, handle),
    fanCount: number('fanCount', c.nvmlDeviceGetNumFans),
    notReported,
  };
}

function readTotalMemory(library: NvmlLibrary, handle: Handle): { readonly code: number; readonly bytes: number | null } {
  words[0] = MEMORY_2;
  const code = library.calls.nvmlDeviceGetMemoryInfo_v2?.(handle, words) ?? NVML.functionNotFound;
  if (code === NVML.ok) return { code, bytes: readU64(words, 2) };
  const older = library.calls.nvmlDeviceGetMemoryInfo?.(handle, words) ?? code;
  return { code: older, bytes: older === NVML.ok ? readU64(words, 0) : null };
}

/**
 * Where the GPU slows and stops. Absolute where the driver still says so; else the temperature now, plus the margin
 * to the limit, minus the threshold relative to it (fields 193, 194, 196, Ada and later).
 */
function readThresholds(library: NvmlLibrary, handle: Handle): Pick<Device, 'tempSlowdownCelsius' | 'tempShutdownCelsius' | 'tempMaxOperatingCelsius'> {
  const c = library.calls;
  const absolute = (which: number): number | null => (c.nvmlDeviceGetTemperatureThreshold?.(handle, which, words) === NVML.ok ? readU32(words, 0) : null);
  const found = { tempSlowdownCelsius: absolute(1), tempShutdownCelsius: absolute(0), tempMaxOperatingCelsius: absolute(3) };
  if (found.tempSlowdownCelsius !== null && found.tempShutdownCelsius !== null) return found;
  words[0] = MARGIN_1;
  if (c.nvmlDeviceGetMarginTemperature?.(handle, words) !== NVML.ok || c.nvmlDeviceGetFieldValues === null) return found;
  const margin = readI32(words, 1);
  if (c.nvmlDeviceGetTemperature?.(handle, 0, words) !== NVML.ok) return found;
  const limit = readI32(words, 0) + margin;
  const batch = makeFieldBatch([{ id: 194, scope: 0 }, { id: 193, scope: 0 }, { id: 196, scope: 0 }]);
  if (batch.read(c.nvmlDeviceGetFieldValues, handle) !== NVML.ok) return found;
  const relative = (index: number): number | null => {
    const value = batch.code(index) === NVML.ok ? batch.value(index) : null;
    return value === null ? null : limit - value;
  };
  return {
    tempSlowdownCelsius: found.tempSlowdownCelsius ?? relative(0),
    tempShutdownCelsius: found.tempShutdownCelsius ?? relative(1),
    tempMaxOperatingCelsius: found.tempMaxOperatingCelsius ?? relative(2),
  };
}

/** Field 91; an old driver without it is asked link by link. */
function readLinkCount(library: NvmlLibrary, handle: Handle): number | null {
  const c = library.calls;
  if (c.nvmlDeviceGetFieldValues !== null) {
    const batch = makeFieldBatch([{ id: 91, scope: 0 }]);
    if (batch.read(c.nvmlDeviceGetFieldValues, handle) === NVML.ok && batch.code(0) === NVML.ok) return batch.value(0);
  }
  let count = 0;
  while (count < 18 && c.nvmlDeviceGetNvLinkState?.(handle, count, words) === NVML.ok) count++;
  return count === 0 ? null : count;
}

/** Handles of a divided GPU's instances. */
export function readMigHandles(library: NvmlLibrary, parent: Handle): readonly Handle[] {
  const c = library.calls;
  if (c.nvmlDeviceGetMaxMigDeviceCount?.(parent, words) !== NVML.ok) return [];
  const most = Math.min(words[0] ?? 0, 64);
  const handles: Handle[] = [];
  for (let i = 0; i < most; i++) if (c.nvmlDeviceGetMigDeviceHandleByIndex?.(parent, i, words) === NVML.ok) handles.push(readHandle(words));
  return handles;
}

export function readMigEnabled(library: NvmlLibrary, handle: Handle): boolean {
  return library.calls.nvmlDeviceGetMigMode?.(handle, words, words2) === NVML.ok && words[0] === 1;
}
