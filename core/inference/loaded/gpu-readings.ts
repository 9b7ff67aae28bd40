import type { GpuService } from '../../gpu/gpu-service.ts';
import type { GpuReadings } from '../parts.ts';

/** So often while a model answers: the fastest that the sampler goes. */
const RATE_HZ = 10;

/** The driver's readings of devices that are really there. Simulated and replayed ones are nobody's: then there are none. */
export function createGpuReadings(gpus: Pick<GpuService, 'list' | 'latest' | 'watch' | 'processes' | 'frames'>): GpuReadings {
  const real = (): boolean => !gpus.list().simulated;
  return {
    inventory() {
      const inventory = gpus.list();
      return real() ? inventory : { ...inventory, devices: [] };
    },
    freeBytes() {
      const free = new Map<string, number>();
      if (!real()) return free;
      for (const [uuid, { sample }] of gpus.latest()) {
        const bytes = sample.state === 'ok' ? sample.medium?.memFreeBytes : null;
        if (bytes !== null && bytes !== undefined) free.set(uuid, bytes);
      }
      return free;
    },
    freeBytesAtMs() {
      const times = real() ? [...gpus.latest().values()].flatMap(({ sample, mediumAtMs }) => (sample.state === 'ok' && sample.medium?.memFreeBytes != null && mediumAtMs !== null ? [mediumAtMs] : [])) : [];
      return times.length === 0 ? null : Math.min(...times);
    },
    processes: () => real() ? gpus.processes.once() : Promise.resolve({ atMs: Date.now(), processes: [], notReported: { processes: { code: 'source', text: 'No real GPU is read.' } } }),
    hold() {
      if (!real()) return () => undefined;
      const stopReadings = gpus.watch(RATE_HZ);
      // With somebody watching, the list is never older than two seconds: nobody who asks has to wait for it.
      const stopProcesses = gpus.processes.watch(() => undefined);
      return () => {
        stopReadings();
        stopProcesses();
      };
    },
    latest(uuid) {
      const last = real() ? gpus.latest().get(uuid) : undefined;
      if (last === undefined || last.sample.state !== 'ok') return null;
      const { fast, medium } = last.sample;
      return { atMs: last.atMs, powerWatts: fast?.powerWatts ?? null, utilGpuPercent: fast?.utilGpuPercent ?? null, energyJoules: medium?.energyJoules ?? null, memUsedBytes: medium?.memUsedBytes ?? null };
    },
    onReading: (listener) => gpus.frames.subscribe((item) => { if (item.type === 'frame') listener(); }),
  };
}
