import type { GpuStreamItem, ProcessReading } from '../../../contract/gpu.ts';
import type { GpuService } from '../../gpu/gpu-service.ts';
import type { Readings } from '../parts.ts';
import { decideReading, type TimedReading } from './decide-reading.ts';

/** So often while somebody measures: the fastest that the sampler goes. */
const RATE_HZ = 10;
/** A reading that has not come by then does not come. */
const WAIT_MS = 300;
/** Kept for each device: five minutes at 10 Hz. */
const MAX_KEPT = 3000;

const none = { powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, joules: null, otherProcesses: null };

/** What the sampler reads while a measurement runs. Simulated and replayed devices are nobody's: they tell nothing of it. */
export function createReadings(gpus: Pick<GpuService, 'list' | 'watch' | 'processes' | 'frames'>): Readings {
  const kept = new Map<string, TimedReading[]>();
  const waiting = new Set<() => void>();
  let holders = 0;
  let stop: () => void = () => undefined;

  const keep = (uuid: string, reading: TimedReading): void => {
    const list = kept.get(uuid) ?? [];
    kept.set(uuid, list);
    list.push(reading);
    if (list.length > MAX_KEPT) list.splice(0, list.length - MAX_KEPT);
  };
  /** A list counts at its own time only: an older one does not know the process that measures. */
  const takeProcesses = ({ atMs, processes, notReported }: ProcessReading): void => {
    if ('processes' in notReported) return;
    for (const uuid of kept.keys()) keep(uuid, { atMs, powerWatts: null, smClockMhz: null, eventReasons: null, tempCelsius: null, energyJoules: null, processes: processes.filter((one) => one.gpuUuid === uuid).length });
  };
  const take = (item: GpuStreamItem): void => {
    if (item.type !== 'frame') return;
    for (const { uuid, state, fast, medium } of item.frame.samples) {
      if (state !== 'ok') continue;
      keep(uuid, {
        atMs: item.frame.atMs, powerWatts: fast?.powerWatts ?? null, smClockMhz: fast?.clockSmMhz ?? null, eventReasons: fast?.eventReasons ?? null,
        tempCelsius: medium?.tempCelsius ?? null, energyJoules: medium?.energyJoules ?? null, processes: null,
      });
    }
    for (const wake of [...waiting]) wake();
  };
  const start = (): void => {
    const stopRate = gpus.watch(RATE_HZ);
    const stopProcesses = gpus.processes.watch(takeProcesses);
    const stopFrames = gpus.frames.subscribe(take);
    stop = () => {
      stopFrames();
      stopProcesses();
      stopRate();
      kept.clear();
    };
  };
  const arrived = (place: string, toMs: number): Promise<void> => new Promise((resolve) => {
    const check = (): void => {
      if ((kept.get(place)?.findLast((one) => one.processes === null)?.atMs ?? 0) >= toMs) done();
    };
    const timer = setTimeout(done, WAIT_MS);
    function done(): void {
      clearTimeout(timer);
      waiting.delete(check);
      resolve();
    }
    waiting.add(check);
    check();
  });

  return {
    hold() {
      if (gpus.list().simulated) return () => undefined;
      if (holders++ === 0) start();
      let held = true;
      return () => {
        if (held && --holders === 0) stop();
        held = false;
      };
    },
    async between(place, fromMs, toMs) {
      if (place === 'cpu' || holders === 0) return none;
      await arrived(place, toMs);
      return decideReading(kept.get(place) ?? [], fromMs, toMs);
    },
  };
}
