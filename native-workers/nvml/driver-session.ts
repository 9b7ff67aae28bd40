import type { Device, DriverInfo } from '../../contract/gpu.ts';
import { readIsWsl, readKernelGpuCount } from './driver-facts.ts';
import { openNvmlLibrary, type Handle, type NvmlLibrary } from './nvml-library.ts';
import { makeOpenDevice, type OpenDevice } from './open-device.ts';
import { makeProcessReader, type ProcessList } from './process-reader.ts';
import { readDeviceRecord, readDriverInfo, readMigEnabled, readMigHandles, readUuid } from './read-device-record.ts';
import { noteMissingFast } from './read-fast.ts';
import { noteMissingMedium } from './read-medium.ts';
import { noteMissingPcie } from './read-pcie.ts';
import { noteMissingSlow } from './read-slow.ts';
import { NVML, decideTrouble, type Trouble } from './trouble.ts';
import { readHandle } from './words.ts';
import { openXidEvents, type XidEvents } from './xid-events.ts';

/** The driver between its initialisation and its shutdown. */
export interface DriverSession {
  readonly driver: DriverInfo;
  readonly devices: readonly OpenDevice[];
  readonly xids: XidEvents;
  readProcesses(): ProcessList;
  /** Changes when GPUs or MIG instances come or go. */
  readTopology(): string;
  /** The Problem of a device that is lost or must be reset. */
  troubleOf(device: OpenDevice): Trouble;
  close(): void;
}

/** Loads the library, initialises NVML and finds the devices. */
export function openDriverSession(words: Int32Array): { readonly session: DriverSession } | { readonly trouble: Trouble } {
  const opened = openNvmlLibrary(words);
  if ('trouble' in opened) return opened;
  const { library } = opened;
  const c = library.calls;
  const give = (trouble: Trouble): { readonly trouble: Trouble } => {
    library.close();
    return { trouble };
  };
  if (c.nvmlInit_v2 === null || c.nvmlDeviceGetCount_v2 === null || c.nvmlDeviceGetHandleByIndex_v2 === null || c.nvmlDeviceGetUUID === null) {
    return give({ code: 'gpu.library_broken', facts: { library: library.path, detail: 'It lacks functions that every driver since 2012 has.' }, chain: [] });
  }
  const started = c.nvmlInit_v2();
  if (started !== NVML.ok) return give(decideTrouble(started, 'nvmlInit_v2', library.facts));
  const found = findDevices(library, words);
  if ('trouble' in found) {
    c.nvmlShutdown?.();
    return give(found.trouble);
  }
  const { devices } = found;
  const onWsl = readIsWsl();
  for (const device of devices) {
    noteMissingFast(device);
    noteMissingMedium(device);
    noteMissingPcie(device);
    noteMissingSlow(device);
  }
  const xids = openXidEvents(library, devices);
  const processes = makeProcessReader(library, onWsl);
  return {
    session: {
      driver: readDriverInfo(library),
      devices,
      xids,
      readProcesses: () => processes.read(devices),
      readTopology: () => readTopology(library, devices),
      troubleOf: (device) => decideTrouble(device.state === 'lost' ? NVML.lost : NVML.resetRequired, 'nvmlDeviceGetUtilizationRates', library.facts, device.record.name),
      close() {
        xids.close();
        c.nvmlShutdown?.();
        library.close();
      },
    },
  };
}

const word = new Uint32Array(2);

/** All GPUs and their MIG instances. One that does not answer is left out; if none answers, that is the trouble. */
function findDevices(library: NvmlLibrary, words: Int32Array): { readonly devices: readonly OpenDevice[] } | { readonly trouble: Trouble } {
  const c = library.calls;
  const counted = c.nvmlDeviceGetCount_v2?.(word) ?? NVML.functionNotFound;
  if (counted !== NVML.ok) return { trouble: decideTrouble(counted, 'nvmlDeviceGetCount_v2', library.facts) };
  const count = word[0] ?? 0;
  const devices: OpenDevice[] = [];
  let refusal: { code: number; call: string } | null = null;
  const add = (handle: Handle, parent: Device | null, mig: 'no' | 'parent' | 'instance'): Device | null => {
    const uuid = readUuid(library, handle);
    if (typeof uuid === 'number') {
      refusal ??= { code: uuid, call: 'nvmlDeviceGetUUID' };
      return null;
    }
    const context = { mig, wsl: readIsWsl(), windows: process.platform === 'win32' };
    const record = readDeviceRecord(library, handle, { index: devices.length, uuid, parent }, context);
    devices.push(makeOpenDevice(library, handle, record, context, words));
    return record;
  };
  for (let i = 0; i < count; i++) {
    const code = c.nvmlDeviceGetHandleByIndex_v2?.(i, word) ?? NVML.functionNotFound;
    if (code !== NVML.ok) {
      refusal ??= { code, call: 'nvmlDeviceGetHandleByIndex_v2' };
      continue;
    }
    const handle = readHandle(word);
    const divided = readMigEnabled(library, handle);
    const record = add(handle, null, divided ? 'parent' : 'no');
    if (record !== null && divided) for (const instance of readMigHandles(library, handle)) add(instance, record, 'instance');
  }
  if (devices.length === 0 && refusal !== null) {
    const { code, call } = refusal;
    return { trouble: decideTrouble(code, call, library.facts) };
  }
  return { devices };
}

/** As cheap as it can be: one call, one folder, and the instances of divided GPUs. */
function readTopology(library: NvmlLibrary, devices: readonly OpenDevice[]): string {
  const counted = library.calls.nvmlDeviceGetCount_v2?.(word);
  const parts = [counted === NVML.ok ? word[0] : '?', readKernelGpuCount() ?? '?'];
  for (const device of devices) {
    if (device.record.migMode === null || device.record.kind === 'mig' || device.state !== 'ok') continue;
    parts.push(readMigEnabled(library, device.handle) ? `m${readMigHandles(library, device.handle).length}` : 'n');
  }
  return parts.join(',');
}
