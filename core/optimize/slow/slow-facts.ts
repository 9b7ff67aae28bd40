import type { DeviceSample, GpuProcess } from '../../../contract/gpu.ts';
import type { LoadedModel } from '../../../contract/inference.ts';

/** What was seen in the seconds in which it was looked. */
export interface SlowFacts {
  /** `cpu`, or the GPU with its limits. */
  readonly place: { readonly key: string; readonly name: string };
  readonly device: { readonly clockMaxSmMhz: number | null; readonly pcieMaxGen: number | null; readonly pcieMaxWidth: number | null; readonly memTotalBytes: number | null; readonly unifiedMemory: boolean } | null;
  /** Of this GPU, in their order. */
  readonly samples: readonly Pick<DeviceSample, 'fast' | 'medium'>[];
  /** On this GPU, at the end. */
  readonly processes: readonly Pick<GpuProcess, 'pid' | 'type' | 'command' | 'utilSmPercent' | 'memUsedBytes'>[];
  readonly models: readonly Pick<LoadedModel, 'name' | 'quantisation' | 'pid' | 'truth' | 'bytes' | 'settings' | 'state' | 'requestsActive'>[];
  /** Share of the time for which the busiest core worked, 0 to 1; null: not known. */
  readonly busiestCore: number | null;
}
