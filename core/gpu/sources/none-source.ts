import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Emit, GpuSource } from './gpu-source.ts';

/** `--gpus none`: no devices, said so. */
export function createNoneSource(emit: Emit): GpuSource {
  return {
    kind: 'none',
    simulated: false,
    provenance: null,
    start() {
      emit({ type: 'devices', driver: { driverVersion: null, cudaVersion: null, nvmlVersion: null, libraryPath: null }, devices: [] });
      emit({ type: 'problem', problem: makeProblem('gpu.none') });
    },
    setDemand() { /* nothing is read */ },
    refresh() { emit({ type: 'problem', problem: makeProblem('gpu.none') }); },
    stop: () => Promise.resolve(),
  };
}
