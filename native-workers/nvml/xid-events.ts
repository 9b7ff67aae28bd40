import type { Handle, NvmlLibrary } from './nvml-library.ts';
import { noteReason, type OpenDevice } from './open-device.ts';
import { NVML } from './trouble.ts';
import { readHandle, readU64 } from './words.ts';

/** nvml.h, nvmlEventTypeXidCriticalError. */
const XID_EVENT = 8;
/** As many in one go; the rest comes with the next. */
const AT_ONCE = 32;

export interface XidEvents {
  /** Calls back for each Xid error since the last question. Never waits. */
  poll(found: (device: OpenDevice | null, xid: number) => void): void;
  close(): void;
}

/** Listens for Xid errors through an event set. A device that cannot be listened to says so in its record. */
export function openXidEvents(library: NvmlLibrary, devices: readonly OpenDevice[]): XidEvents {
  const c = library.calls;
  const words = new Uint32Array(8);
  const refuse = (code: number | 'symbol_missing'): XidEvents => {
    for (const device of devices) noteReason(device, 'xid', code);
    return { poll: () => undefined, close: () => undefined };
  };
  const wait = c.nvmlEventSetWait_v2;
  const register = c.nvmlDeviceRegisterEvents;
  if (c.nvmlEventSetCreate === null || wait === null || register === null) return refuse('symbol_missing');
  const created = c.nvmlEventSetCreate(words);
  if (created !== NVML.ok) return refuse(created);
  const set: Handle = readHandle(words);
  for (const device of devices) {
    const code = register(device.handle, XID_EVENT, set);
    if (code !== NVML.ok) noteReason(device, 'xid', code === 2 ? NVML.notSupported : code);
  }
  return {
    poll(found) {
      for (let n = 0; n < AT_ONCE; n++) {
        // nvmlEventData_t: device @0, type @8, data (the Xid) @16.
        if (wait(set, words, 0) !== NVML.ok) return;
        const xid = readU64(words, 4);
        if (words[2] !== XID_EVENT || xid === null) continue;
        const handle = readHandle(words);
        found(devices.find((d) => d.handle === handle) ?? null, xid);
      }
    },
    close() {
      c.nvmlEventSetFree?.(set);
    },
  };
}
