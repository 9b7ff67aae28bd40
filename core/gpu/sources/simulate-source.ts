import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Demand } from '../../../contract/nvml-worker.ts';
import { defaultSettings } from '../../../contract/simulated-driver.ts';
import type { SimulatedFault } from '../../../contract/system.ts';
import type { Emit, GpuSource } from './gpu-source.ts';
import { readSimulatedMachine, type SimulatedMachine } from './gpu-models.ts';
import { createSimulatedDriver } from './simulate-driver.ts';
import { createSimulatedDevice, STEP_SECONDS } from './simulate-model.ts';

export interface SimulateOptions {
  /** 1–16. */
  readonly count?: number;
  readonly seed?: number;
  readonly emit: Emit;
  readonly now?: () => number;
  /** Simulated seconds per second. */
  readonly speed?: number;
  readonly machine?: readonly SimulatedMachine[];
  /** Where what the driver was told outlives this process, as in a real driver; left out: nothing can be set. */
  readonly driverFolder?: string;
}

export interface SimulateSource extends GpuSource {
  fault(fault: SimulatedFault): void;
  /** Advances the model to `atMs` and emits one frame with the tiers that are due. Used by the timer and by benchmarks. */
  tick(atMs: number): void;
}

const MEDIUM_MS = 1000;
const SLOW_MS = 5000;
const PROCESSES_MS = 2000;
/** So much has passed in the model before the first frame: the first second already looks alive. */
const WARM_UP_SECONDS = 120;
/** After a longer pause (the machine slept) the model jumps instead of catching up, so that a tick stays short. */
const LONGEST_CATCH_UP_STEPS = 300;

/** A machine of `count` mixed GPUs that exists only here. Index 3 runs hot when there are four or more. */
export function createSimulateSource(options: SimulateOptions): SimulateSource {
  const { emit, seed = 20_261_121, speed = 1 } = options;
  const now = options.now ?? Date.now;
  const machine = options.machine ?? readSimulatedMachine(options.count ?? 4);
  const startMs = now() - WARM_UP_SECONDS * 1000;
  const devices = machine.map(({ model, mig }, index) => createSimulatedDevice({ model, mig, index, seed, warm: machine.length >= 4 ? index === 3 : false, startMs }));
  const driver = options.driverFolder === undefined ? null : createSimulatedDriver(options.driverFolder);
  let demand: Demand = { rateHz: 1, processes: false };
  let timer: NodeJS.Timeout | null = null;
  let seq = 0;
  let lastMs = now();
  let owedSeconds = 0;
  let mediumAt = -Infinity, slowAt = -Infinity, processesAt = -Infinity;
  let mismatch = false;
  const lost = new Set<string>();

  function emitDevices(): void {
    emit({ type: 'devices', driver: { driverVersion: 'simulated', cudaVersion: null, nvmlVersion: null, libraryPath: null }, devices: devices.flatMap((d) => d.devices()) });
  }

  function emitProcesses(atMs: number): void {
    processesAt = atMs;
    emit({ type: 'processes', atMs, processes: devices.flatMap((d) => d.processes()), notReported: {} });
  }

  /** Takes over what the driver was told since; true: something was. */
  function takeSettings(): boolean {
    const told = driver?.readChanges() ?? null;
    if (told === null) return false;
    for (const d of devices) d.setDriver(told.get(d.uuid) ?? defaultSettings);
    return true;
  }

  function tellDriver(): void {
    driver?.writeDevices(machine.map(({ model }, i) => ({ uuid: devices[i]?.uuid ?? '', model, lost: lost.has(devices[i]?.uuid ?? '') })));
  }

  function tick(atMs: number): void {
    const began = performance.now();
    if (takeSettings()) emitDevices();
    owedSeconds += Math.max(0, ((atMs - lastMs) / 1000) * speed);
    lastMs = atMs;
    const steps = Math.min(LONGEST_CATCH_UP_STEPS * Math.max(1, speed), Math.floor(owedSeconds / STEP_SECONDS + 1e-6));
    owedSeconds = Math.max(0, owedSeconds - Math.floor(owedSeconds / STEP_SECONDS + 1e-6) * STEP_SECONDS);
    for (let i = 0; i < steps; i += 1) for (const d of devices) d.step();
    if (mismatch) return;
    // Half a period of slack: a timer that fires a little early must not push a tier to the next tick.
    const slack = 500 / demand.rateHz;
    const tiers = { medium: atMs - mediumAt >= MEDIUM_MS - Math.min(slack, 250), slow: atMs - slowAt >= SLOW_MS - Math.min(slack, 250) };
    if (tiers.medium) mediumAt = atMs;
    if (tiers.slow) slowAt = atMs;
    const samples = devices.flatMap((d) => d.read(tiers));
    seq += 1;
    emit({ type: 'frame', frame: { seq, atMs, tookMs: Math.round((performance.now() - began) * 1000) / 1000, samples } });
    if (demand.processes && atMs - processesAt >= PROCESSES_MS - Math.min(slack, 250)) emitProcesses(atMs);
  }

  function schedule(): void {
    if (timer !== null) clearInterval(timer);
    timer = setInterval(() => tick(now()), 1000 / demand.rateHz);
    timer.unref();
  }

  function emitMismatch(): void {
    emit({ type: 'problem', problem: makeProblem('gpu.version_mismatch', { moduleVersion: '580.82', libraryVersion: '580.95' }) });
  }

  function fault(f: SimulatedFault): void {
    const of = (uuid: string): (typeof devices)[number] | undefined => devices.find((d) => d.devices().some((x) => x.uuid === uuid));
    if (f.fault === 'none') {
      for (const d of devices) { d.setHot(false); d.setLost(false); d.setNotReported(null); d.setXid(null, 0); }
      if (lost.size > 0) { lost.clear(); tellDriver(); }
      if (mismatch) emit({ type: 'problem', problem: null });
      mismatch = false;
      emitDevices();
    } else if (f.fault === 'driver_mismatch') {
      mismatch = true;
      emitMismatch();
    } else if (f.fault === 'lost') {
      of(f.uuid)?.setLost(true);
      lost.add(of(f.uuid)?.uuid ?? '');
      tellDriver();
    }
    else if (f.fault === 'hot') of(f.uuid)?.setHot(true);
    else if (f.fault === 'not_reported') { of(f.uuid)?.setNotReported(f.field); emitDevices(); }
    else {
      const atMs = now();
      of(f.uuid)?.setXid(f.xid, atMs);
      slowAt = -Infinity;
      emit({ type: 'xid', uuid: f.uuid, xid: f.xid, atMs });
    }
  }

  return {
    kind: 'simulate',
    simulated: true,
    provenance: { recordedOn: null, edited: [], note: 'Simulated by a model of load, power and heat. These devices do not exist.' },
    start() {
      tellDriver();
      takeSettings();
      for (let i = 0; i < WARM_UP_SECONDS / STEP_SECONDS; i += 1) for (const d of devices) d.step();
      lastMs = now();
      emitDevices();
      emit({ type: 'rate', rateHz: demand.rateHz, note: null });
      tick(lastMs);
      schedule();
    },
    setDemand(next) {
      const changed = next.rateHz !== demand.rateHz;
      const asked = next.processes && !demand.processes;
      demand = next;
      if (timer === null) return;
      if (changed) { schedule(); emit({ type: 'rate', rateHz: next.rateHz, note: null }); }
      if (asked && !mismatch) emitProcesses(now());
    },
    refresh() {
      takeSettings();
      if (mismatch) emitMismatch();
      else emitDevices();
    },
    fault,
    tick,
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      return Promise.resolve();
    },
  };
}
