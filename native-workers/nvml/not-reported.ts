import type { NotReportedReason } from '../../contract/gpu.ts';
import { NVML, nvmlText } from './trouble.ts';

export type ReasonCode = NotReportedReason['code'];

/** What decides why a field is missing, besides the driver's code. */
export interface ReasonContext {
  readonly field: string;
  readonly mig: 'no' | 'parent' | 'instance';
  readonly wsl: boolean;
  readonly windows: boolean;
  readonly unifiedMemory: boolean;
}

const ofInstances = new Set(['utilGpuPercent', 'utilMemPercent', 'utilEncoderPercent', 'utilDecoderPercent']);
const ofMemory = new Set(['memTotalBytes', 'memUsedBytes', 'memFreeBytes', 'memReservedBytes', 'utilMemPercent', 'clockMemMhz', 'clockMaxMemMhz']);

/** Why a field is not reported, in one sentence for people. */
export function decideReason(code: number | 'symbol_missing' | 'out_of_range', context: ReasonContext): NotReportedReason {
  if (code === 'symbol_missing') return { code: 'symbol_missing', text: 'The installed driver is too old for this value: its library lacks the function.' };
  if (code === 'out_of_range') return { code: 'out_of_range', text: 'The driver answers a number that cannot be true, so it is left out.' };
  if (code === NVML.noPermission) return { code: 'no_permission', text: 'The driver tells this value to administrators only.' };
  if (code === NVML.timeout) return { code: 'timeout', text: 'The driver did not answer in its own time limit.' };
  if (code === NVML.functionNotFound || code === NVML.versionRefused) return { code: 'symbol_missing', text: 'The installed driver is too old for this value.' };
  if (code !== NVML.notSupported && code !== NVML.deprecated) return { code: 'error', text: `The driver answers an error for this value: ${nvmlText(code)} (NVML ${code}).` };
  if (context.mig === 'instance') return { code: 'mig', text: 'A MIG instance does not report this; see the GPU that it is a part of.' };
  if (context.mig === 'parent' && ofInstances.has(context.field)) return { code: 'mig', text: 'A GPU that is divided by MIG does not report how busy it is.' };
  if (context.unifiedMemory && ofMemory.has(context.field)) return { code: 'unified_memory', text: 'CPU and GPU share one memory here; the GPU has none of its own to report.' };
  if (context.wsl) return { code: 'wsl', text: 'Under WSL the driver does not report this.' };
  if (context.field === 'fanPercent' || context.field === 'fanRpm') return { code: 'not_supported', text: 'This board reports no fan: it is cooled from outside or the fan is not readable.' };
  if (context.windows && context.field === 'processes') return { code: 'wddm', text: 'Under Windows the display system, not the driver, knows this.' };
  return { code: 'not_supported', text: 'This GPU does not report this value.' };
}
