import type { Device, DeviceSample, GpuFrame } from '../../contract/gpu.ts';
import { nowMs } from './clock.ts';
import type { OpenDevice } from './open-device.ts';
import { readFast } from './read-fast.ts';
import { readMedium } from './read-medium.ts';
import { PCIE_WINDOW_MS, readPcie } from './read-pcie.ts';
import { readSlow } from './read-slow.ts';
import { decideCounterPeriodMs, decideNextTick, isDue, makeDurationWindow } from './schedule.ts';
import { WORD } from './shared-state.ts';

const MEDIUM_MS = 1000;
const SLOW_MS = 4000;

/** A device of an earlier session that did not come back. */
export interface GoneDevice {
  readonly record: Device;
  readonly state: 'lost' | 'reset_required';
}

/** Reads frames: the fast tier of all devices, the slower tiers of those whose turn it is. Ten times a second: nothing is allocated but the frame. */
export interface FrameReader {
  /** A new driver session: what readings cost is measured anew. */
  restart(): void;
  /** Spread from `startMs` on: each device has its own place in the second, so that no tick carries the slow calls of all. */
  spread(devices: readonly OpenDevice[], startMs: number): void;
  read(devices: readonly OpenDevice[], gone: readonly GoneDevice[], rateHz: number, everything: boolean): GpuFrame;
  nextSeq(): number;
  /** What the fast tier of all devices took in the last readings. */
  readonly fastTimes: ReturnType<typeof makeDurationWindow>;
  /** Counters that cost milliseconds are read less often. */
  settleCounterPeriod(devices: number): void;
  /** Calls off what was to be read between two ticks. */
  close(): void;
}

export function createFrameReader(words: Int32Array): FrameReader {
  const fastTimes = makeDurationWindow(30);
  const counterTimes = makeDurationWindow(8);
  const pcieOpen: OpenDevice[] = [];
  let pcieTimer: NodeJS.Timeout | undefined;
  let countersPeriodMs = MEDIUM_MS;
  let seq = 0;

  /** Between two ticks: the rates are in the next frame that carries these devices' medium tier. */
  function startPcieWindow(): void {
    for (const device of pcieOpen) readPcie(device, 'start');
    clearTimeout(pcieTimer);
    pcieTimer = setTimeout(endPcieWindow, PCIE_WINDOW_MS);
  }
  function endPcieWindow(): void {
    for (const device of pcieOpen) readPcie(device, 'end');
    pcieOpen.length = 0;
  }

  return {
    fastTimes,
    nextSeq: () => seq++,
    restart() {
      fastTimes.clear();
      counterTimes.clear();
      countersPeriodMs = MEDIUM_MS;
    },
    spread(devices, startMs) {
      devices.forEach((device, i) => {
        const share = i / devices.length;
        device.mediumDueMs = startMs + MEDIUM_MS + share * MEDIUM_MS;
        device.countersDueMs = device.mediumDueMs;
        device.slowDueMs = startMs + SLOW_MS + share * SLOW_MS;
      });
    },
    read(devices, gone, rateHz, everything) {
      const began = nowMs();
      const samples: DeviceSample[] = [];
      const periodMs = 1000 / rateHz;
      let fastMs = 0;
      let countersMs = 0;
      let countersOf = 0;
      for (const device of devices) {
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
    },
    settleCounterPeriod(devices) {
      if (counterTimes.full()) countersPeriodMs = decideCounterPeriodMs(counterTimes.median() * devices);
    },
    close() {
      clearTimeout(pcieTimer);
      pcieOpen.length = 0;
    },
  };
}

function nextDue(dueMs: number, now: number, periodMs: number): number {
  return dueMs === 0 ? now + periodMs : decideNextTick(dueMs, Math.max(now, dueMs), periodMs);
}
