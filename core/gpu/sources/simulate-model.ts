import type { Device, DeviceSample, FastReading, MediumReading, NotReportedReason, RawProcess, SlowReading } from '../../../contract/gpu.ts';
import { defaultSettings, type SimulatedSettings } from '../../../contract/simulated-driver.ts';
import type { GpuModel } from './gpu-models.ts';
import { createLoad } from './simulate-load.ts';
import { initialState, stepPhysics, type PhysicalState } from './simulate-physics.ts';
import { createRandom } from './simulate-random.ts';

/** The model advances in steps of this length, whatever the rate of reading: the same seed gives the same curves. */
export const STEP_SECONDS = 0.1;
const MIB = 1024 * 1024;
/** Bytes a second that one lane carries in one direction, by generation, after encoding. */
const PCIE_LANE_BYTES: Readonly<Record<number, number>> = { 3: 0.985e9, 4: 1.969e9, 5: 3.938e9 };

export interface SimulatedDevice {
  readonly uuid: string;
  /** The device and, where it is split, its MIG instances. */
  devices(): readonly Device[];
  /** Advances by one step of `STEP_SECONDS`. */
  step(): void;
  /** Samples of the device (and its instances), quantised as drivers do. */
  read(tiers: { readonly medium: boolean; readonly slow: boolean }): DeviceSample[];
  processes(): RawProcess[];
  /** For tests and for faults: the state before quantisation. */
  readonly state: Readonly<PhysicalState>;
  setHot(hot: boolean): void;
  setLost(lost: boolean): void;
  setNotReported(field: string | null): void;
  setXid(xid: number | null, atMs: number): void;
  /** As a driver was told; what it was not told is at its default. */
  setDriver(settings: SimulatedSettings): void;
}

export interface SimulatedDeviceOptions {
  readonly model: GpuModel;
  readonly mig: boolean;
  readonly index: number;
  readonly seed: number;
  /** Runs hot: its intake is partly blocked and the room's heat comes and goes. */
  readonly warm: boolean;
  /** Unix time of the model's second 0, ms. */
  readonly startMs: number;
}

const uuidOf = (index: number, instance = 0): string => `${instance > 0 ? 'MIG' : 'GPU'}-51a0${index.toString(16).padStart(4, '0')}-0000-4000-8000-${String(instance).padStart(12, '0')}`;
const toStep = (value: number, step: number): number => Math.round(value / step) * step;
const milli = (value: number): number => Math.round(value * 1000) / 1000;
const percent = (share: number): number => Math.max(0, Math.min(100, Math.round(share * 100)));

const why = {
  passive: { code: 'not_supported', text: 'This board is cooled by the fans of its server.' },
  memTemp: { code: 'not_supported', text: 'This board does not expose the temperature of its memory.' },
  noEcc: { code: 'not_supported', text: 'This board has no ECC memory counters.' },
  noLink: { code: 'not_supported', text: 'This board has no NVLink.' },
  unified: { code: 'unified_memory', text: 'CPU and GPU share one memory; the driver reports none of the GPU alone.' },
  chip: { code: 'not_supported', text: 'This chip does not report it.' },
  mig: { code: 'mig', text: 'The driver does not report it for a MIG instance.' },
} as const satisfies Record<string, NotReportedReason>;

/** A simulated GPU. Deterministic by seed. */
export function createSimulatedDevice(options: SimulatedDeviceOptions): SimulatedDevice {
  const { model, index, mig, startMs } = options;
  const random = createRandom((options.seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0);
  const totalBytes = model.memTotalMiB === null ? null : model.memTotalMiB * MIB;
  const reservedBytes = (model.memReservedMiB ?? 0) * MIB;
  const linkBytes = (model.nvlinkBothDirectionsGBps / 2) * 1e9;
  const load = createLoad({ random, index, capacityBytes: (totalBytes ?? 128 * 1024 * MIB) - reservedBytes, nvlinkBytesPerSecond: linkBytes });
  const state = initialState(model);
  // Phases are drawn once, so that devices do not move together.
  const phase = random.between(0, 2 * Math.PI);
  const headStartMs = random.between(20, 400) * 60_000;
  const uuid = uuidOf(index);
  const pcieLane = model.pcieGen === null ? null : (PCIE_LANE_BYTES[model.pcieGen] ?? null);
  const pcieMax = pcieLane === null ? null : pcieLane * (model.pcieWidth ?? 0);
  const hidden = new Map<string, NotReportedReason>();
  let steps = 0;
  let hot = false;
  let lost = false;
  let driver: SimulatedSettings = defaultSettings;
  let xid: number | null = null;
  let xidAtMs: number | null = null;
  let last = load.step(0, 0);

  const missing: Record<string, NotReportedReason> = {};
  const lacks = (fields: readonly string[], reason: NotReportedReason): void => { for (const f of fields) missing[f] = reason; };
  if (model.fanCount === null) lacks(['fanPercent', 'fanRpm', 'fanCount'], why.passive);
  else lacks(['fanRpm'], why.chip);
  if (!model.memTemperature) lacks(['tempMemCelsius'], why.memTemp);
  if (!model.ecc) lacks(['eccEnabled', 'eccCorrected', 'eccUncorrected', 'remappedRows', 'rowRemapPending'], why.noEcc);
  if (model.nvlinkCount === 0) lacks(['nvlinkCount', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond', 'nvlinkActive', 'nvlinkErrors'], why.noLink);
  if (totalBytes === null) lacks(['memTotalBytes', 'memUsedBytes', 'memFreeBytes', 'memReservedBytes'], why.unified);
  if (model.powerMaxLimitWatts === null) lacks(['powerLimitWatts', 'powerDefaultLimitWatts', 'powerMinLimitWatts', 'powerMaxLimitWatts'], why.chip);
  if (model.clockMaxMemMhz === null) lacks(['clockMemMhz', 'clockMaxMemMhz'], why.chip);
  if (model.pcieGen === null) lacks(['pcieMaxGen', 'pcieMaxWidth', 'pcieGen', 'pcieWidth', 'pcieRxBytesPerSecond', 'pcieTxBytesPerSecond', 'pcieReplays'], why.chip);
  if (mig) lacks(['utilGpuPercent', 'utilMemPercent', 'utilEncoderPercent', 'utilDecoderPercent'], why.mig);

  const reported = model.powerMaxLimitWatts !== null;
  const device: Device = {
    uuid, index, kind: 'gpu', parentUuid: null, migProfile: null, name: model.name, architecture: model.architecture, computeCapability: model.computeCapability,
    pciBusId: model.pcieGen === null ? '0000000F:01:00.0' : `00000000:${(index * 0x20 + 1).toString(16).toUpperCase().padStart(2, '0').slice(-2)}:00.0`,
    vbiosVersion: null, persistenceMode: true, eccEnabled: model.ecc ? true : null, migMode: model.computeCapability === '8.0' || model.computeCapability === '9.0' ? (mig ? 'enabled' : 'disabled') : null,
    displayActive: index === 0, unifiedMemory: model.unifiedMemory, memTotalBytes: totalBytes,
    powerLimitWatts: reported ? model.powerDefaultLimitWatts : null, powerDefaultLimitWatts: reported ? model.powerDefaultLimitWatts : null,
    powerMinLimitWatts: model.powerMinLimitWatts, powerMaxLimitWatts: model.powerMaxLimitWatts,
    tempSlowdownCelsius: model.slowdownCelsius, tempShutdownCelsius: model.shutdownCelsius, tempMaxOperatingCelsius: model.softThermalCelsius,
    clockMaxSmMhz: model.clockMaxSmMhz, clockMaxMemMhz: model.clockMaxMemMhz, pcieMaxGen: model.pcieGen, pcieMaxWidth: model.pcieWidth,
    nvlinkCount: model.nvlinkCount === 0 ? null : model.nvlinkCount, fanCount: model.fanCount, notReported: missing,
  };
  missing['vbiosVersion'] = { code: 'source', text: 'The simulation has no firmware.' };
  if (device.migMode === null) missing['migMode'] = why.chip;

  const instances: readonly { device: Device; share: number }[] = !mig || totalBytes === null ? [] : [
    { profile: '3g.40gb', share: 0.5 }, { profile: '2g.20gb', share: 0.25 }, { profile: '1g.10gb', share: 0.125 },
  ].map(({ profile, share }, i) => ({
    share,
    device: {
      ...device, uuid: uuidOf(index, i + 1), index: index * 100 + i, kind: 'mig', parentUuid: uuid, migProfile: profile, name: `${model.name} MIG ${profile}`, displayActive: false, memTotalBytes: totalBytes * share,
      ...nullDeviceFields, notReported: Object.fromEntries([...migHidden, ...Object.keys(nullDeviceFields)].map((f) => [f, why.mig])),
    },
  }));

  /** The record with what the driver was told. */
  const own = (): Device => (driver === defaultSettings ? device : { ...device, persistenceMode: driver.persistenceMode ?? device.persistenceMode, powerLimitWatts: reported ? (driver.powerLimitWatts ?? device.powerLimitWatts) : null });

  function step(): void {
    steps += 1;
    if (lost) return;
    const t = steps * STEP_SECONDS;
    last = load.step(t, STEP_SECONDS);
    // The room breathes slowly; beside a warm device somebody else's exhaust comes and goes every two minutes and a half.
    const wave = options.warm ? 15 * Math.max(0, Math.sin((2 * Math.PI * t) / 150 + phase)) : 1.5 * Math.sin((2 * Math.PI * t) / 900 + phase);
    stepPhysics(model, state, last, { roomCelsius: 24 + wave + (hot ? 24 : 0), coolerResistance: (options.warm ? 1.32 : 1) * (hot ? 4.2 : 1), powerLimitWatts: driver.powerLimitWatts ?? model.powerDefaultLimitWatts, smClockLockMhz: driver.smClockLockMhz }, STEP_SECONDS, random.noise());
  }

  function hide<T extends object>(reading: T): T {
    if (hidden.size === 0) return reading;
    return Object.fromEntries(Object.entries(reading).map(([k, v]) => [k, hidden.has(k) ? null : v])) as T;
  }

  function fast(): FastReading {
    return {
      utilGpuPercent: mig ? null : percent(last.busyShare), utilMemPercent: mig ? null : percent(last.memBusShare), powerWatts: milli(state.powerWatts),
      clockSmMhz: toStep(state.clockSmMhz, 15), clockMemMhz: state.idleSeconds < 2.5 ? model.clockMaxMemMhz : model.clockIdleMemMhz, eventReasons: state.eventReasons,
    };
  }

  function medium(): MediumReading {
    const memUsed = totalBytes === null ? null : toStep(Math.min(last.memBytes, totalBytes - reservedBytes), MIB);
    const awake = state.idleSeconds < 2.5;
    const pcie = (rate: number): number | null => (pcieMax === null ? null : Math.round(Math.min(pcieMax * 0.92, Math.max(2e5, rate)) / 1000) * 1000);
    const link = (rate: number): number | null => (linkBytes === 0 ? null : Math.round(Math.max(0, rate)));
    return {
      memUsedBytes: memUsed, memFreeBytes: memUsed === null || totalBytes === null ? null : totalBytes - reservedBytes - memUsed, memReservedBytes: totalBytes === null ? null : reservedBytes,
      tempCelsius: Math.floor(state.dieCelsius), tempMemCelsius: model.memTemperature ? Math.floor(state.sinkCelsius + 6 + 14 * last.memBusShare) : null,
      powerLimitWatts: own().powerLimitWatts, energyJoules: milli(state.energyJoules),
      pcieRxBytesPerSecond: pcie(last.pcieRx), pcieTxBytesPerSecond: pcie(last.pcieTx), nvlinkRxBytesPerSecond: link(last.nvlinkRx), nvlinkTxBytesPerSecond: link(last.nvlinkTx),
      utilEncoderPercent: mig ? null : percent(last.encoderShare), utilDecoderPercent: mig ? null : percent(last.decoderShare),
      clockVideoMhz: awake ? toStep(model.clockMaxSmMhz * 0.86, 15) : toStep(model.clockIdleSmMhz * 2.5, 15),
      pcieGen: model.pcieGen === null ? null : awake || model.fanCount === null ? model.pcieGen : 1, pcieWidth: model.pcieWidth,
      pstate: awake ? model.busyPstate : model.fanCount === null ? 0 : 8,
      powerCapSeconds: milli(state.powerCapSeconds), thermalSoftwareSeconds: milli(state.thermalSoftwareSeconds), thermalHardwareSeconds: milli(state.thermalHardwareSeconds), powerBrakeSeconds: 0,
    };
  }

  function slow(): SlowReading {
    return {
      fanPercent: model.fanCount === null ? null : Math.round(state.fanPercent), fanRpm: null,
      eccCorrected: model.ecc ? Math.floor((steps * STEP_SECONDS) / 5400) : null, eccUncorrected: model.ecc ? 0 : null, remappedRows: model.ecc ? 0 : null, rowRemapPending: model.ecc ? false : null,
      pcieReplays: model.pcieGen === null ? null : 0, nvlinkActive: model.nvlinkCount === 0 ? null : model.nvlinkCount, nvlinkErrors: model.nvlinkCount === 0 ? null : 0, xid, xidAtMs,
    };
  }

  function read(tiers: { medium: boolean; slow: boolean }): DeviceSample[] {
    if (lost) return [{ uuid, state: 'lost', fast: null }, ...instances.map((i) => ({ uuid: i.device.uuid, state: 'lost' as const, fast: null }))];
    const sample: DeviceSample = { uuid, state: 'ok', fast: hide(fast()) };
    if (tiers.medium) sample.medium = hide(medium());
    if (tiers.slow) sample.slow = hide(slow());
    return [sample, ...instances.map(({ device: d, share }) => {
      const part: DeviceSample = { uuid: d.uuid, state: 'ok', fast: { ...nullFast } };
      if (tiers.medium) {
        const used = toStep(last.memBytes * share, MIB);
        part.medium = { ...nullMedium, memUsedBytes: used, memFreeBytes: (d.memTotalBytes ?? 0) - used - toStep(reservedBytes * share, MIB), memReservedBytes: toStep(reservedBytes * share, MIB) };
      }
      return part;
    })];
  }

  return {
    uuid,
    state,
    devices: () => [hidden.size === 0 ? own() : { ...own(), notReported: { ...missing, ...Object.fromEntries(hidden) } }, ...instances.map((i) => i.device)],
    step,
    read,
    processes: () => lost ? [] : load.programs().filter((p) => p.startedAt !== null).map((p) => ({
      gpuUuid: instances[0]?.device.uuid ?? uuid, pid: p.pid, type: p.role === 'desktop' ? 'graphics' : 'compute',
      memUsedBytes: totalBytes === null ? null : toStep(p.memBytes, MIB), utilSmPercent: mig ? null : percent(p.smShare), utilMemPercent: mig ? null : percent(p.memShare),
      utilEncoderPercent: mig ? null : percent(p.encoderShare), utilDecoderPercent: mig ? null : percent(p.decoderShare),
      user: p.user, command: p.command, startedAtMs: Math.round(startMs + (p.startedAt ?? 0) * 1000 - (p.startedAt === 0 ? headStartMs : 0)),
    })),
    setHot(value) { hot = value; },
    setLost(value) { lost = value; },
    setNotReported(field) {
      if (field === null) hidden.clear();
      else hidden.set(field, { code: 'not_supported', text: 'Not reported, on request of a simulated fault.' });
    },
    setDriver(settings) { driver = settings; },
    setXid(value, atMs) { xid = value; xidAtMs = value === null ? null : atMs; },
  };
}

/** What a MIG instance does not have of its own. */
const nullDeviceFields = {
  powerLimitWatts: null, powerDefaultLimitWatts: null, powerMinLimitWatts: null, powerMaxLimitWatts: null, tempSlowdownCelsius: null, tempShutdownCelsius: null, tempMaxOperatingCelsius: null,
  clockMaxSmMhz: null, clockMaxMemMhz: null, pcieMaxGen: null, pcieMaxWidth: null, nvlinkCount: null, fanCount: null, vbiosVersion: null,
} as const;
const nullFast: FastReading = { utilGpuPercent: null, utilMemPercent: null, powerWatts: null, clockSmMhz: null, clockMemMhz: null, eventReasons: null };
const nullMedium: MediumReading = {
  memUsedBytes: null, memFreeBytes: null, memReservedBytes: null, tempCelsius: null, tempMemCelsius: null, powerLimitWatts: null, energyJoules: null, pcieRxBytesPerSecond: null, pcieTxBytesPerSecond: null,
  nvlinkRxBytesPerSecond: null, nvlinkTxBytesPerSecond: null, utilEncoderPercent: null, utilDecoderPercent: null, clockVideoMhz: null, pcieGen: null, pcieWidth: null, pstate: null,
  powerCapSeconds: null, thermalSoftwareSeconds: null, thermalHardwareSeconds: null, powerBrakeSeconds: null,
};
/** Fields of a sample that an instance leaves out. */
const migHidden = [
  ...Object.keys(nullFast), ...Object.keys(nullMedium).filter((f) => !f.startsWith('memUsed') && !f.startsWith('memFree') && !f.startsWith('memReserved')),
  'fanPercent', 'fanRpm', 'eccCorrected', 'eccUncorrected', 'remappedRows', 'rowRemapPending', 'pcieReplays', 'nvlinkActive', 'nvlinkErrors', 'xid', 'xidAtMs',
];
