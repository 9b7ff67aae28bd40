import type { NotReportedReason, RawProcess } from '../../contract/gpu.ts';
import type { Handle, NvmlCall, NvmlLibrary } from './nvml-library.ts';
import { decideReason } from './not-reported.ts';
import type { OpenDevice } from './open-device.ts';
import { NVML } from './trouble.ts';
import { readU32, readU64 } from './words.ts';

/** `nvmlProcessInfo_t` (v2 and v3): pid @0, used memory @8, MIG instance ids @16 and @20. */
const PROCESS_WORDS = 6;
/** `nvmlProcessUtilizationSample_t`: pid @0, time @8, SM @16, memory @20, encoder @24, decoder @28. */
const USAGE_WORDS = 8;
const TRIES = 5;

export interface ProcessList {
  readonly processes: readonly RawProcess[];
  readonly notReported: Readonly<Record<string, NotReportedReason>>;
}

/** Room for one more try when the list did not fit: what the driver asks for and a quarter more. */
export function decideRoom(asked: number, had: number): number {
  return Math.max(Math.ceil(asked * 1.25), Math.ceil(had * 1.25), 16);
}

interface Usage {
  readonly sm: number | null;
  readonly mem: number | null;
  readonly enc: number | null;
  readonly dec: number | null;
}
const idle: Usage = { sm: 0, mem: 0, enc: 0, dec: 0 };

/** Reads who is on the GPUs. Its memory grows to the longest list seen and is kept. */
export function makeProcessReader(library: NvmlLibrary, onWsl: boolean): { read(devices: readonly OpenDevice[]): ProcessList } {
  const c = library.calls;
  const compute = c.nvmlDeviceGetComputeRunningProcesses_v3 ?? c.nvmlDeviceGetComputeRunningProcesses_v2;
  const graphics = c.nvmlDeviceGetGraphicsRunningProcesses_v3 ?? c.nvmlDeviceGetGraphicsRunningProcesses_v2;
  const count = new Uint32Array(1);
  let rows = new Uint32Array(64 * PROCESS_WORDS);
  let usageRows = new Uint32Array(128 * USAGE_WORDS);
  const lastSeenUs = new Map<string, number>();

  /** Rows now in `rows`, or the driver's code as a negative number. */
  const list = (call: NvmlCall, device: Handle): number => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      count[0] = rows.length / PROCESS_WORDS;
      const code = call(device, count, rows);
      if (code === NVML.ok) return count[0];
      if (code !== NVML.insufficientSize) return -code;
      // The list grew: also between this call and the next, hence the quarter more.
      rows = new Uint32Array(decideRoom(count[0], rows.length / PROCESS_WORDS) * PROCESS_WORDS);
    }
    return -NVML.insufficientSize;
  };

  /** The newest sample of each process since the last reading. Null: this device does not say. */
  const usage = (device: OpenDevice): Map<number, Usage> | null => {
    const call = c.nvmlDeviceGetProcessUtilization;
    if (call === null || device.record.kind === 'mig') return null;
    const since = lastSeenUs.get(device.uuid) ?? 0;
    const found = new Map<number, Usage>();
    for (let attempt = 0; attempt < TRIES; attempt++) {
      count[0] = usageRows.length / USAGE_WORDS;
      const code = call(device.handle, usageRows, count, since);
      if (code === NVML.notFound) return found; // Nobody did anything since then.
      if (code === NVML.insufficientSize) {
        usageRows = new Uint32Array(decideRoom(count[0], usageRows.length / USAGE_WORDS) * USAGE_WORDS);
        continue;
      }
      if (code !== NVML.ok) return null;
      let newest = since;
      const times = new Map<number, number>();
      for (let i = 0; i < count[0]; i++) {
        const at = i * USAGE_WORDS;
        const pid = usageRows[at] ?? 0;
        const time = readU64(usageRows, at + 2) ?? 0;
        if (pid === 0 || time < (times.get(pid) ?? 0)) continue;
        times.set(pid, time);
        newest = Math.max(newest, time);
        const percent = (word: number): number | null => {
          const value = readU32(usageRows, at + word);
          return value !== null && value <= 100 ? value : null;
        };
        found.set(pid, { sm: percent(4), mem: percent(5), enc: percent(6), dec: percent(7) });
      }
      lastSeenUs.set(device.uuid, newest);
      return found;
    }
    return null;
  };

  return {
    read(devices) {
      const notReported: Record<string, NotReportedReason> = {};
      const refuse = (field: string, code: number | 'symbol_missing', mig: 'no' | 'parent' | 'instance' = 'no'): void => {
        notReported[field] ??= decideReason(code, { field, mig, wsl: onWsl, windows: process.platform === 'win32', unifiedMemory: false });
      };
      const processes: RawProcess[] = [];
      const divided = new Set(devices.map((d) => d.record.parentUuid));
      for (const device of devices) {
        // A divided GPU's processes are those of its instances.
        if (device.state !== 'ok' || divided.has(device.uuid)) continue;
        const byPid = new Map<number, RawProcess>();
        for (const [call, type] of [[compute, 'compute'], [graphics, 'graphics']] as const) {
          if (call === null) {
            if (type === 'compute') refuse('processes', 'symbol_missing');
            continue;
          }
          const n = list(call, device.handle);
          if (n < 0) {
            if (type === 'compute') refuse('processes', -n, device.context.mig);
            continue;
          }
          for (let i = 0; i < n; i++) {
            const pid = readU32(rows, i * PROCESS_WORDS);
            if (pid === null || pid === 0) continue;
            const memUsedBytes = readU64(rows, i * PROCESS_WORDS + 2);
            if (memUsedBytes === null) notReported['memUsedBytes'] ??= onWsl || process.platform === 'win32' ? { code: onWsl ? 'wsl' : 'wddm', text: `Under ${onWsl ? 'WSL' : 'Windows'} the display system, not the driver, knows how much memory a process holds.` } : { code: 'not_supported', text: 'The driver does not say how much memory a process holds here.' };
            const seen = byPid.get(pid);
            if (seen !== undefined) byPid.set(pid, { ...seen, type: seen.type === type ? type : 'both', memUsedBytes: seen.memUsedBytes ?? memUsedBytes });
            else byPid.set(pid, { gpuUuid: device.uuid, pid, type, memUsedBytes, utilSmPercent: null, utilMemPercent: null, utilEncoderPercent: null, utilDecoderPercent: null });
          }
        }
        const used = byPid.size === 0 ? null : usage(device);
        if (used === null && byPid.size > 0) refuse('utilSmPercent', c.nvmlDeviceGetProcessUtilization === null ? 'symbol_missing' : NVML.notSupported, device.context.mig);
        for (const row of byPid.values()) {
          // NVML names only those that used the GPU since the last question: the others did nothing.
          const u = used === null ? null : (used.get(row.pid) ?? idle);
          processes.push(u === null ? row : { ...row, utilSmPercent: u.sm, utilMemPercent: u.mem, utilEncoderPercent: u.enc, utilDecoderPercent: u.dec });
        }
      }
      return { processes, notReported };
    },
  };
}
