import type { Device, DeviceSample, GpuStreamItem, Inventory, ProcessReading } from '../../../contract/gpu.ts';
import type { LoadedModel } from '../../../contract/inference.ts';
import type { SlowReport } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { decideSlow } from './decide-slow.ts';

export interface ExplainSlowDeps {
  readonly gpus: {
    list(): Inventory;
    readonly frames: { subscribe(listener: (item: GpuStreamItem) => void): () => void };
    /** Somebody watches so often a second until the returned function is called. */
    watch(rateHz: number): () => void;
    readonly processes: { once(): Promise<ProcessReading> };
  };
  loaded(): readonly LoadedModel[];
  /** Working and all time of each core since the start of the machine, ms. */
  readCores(): readonly { readonly busyMs: number; readonly totalMs: number }[];
  readonly now?: () => number;
}

const RATE_HZ = 10;
/** 60 s at 10 Hz, with room. */
const MAX_SAMPLES = 1000;

/** Watches a place for so many seconds, then ranks what can make it slow. @throws ProblemError `bench.no_place`; on abort the signal's reason */
export async function explainSlow(input: { readonly place: string | null; readonly seconds: number }, deps: ExplainSlowDeps, signal?: AbortSignal): Promise<SlowReport> {
  const inventory = deps.gpus.list();
  const device = input.place === 'cpu' ? null : input.place === null ? (inventory.devices[0] ?? null) : (inventory.devices.find((one) => one.uuid === input.place) ?? null);
  if (device === null && input.place !== null && input.place !== 'cpu') throw problemError('bench.no_place', { what: 'Looking for causes', place: input.place, detail: 'there is no such GPU.' });
  const before = deps.readCores();
  const samples = device === null ? await pause(input.seconds, signal).then(() => []) : await watchDevice(device, input.seconds, deps, signal);
  const after = deps.readCores();
  const processes = device === null ? [] : (await deps.gpus.processes.once()).processes.filter((one) => one.gpuUuid === device.uuid);
  signal?.throwIfAborted();
  const place = device === null ? { key: 'cpu', name: 'Processor' } : { key: device.uuid, name: device.name };
  const models = deps.loaded().filter((one) => device === null || one.truth.placed.length === 0 || one.truth.verdict === 'not_on_gpu' || one.truth.placed.some((where) => where.uuid === device.uuid));
  const { causes, notes } = decideSlow({ place, device, samples, processes, models, busiestCore: decideBusiestCore(before, after) });
  if (inventory.simulated && device !== null) notes.unshift('The GPUs that are shown are not real.');
  return { atMs: (deps.now ?? Date.now)(), place, seconds: input.seconds, causes, notes };
}

async function watchDevice(device: Device, seconds: number, deps: ExplainSlowDeps, signal: AbortSignal | undefined): Promise<readonly DeviceSample[]> {
  const samples: DeviceSample[] = [];
  const stopWatching = deps.gpus.watch(RATE_HZ);
  const stopListening = deps.gpus.frames.subscribe((item) => {
    if (item.type !== 'frame' || samples.length >= MAX_SAMPLES) return;
    const own = item.frame.samples.find((one) => one.uuid === device.uuid && one.state === 'ok');
    if (own !== undefined) samples.push(own);
  });
  try {
    await pause(seconds, signal);
    return samples;
  } finally {
    stopListening();
    stopWatching();
  }
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Share of the time for which the busiest core worked; null: not known. Pure. */
export function decideBusiestCore(before: readonly { readonly busyMs: number; readonly totalMs: number }[], after: readonly { readonly busyMs: number; readonly totalMs: number }[]): number | null {
  const shares = after.flatMap((one, i) => {
    const first = before[i];
    const total = first === undefined ? 0 : one.totalMs - first.totalMs;
    return first === undefined || total <= 0 ? [] : [Math.min(1, Math.max(0, (one.busyMs - first.busyMs) / total))];
  });
  return shares.length === 0 ? null : Math.max(...shares);
}
