import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ChosenToggle, Toggle } from '../../../contract/optimize.ts';
import { autocast } from './autocast.ts';
import { beams } from './beams.ts';
import { channelsLast } from './channels-last.ts';
import { compile } from './compile.ts';
import { cpuThreads } from './cpu-threads.ts';
import { cudaGraphs } from './cuda-graphs.ts';
import { cudnnBenchmark } from './cudnn-benchmark.ts';
import { cudnnTf32 } from './cudnn-tf32.ts';
import { deviceToggles } from './device-toggles.ts';
import { expandableSegments } from './expandable-segments.ts';
import { fp8 } from './fp8.ts';
import { fusedOptimizer } from './fused-optimizer.ts';
import { interopThreads } from './interop-threads.ts';
import { kvCache } from './kv-cache.ts';
import { llamaBatch } from './llama-batch.ts';
import { llamaContext } from './llama-context.ts';
import { llamaFlashAttention } from './llama-flash-attention.ts';
import { llamaKvOffload } from './llama-kv-offload.ts';
import { llamaKvType } from './llama-kv-type.ts';
import { llamaSampling } from './llama-sampling.ts';
import { llamaThreads } from './llama-threads.ts';
import { memoryFraction } from './memory-fraction.ts';
import { moduleLoading } from './module-loading.ts';
import { onednn } from './onednn.ts';
import { sdpa } from './sdpa.ts';
import { tf32 } from './tf32.ts';
import type { ToggleDefinition } from './toggle-definition.ts';

/** Every switch, the most telling first. */
export const allToggles: readonly ToggleDefinition[] = [
  tf32, sdpa, autocast, compile, fusedOptimizer, cudaGraphs, cudnnBenchmark, channelsLast, fp8, cudnnTf32,
  expandableSegments, memoryFraction, moduleLoading, kvCache, beams, cpuThreads, interopThreads, onednn,
  llamaFlashAttention, llamaKvType, llamaBatch, llamaThreads, llamaContext, llamaKvOffload, llamaSampling,
  ...deviceToggles,
];
export const listToggles = (): Toggle[] => allToggles.map((one) => one.toggle);

const byId = new Map(allToggles.map((one) => [one.toggle.id, one]));

export const findToggle = (id: string): ToggleDefinition | null => byId.get(id) ?? null;

/** @throws ProblemError `toggle.unknown` also where it has no such value */
export function requireToggle({ toggleId, value }: ChosenToggle): ToggleDefinition {
  const found = byId.get(toggleId);
  if (found === undefined || !found.toggle.values.some((one) => one.id === value)) throw problemError('toggle.unknown', { what: found === undefined ? toggleId : `${toggleId}=${value}` });
  return found;
}

/** `TF32 for FP32 matmul`, with its value where there are several. */
export function nameToggle({ toggleId, value }: ChosenToggle): string {
  const found = byId.get(toggleId)?.toggle;
  if (found === undefined) return `${toggleId}=${value}`;
  const title = found.values.find((one) => one.id === value)?.title ?? value;
  return found.values.length === 1 && title === 'On' ? found.title : `${found.title}: ${title}`;
}
