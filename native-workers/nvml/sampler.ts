import type { Demand, SourceEvent } from '../../contract/nvml-worker.ts';
import { nowMs } from './clock.ts';
import { openDriverSession, type DriverSession } from './driver-session.ts';
import { createFrameReader, type GoneDevice } from './frame-reader.ts';
import { measureBurst, type BurstResult } from './measure-burst.ts';
import type { OpenDevice } from './open-device.ts';
import { decideNextTick, decideRate, defaultTimes, type SamplerTimes } from './schedule.ts';
import { WORD } from './shared-state.ts';
import type { Trouble } from './trouble.ts';

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
export interface SamplerOutput {
  event(event: SourceEvent): void;
  trouble(trouble: Trouble | null): void;
}

export function createSampler(words: Int32Array, out: SamplerOutput, times: SamplerTimes = defaultTimes): Sampler {
  let demand: Demand = { rateHz: 1, processes: false };
  let session: DriverSession | null = null;
  /** Devices of earlier sessions that did not come back: shown as lost until somebody asks to look again. */
  let gone: readonly GoneDevice[] = [];
  const reader = createFrameReader(words);
  let rateHz = demand.rateHz;
  let told = '';
  let tickAtMs = 0;
  let topology = '';
  let xidDueMs = 0;
  let topologyDueMs = 0;
  let troubled = false;
  let tickTimer: NodeJS.Timeout | undefined;
  let processTimer: NodeJS.Timeout | undefined;
  let retryTimer: NodeJS.Timeout | undefined;

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
    reader.restart();
    const uuids = new Set(session.devices.map((d) => d.uuid));
    gone = gone.filter((g) => !uuids.has(g.record.uuid)).map((g, i) => ({ ...g, record: { ...g.record, index: session === null ? i : session.devices.length + i } }));
    // The first reading of all tiers is also the probe: what is not supported is known when the list is told.
    const frame = reader.read(session.devices, gone, rateHz, true);
    tellDevices();
    if (troubled && !allLost()) {
      troubled = false;
      out.trouble(null);
    }
    out.event({ type: 'frame', frame });
    topologyDueMs = nowMs() + times.topologyMs;
    const start = nowMs();
    reader.spread(session.devices, start);
    tickAtMs = start;
    applyRate();
    watchProcesses();
  }

  function close(): void {
    clearTimeout(tickTimer);
    clearTimeout(processTimer);
    clearTimeout(retryTimer);
    reader.close();
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

  function tick(): void {
    if (session === null) return;
    const now = nowMs();
    if (now >= xidDueMs) {
      // A system call each time, for what happens once in a card's life.
      xidDueMs = now + XID_MS;
      session.xids.poll((device, xid) => takeXid(device, xid, now));
    }
    const frame = reader.read(session.devices, gone, rateHz, false);
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
    if (session !== null) reader.settleCounterPeriod(session.devices.length);
    if (reader.fastTimes.full()) {
      Atomics.store(words, WORD.fastMicroseconds, Math.round(reader.fastTimes.median() * 1000));
      decideRateNow();
      reader.fastTimes.clear();
    }
  }

  function applyRate(): void {
    decideRateNow();
    scheduleTick();
  }

  function decideRateNow(): void {
    const decision = decideRate(demand.rateHz, reader.fastTimes.full() ? reader.fastTimes.median() : 0, session?.devices.length ?? 0);
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
    burst: (readings, emit) => measureBurst(session?.devices ?? [], readings, emit ? (reading) => { out.event({ type: 'frame', frame: { seq: reader.nextSeq(), ...reading } }); } : null),
    stop() {
      clearInterval(alive);
      close();
    },
  };
}
