import type { GpuTruth } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { TruthEvidence } from './truth-evidence.ts';

/** What lies where. Over several GPUs the driver's own figures divide it; without them it is divided evenly. */
export function listPlaced({ meant, processBytes, cpuName }: Pick<TruthEvidence, 'meant' | 'processBytes' | 'cpuName'>, report: WorkerLoadReport): GpuTruth['placed'] {
  const { weights, hostWeights, cache, work } = report.bytes;
  const onCpu = report.backend === 'cpu' || report.gpuLayers === 0;
  const gpuBytes = onCpu ? 0 : weights + cache + work;
  const placed: GpuTruth['placed'] = [];
  if (gpuBytes > 0) {
    const held = meant.map((gpu) => processBytes?.get(gpu.uuid) ?? null);
    const sum = held.reduce<number>((total, bytes) => total + (bytes ?? 0), 0);
    const share = (index: number): number => (sum > 0 ? (held[index] ?? 0) / sum : 1 / meant.length);
    for (const [index, gpu] of meant.entries()) placed.push({ uuid: gpu.uuid, name: gpu.name, bytes: Math.round(gpuBytes * share(index)), layers: Math.round(report.gpuLayers * share(index)) });
  }
  const hostBytes = onCpu ? weights + hostWeights + cache + work : hostWeights;
  if (hostBytes > 0) placed.push({ uuid: null, name: cpuName, bytes: hostBytes, layers: onCpu ? report.layers : Math.max(0, report.layers - report.gpuLayers) });
  return placed;
}
