import type { GpuProcess, Inventory, ProcessReading } from '../../contract/gpu.ts';
import type { GpuService } from '../gpu/gpu-service.ts';
import { frameOfLatest } from './frame-stream.ts';
import { createGauge } from './gauge.ts';
import type { EngineServices } from './services.ts';

export interface GpuServicesOptions {
  readonly gpus: GpuService;
  /** No face gets more readings a second than are set. */
  readonly watchedHz: () => number;
  /** Which environment a process runs in, and whether it can compute on its GPU. */
  readonly annotate: (processes: readonly GpuProcess[]) => Promise<GpuProcess[]>;
}

/** What faces ask of the GPUs. */
export function makeGpuServices({ gpus, watchedHz, annotate }: GpuServicesOptions): EngineServices['gpus'] {
  const inventory = createGauge<Inventory>(gpus.list());
  gpus.onInventory((next) => { inventory.publish(next); });
  const withEnvironments = async (reading: ProcessReading): Promise<ProcessReading> => ({ ...reading, processes: await annotate(reading.processes) });
  return {
    inventory,
    list: () => gpus.list(),
    subscribe: (listener) => gpus.frames.subscribe(listener),
    watch: (rateHz) => gpus.watch(Math.min(rateHz, watchedHz())),
    latestFrame: () => frameOfLatest(gpus.latest(), Date.now()),
    refresh: () => gpus.refresh(),
    processes: async () => withEnvironments(await gpus.processes.once()),
    watchProcesses() {
      const gauge = createGauge<ProcessReading>(gpus.processes.latest() ?? undefined);
      return { gauge, stop: gpus.processes.watch((reading) => { void withEnvironments(reading).then((whole) => { gauge.publish(whole); }); }) };
    },
    processHistory: (pid, startTicks) => gpus.processes.history(pid, startTicks),
    planTerminate: (input) => gpus.processes.planTerminate(input),
    terminate: (planId) => Promise.resolve(gpus.processes.terminate(planId)),
    simulateFault: (fault) => { gpus.fault(fault); },
  };
}
