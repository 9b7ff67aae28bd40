import type { ProcessReading } from '../../../contract/gpu.ts';
import type { GpuReadings } from '../parts.ts';

/** What the GPUs of one model draw while it answers. */
export interface EnergyMeter {
  /** One more answer is being made. */
  begin(): EnergySpan;
}
export interface EnergySpan {
  /** Its share of the energy since it began; null: not reported, or another program computed there too. */
  end(): EnergyReading;
}
export interface EnergyReading {
  readonly joules: number | null;
  /** The most that was seen, summed over the GPUs. */
  readonly watts: number | null;
  readonly utilGpuPercent: number | null;
}

export interface EnergyMeterOptions {
  readonly gpus: GpuReadings;
  /** GPUs that it runs on; none: nothing is measured. */
  readonly uuids: readonly string[];
  readonly pid: () => number | null;
  readonly now: () => number;
}

/** Readings go on for so long after an answer, ms, so that the next one begins with a fresh list of processes. */
const LINGER_MS = 10_000;
/** A process list is read again after this long, ms. */
const PROCESSES_EVERY_MS = 2000;
/** A reading older than this says nothing of now, ms. */
const STALE_MS = 3000;
/** Below, another program is not computing: desktops redraw. */
const LEAST_OTHER_PERCENT = 3;

interface Span {
  joules: number;
  watts: number | null;
  util: number | null;
  known: boolean;
  shared: boolean;
}

export function createEnergyMeter({ gpus, uuids, pid, now }: EnergyMeterOptions): EnergyMeter & { stop(): void } {
  const spans = new Set<Span>();
  let release: (() => void) | null = null;
  let linger: NodeJS.Timeout | null = null;
  let lastMs = 0;
  let lastWatts: number | null = null;
  let processesAtMs = Number.NEGATIVE_INFINITY;
  let others = false;

  const readWatts = (): number | null => uuids.reduce<number | null>((sum, uuid) => {
    const last = gpus.latest(uuid);
    return sum === null || last === null || last.powerWatts === null || now() - last.atMs > STALE_MS ? null : sum + last.powerWatts;
  }, 0);
  const readUtil = (): number | null => uuids.reduce<number | null>((most, uuid) => {
    const percent = gpus.latest(uuid)?.utilGpuPercent ?? null;
    return percent === null ? most : Math.max(most ?? 0, percent);
  }, null);

  /** Adds what was drawn since the last look; several answers at once share it evenly. */
  const account = (): void => {
    const atMs = now();
    const watts = readWatts();
    const seconds = (atMs - lastMs) / 1000;
    const mean = watts === null || lastWatts === null ? (watts ?? lastWatts) : (watts + lastWatts) / 2;
    const util = readUtil();
    for (const span of spans) {
      if (mean === null) span.known = false;
      else span.joules += (mean * seconds) / spans.size;
      if (watts !== null) span.watts = Math.max(span.watts ?? 0, watts);
      if (util !== null) span.util = Math.max(span.util ?? 0, util);
      if (others) span.shared = true;
    }
    lastMs = atMs;
    lastWatts = watts;
    if (spans.size > 0) lookForOthers();
  };

  const lookForOthers = (): void => {
    if (now() - processesAtMs < PROCESSES_EVERY_MS) return;
    processesAtMs = now();
    gpus.processes().then((reading) => {
      others = decideOthers(reading, uuids, pid());
      if (others) for (const span of spans) span.shared = true;
    }, () => undefined);
  };

  const hold = (): void => {
    if (linger !== null) clearTimeout(linger);
    linger = null;
    if (release !== null) return;
    others = false;
    const letGo = gpus.hold();
    const stopListening = gpus.onReading(account);
    release = () => {
      letGo();
      stopListening();
      release = null;
    };
  };

  return {
    begin() {
      if (uuids.length === 0) return { end: () => ({ joules: null, watts: null, utilGpuPercent: null }) };
      hold();
      account();
      const span: Span = { joules: 0, watts: null, util: null, known: true, shared: others };
      spans.add(span);
      lookForOthers();
      return {
        end() {
          if (spans.has(span)) account();
          spans.delete(span);
          if (spans.size === 0 && linger === null) {
            linger = setTimeout(() => { if (spans.size === 0) release?.(); }, LINGER_MS);
            linger.unref();
          }
          return { joules: span.known && !span.shared ? span.joules : null, watts: span.watts, utilGpuPercent: span.util };
        },
      };
    },
    stop() {
      if (linger !== null) clearTimeout(linger);
      release?.();
    },
  };
}

/** Whether another process computes on these GPUs. Where the driver names pids of the host, one at work is ours. */
export function decideOthers(reading: Pick<ProcessReading, 'processes'>, uuids: readonly string[], pid: number | null): boolean {
  const working = reading.processes.filter((process) => uuids.includes(process.gpuUuid) && (process.utilSmPercent ?? 0) >= LEAST_OTHER_PERCENT);
  const foreign = new Set(working.filter((process) => process.pid !== pid).map((process) => process.pid));
  const seen = reading.processes.some((process) => process.pid === pid && process.identity === 'local');
  return foreign.size > (seen || !working.some((process) => process.identity === 'host') ? 0 : 1);
}
