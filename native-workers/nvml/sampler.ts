import type { Device, DeviceSample, GpuFrame } from '../../contract/gpu.ts';
import type { Demand, SourceEvent } from '../../contract/nvml-worker.ts';
import { openDriverSession, type DriverSession } from './driver-session.ts';
import type { OpenDevice } from './open-device.ts';
import { readFast } from './read-fast.ts';
import { readMedium } from './read-medium.ts';
import { PCIE_WINDOW_MS, readPcie } from './read-pcie.ts';
import { readSlow } from './read-slow.ts';
import { decideCounterPeriodMs, decideNextTick, decideRate, defaultTimes, isDue, makeDurationWindow, type SamplerTimes } from './schedule.ts';
import { WORD } from './shared-state.ts';
import type { Trouble } from './trouble.ts';

const MEDIUM_MS = 1000;
const SLOW_MS = 4000;
const XID_MS = 1000;
const PROCESSES_MS = 2000;

export interface Sampler {
  setDemand(demand: Demand): void;
  /** Ends the driver session and begins a new one now. */
  refresh(): void;
  /** Reads `readings` times without waiting, for benchmarks. */
  burst(readings: number, emit: boolean): BurstResult;
  stop(): void;
}
export interface BurstResult {
  readonly readings: number;
  readonly tookMs: number;
  /** The fast tier of all devices, µs. */
  readonly fastMedianUs: number;
  readonly fastP99Us: number;
  /** Medium and slow tier of all devices together, µs, mean. */
  readonly mediumMeanUs: number;
  readonly slowMeanUs: number;
  readonly heapUsedBytes: number;
}
export interface SamplerOutput {
  event(event: SourceEvent): void;
  trouble(trouble: Trouble | null): void;
}

/** Unix time in ms, with its fraction: the clock of all samples. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

export function createSampler(words: Int32Array, out: SamplerOutput, times: SamplerTimes = defaultTimes): Sampler {
  let demand: Demand = { rateHz: 1, processes: false };
  let session: DriverSession | null = null;
  /** Devices of earlier sessions that did not come back: shown as lost until somebody asks to look again. */
  let gone: readonly { readonly record: Device; readonly state: 'lost' | 'reset_required' }[] = [];
  let seq = 0;
  let rateHz = demand.rateHz;
  let told = '';
  let tickAtMs = 0;
  let topology = '';
  let xidDueMs = 0;
  let topologyDueMs = 0;
  let countersPeriodMs = MEDIUM_MS;
  let troubled = false;
  let tickTimer: NodeJS.Timeout | undefined;
  let processTimer: NodeJS.Timeout | undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  let pcieTimer: NodeJS.Timeout | undefined;
  const pcieOpen: OpenDevice[] = [];
  const fastTimes = makeDurationWindow(30);
  const counterTimes = makeDurationWindow(8);

  const later = (timer: NodeJS.Timeout | undefined, ms: number, run: () => void): NodeJS.Timeout => {
    clearTimeout(timer);
    return setTimeout(run, Math.max(0, ms));
  };

  function open(): void {
    const result = openDriverSession(words);
    if ('trouble' in result) {
      troubled = true;
      out.trouble(result.trouble);
      retryTimer = later(retryTimer, times.retryMs, reopen);
      return;
    }
    session = result.session;
    // Before the first reading, which takes its time: a GPU that comes or goes meanwhile must look like a change.
    topology = session.readTopology();
    fastTimes.clear();
    counterTimes.clear();
    countersPeriodMs = MEDIUM_MS;
    const uuids = new Set(session.devices.map((d) => d.uuid));
    gone = gone.filter((g) => !uuids.has(g.record.uuid)).map((g, i) => ({ ...g, record: { ...g.record, index: session === null ? i : session.devices.length + i } }));
    // The first reading of all tiers is also the probe: what is not supported is known when the list is told.
    const frame = readFrame(true);
    tellDevices();
    if (troubled && !allLost()) {
      troubled = false;
      out.trouble(null);
    }
    out.event({ type: 'frame', frame });
    topologyDueMs = nowMs() + times.topologyMs;
    const start = nowMs();
    // Spread: each device has its own place in the second, so that no tick carries the slow calls of all.
    session.devices.forEach((device, i) => {
      const share = i / (session?.devices.length ?? 1);
      device.mediumDueMs = start + MEDIUM_MS + share * MEDIUM_MS;
      device.countersDueMs = device.mediumDueMs;
      device.slowDueMs = start + SLOW_MS + share * SLOW_MS;
    });
    tickAtMs = start;
    applyRate();
    watchProcesses();
  }

  function close(): void {
    clearTimeout(tickTimer);
    clearTimeout(processTimer);
    clearTimeout(retryTimer);
    clearTimeout(pcieTimer);
    pcieOpen.length = 0;
    retryTimer = undefined;
    session?.close();
    session = null;
  }

  /** Ends what is open and looks again. Lost devices that do not come back go on being shown. */
  function reopen(): void {
    const lost = (session?.devices ?? []).filter((d) => d.state === 'lost' || d.state === 'reset_required');
    const left = lost.map((d) => ({ record: d.record, state: d.state === 'lost' ? ('lost' as const) : ('reset_required' as const) }));
    const known = new Set(left.map((l) => l.record.uuid));
    gone = [...left, ...gone.filter((g) => !known.has(g.record.uuid))];
    close();
    open();
    if (session !== null && (gone.length > 0 || anyLost())) retryTimer = later(retryTimer, times.lostMs, reopen);
  }

  function anyLost(): boolean {
    return session !== null && session.devices.some((d) => d.state !== 'ok');
  }
  function allLost(): boolean {
    return session !== null && session.devices.length + gone.length > 0 && session.devices.every((d) => d.state !== 'ok');
  }

  function tellDevices(): void {
    if (session === null) return;
    for (const device of session.devices) device.changed = false;
    out.event({ type: 'devices', driver: session.driver, devices: [...session.devices.map((d) => d.record), ...gone.map((g) => g.record)] });
  }

  function readFrame(everything: boolean): GpuFrame {
    const began = nowMs();
    const samples: DeviceSample[] = [];
    const periodMs = 1000 / rateHz;
    let fastMs = 0;
    let countersMs = 0;
    let countersOf = 0;
    for (const device of session?.devices ?? []) {
      const before = performance.now();
      const fast = device.state === 'ok' ? readFast(device) : null;
      fastMs += performance.now() - before;
      const sample: DeviceSample = { uuid: device.uuid, state: device.state, fast };
      if (device.state === 'ok' && (everything || isDue(device.mediumDueMs, began, periodMs))) {
        const counters = everything || isDue(device.countersDueMs, began, periodMs);
        const from = performance.now();
        sample.medium = readMedium(device, counters);
        if (counters) pcieOpen.push(device);
        device.mediumDueMs = nextDue(device.mediumDueMs, began, MEDIUM_MS);
        if (counters) {
          device.countersDueMs = nextDue(device.countersDueMs, began, countersPeriodMs);
          countersMs += performance.now() - from;
          countersOf++;
        }
      }
      if (device.state === 'ok' && (everything || isDue(device.slowDueMs, began, periodMs))) {
        sample.slow = readSlow(device);
        device.slowDueMs = nextDue(device.slowDueMs, began, SLOW_MS);
      }
      // A device may be lost in the middle of its reading: what was read before counts, the state is the newest.
      sample.state = device.state;
      if (device.state !== 'ok') sample.fast = null;
      samples.push(sample);
    }
    if (pcieOpen.length > 0) startPcieWindow();
    for (const g of gone) samples.push({ uuid: g.record.uuid, state: g.state, fast: null });
    fastTimes.add(fastMs);
    if (countersOf > 0) counterTimes.add(countersMs / countersOf);
    Atomics.add(words, WORD.readings, 1);
    Atomics.add(words, WORD.progress, 1);
    return { seq: seq++, atMs: began, tookMs: nowMs() - began, samples };
  }

  /** Between two ticks: the rates are in the next frame that carries these devices' medium tier. */
  function startPcieWindow(): void {
    for (const device of pcieOpen) readPcie(device, 'start');
    pcieTimer = later(pcieTimer, PCIE_WINDOW_MS, () => {
      for (const device of pcieOpen) readPcie(device, 'end');
      pcieOpen.length = 0;
    });
  }

  function nextDue(dueMs: number, now: number, periodMs: number): number {
    return dueMs === 0 ? now + periodMs : decideNextTick(dueMs, Math.max(now, dueMs), periodMs);
  }

  function tick(): void {
    if (session === null) return;
    const now = nowMs();
    if (now >= xidDueMs) {
      // A system call each time, for what happens once in a card's life.
      xidDueMs = now + XID_MS;
      session.xids.poll((device, xid) => takeXid(device, xid, now));
    }
    const frame = readFrame(false);
    if (session.devices.some((d) => d.changed)) tellDevices();
    out.event({ type: 'frame', frame });
    // Whichever reading found it: also one between two ticks.
    if (retryTimer === undefined && anyLost()) retryTimer = later(undefined, times.lostMs, reopen);
    tellAllLost();
    decideRates();
    if (now >= topologyDueMs) {
      topologyDueMs = now + times.topologyMs;
      const seen = session.readTopology();
      if (seen !== topology && !anyLost()) {
        reopen();
        return;
      }
    }
    scheduleTick();
  }

  function tellAllLost(): void {
    const first = session?.devices.find((d) => d.state !== 'ok');
    if (session === null || first === undefined || troubled || !allLost()) return;
    troubled = true;
    out.trouble(session.troubleOf(first));
  }

  function takeXid(device: OpenDevice | null, xid: number, now: number): void {
    if (device !== null) {
      device.xid = xid;
      device.xidAtMs = now;
      device.slowDueMs = 0; // The next frame carries it.
    }
    out.event({ type: 'xid', uuid: device?.uuid ?? null, xid, atMs: now });
  }

  function decideRates(): void {
    if (counterTimes.full() && session !== null) countersPeriodMs = decideCounterPeriodMs(counterTimes.median() * session.devices.length);
    if (fastTimes.full()) {
      Atomics.store(words, WORD.fastMicroseconds, Math.round(fastTimes.median() * 1000));
      decideRateNow();
      fastTimes.clear();
    }
  }

  function applyRate(): void {
    decideRateNow();
    scheduleTick();
  }

  function decideRateNow(): void {
    const decision = decideRate(demand.rateHz, fastTimes.full() ? fastTimes.median() : 0, session?.devices.length ?? 0);
    rateHz = decision.rateHz;
    const say = `${decision.rateHz} ${decision.note === null ? '' : 'less'}`;
    if (say !== told) {
      told = say;
      out.event({ type: 'rate', rateHz: decision.rateHz, note: decision.note });
    }
  }

  function scheduleTick(): void {
    if (session === null) return;
    const now = nowMs();
    // A timer may fire a fraction of a millisecond early: this tick is over all the same.
    tickAtMs = decideNextTick(tickAtMs, Math.max(now, tickAtMs), 1000 / rateHz);
    tickTimer = later(tickTimer, tickAtMs - now, tick);
  }

  function watchProcesses(): void {
    clearTimeout(processTimer);
    if (!demand.processes || session === null) return;
    const atMs = nowMs();
    const { processes, notReported } = session.readProcesses();
    out.event({ type: 'processes', atMs, processes: [...processes], notReported: { ...notReported } });
    processTimer = later(undefined, PROCESSES_MS, watchProcesses);
  }

  // Also without a driver the thread is alive: what stands still is hung.
  const alive = setInterval(() => Atomics.add(words, WORD.progress, 1), 500);
  setImmediate(open);

  return {
    setDemand(wanted) {
      const changed = wanted.rateHz !== demand.rateHz;
      const asks = wanted.processes && !demand.processes;
      demand = wanted;
      if (changed && session !== null) {
        tickAtMs = nowMs();
        applyRate();
      }
      if (asks || !wanted.processes) watchProcesses();
    },
    refresh() {
      close();
      gone = [];
      open();
    },
    burst(readings, emit) {
      return runBurst(readings, emit);
    },
    stop() {
      clearInterval(alive);
      close();
    },
  };

  function runBurst(readings: number, emit: boolean): BurstResult {
    const devices = session?.devices ?? [];
    const fast = new Float64Array(readings);
    let mediumMs = 0;
    let mediums = 0;
    let slowMs = 0;
    let slows = 0;
    const began = performance.now();
    for (let n = 0; n < readings; n++) {
      const atMs = nowMs();
      const samples: DeviceSample[] = [];
      const a = performance.now();
      for (const device of devices) samples.push({ uuid: device.uuid, state: device.state, fast: readFast(device) });
      fast[n] = (performance.now() - a) * 1000;
      // The slower tiers as often as at 10 Hz.
      if (n % 10 === 0) {
        const b = performance.now();
        devices.forEach((device, i) => Object.assign(samples[i] ?? {}, { medium: readMedium(device, true) }));
        mediumMs += performance.now() - b;
        mediums++;
      }
      if (n % 40 === 0) {
        const b = performance.now();
        devices.forEach((device, i) => Object.assign(samples[i] ?? {}, { slow: readSlow(device) }));
        slowMs += performance.now() - b;
        slows++;
      }
      if (emit) out.event({ type: 'frame', frame: { seq: seq++, atMs, tookMs: nowMs() - atMs, samples } });
    }
    const tookMs = performance.now() - began;
    fast.sort();
    return {
      readings,
      tookMs,
      fastMedianUs: fast[Math.floor(readings / 2)] ?? 0,
      fastP99Us: fast[Math.floor(readings * 0.99)] ?? 0,
      mediumMeanUs: mediums === 0 ? 0 : (mediumMs / mediums) * 1000,
      slowMeanUs: slows === 0 ? 0 : (slowMs / slows) * 1000,
      heapUsedBytes: process.memoryUsage().heapUsed,
    };
  }
}
