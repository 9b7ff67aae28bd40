import { z } from 'zod';
import { problem } from './problem.ts';

/**
 * Units are in the names. `null` means *not reported*; why, stands once in the device's `notReported`.
 * Zero means zero.
 */
const num = z.number().nullable();

export const sourceKind = z.enum(['nvml', 'smi', 'replay', 'simulate', 'none']);
export type SourceKind = z.infer<typeof sourceKind>;

/** Why a device does not report a field. `text` is one sentence for people. */
export const notReportedReason = z.object({
  code: z.enum(['not_supported', 'no_permission', 'symbol_missing', 'mig', 'wsl', 'wddm', 'unified_memory', 'out_of_range', 'timeout', 'lost', 'error', 'source']),
  text: z.string(),
});
export type NotReportedReason = z.infer<typeof notReportedReason>;

/** What does not change while a driver is loaded: read once per device. */
export const device = z.object({
  uuid: z.string(),
  /** The driver's order. For showing and for the colour only: keys are UUIDs. */
  index: z.int(),
  kind: z.enum(['gpu', 'mig']),
  parentUuid: z.string().nullable(),
  migProfile: z.string().nullable(),
  name: z.string(),
  architecture: z.string().nullable(),
  computeCapability: z.string().nullable(),
  pciBusId: z.string().nullable(),
  vbiosVersion: z.string().nullable(),
  persistenceMode: z.boolean().nullable(),
  eccEnabled: z.boolean().nullable(),
  migMode: z.enum(['enabled', 'disabled']).nullable(),
  displayActive: z.boolean().nullable(),
  /** CPU and GPU share one memory (GB10, Jetson): memory is the system's. */
  unifiedMemory: z.boolean(),
  memTotalBytes: num,
  powerLimitWatts: num,
  powerDefaultLimitWatts: num,
  powerMinLimitWatts: num,
  powerMaxLimitWatts: num,
  tempSlowdownCelsius: num,
  tempShutdownCelsius: num,
  tempMaxOperatingCelsius: num,
  clockMaxSmMhz: num,
  clockMaxMemMhz: num,
  pcieMaxGen: num,
  pcieMaxWidth: num,
  nvlinkCount: num,
  fanCount: num,
  /** Field name (of the sample or of this record) → why it is not reported here. */
  notReported: z.record(z.string(), notReportedReason),
});
export type Device = z.infer<typeof device>;

/** Up to 10 Hz. */
export const fastReading = z.object({
  utilGpuPercent: num,
  utilMemPercent: num,
  powerWatts: num,
  clockSmMhz: num,
  clockMemMhz: num,
  /** NVML clocks-event-reasons bit mask (nvml.h); decoded by `throttle.ts`. */
  eventReasons: num,
});
export type FastReading = z.infer<typeof fastReading>;

/** 1 Hz. Rates are made from the counters' own times. */
export const mediumReading = z.object({
  memUsedBytes: num,
  memFreeBytes: num,
  memReservedBytes: num,
  tempCelsius: num,
  tempMemCelsius: num,
  powerLimitWatts: num,
  /** Since the driver was loaded. */
  energyJoules: num,
  pcieRxBytesPerSecond: num,
  pcieTxBytesPerSecond: num,
  nvlinkRxBytesPerSecond: num,
  nvlinkTxBytesPerSecond: num,
  utilEncoderPercent: num,
  utilDecoderPercent: num,
  clockVideoMhz: num,
  pcieGen: num,
  pcieWidth: num,
  /** Performance state, 0 (highest) to 15. */
  pstate: num,
  /** Time spent in each reason since the driver was loaded, seconds: nothing is missed between readings. */
  powerCapSeconds: num,
  thermalSoftwareSeconds: num,
  thermalHardwareSeconds: num,
  powerBrakeSeconds: num,
});
export type MediumReading = z.infer<typeof mediumReading>;

/** Every few seconds. */
export const slowReading = z.object({
  fanPercent: num,
  fanRpm: num,
  eccCorrected: num,
  eccUncorrected: num,
  remappedRows: num,
  rowRemapPending: z.boolean().nullable(),
  pcieReplays: num,
  nvlinkActive: num,
  nvlinkErrors: num,
  /** Last Xid error number since Warpdeck looks, and when. */
  xid: num,
  xidAtMs: num,
});
export type SlowReading = z.infer<typeof slowReading>;

export const deviceState = z.enum(['ok', 'lost', 'reset_required', 'not_answering']);
export type DeviceState = z.infer<typeof deviceState>;

export const deviceSample = z.object({
  uuid: z.string(),
  state: deviceState,
  fast: fastReading.nullable(),
  medium: mediumReading.optional(),
  slow: slowReading.optional(),
});
export type DeviceSample = z.infer<typeof deviceSample>;

/** One tick: all devices, the tiers that were due. `atMs` is when the reading began (Unix time, ms). */
export const gpuFrame = z.object({
  /** Counts up in the source; 0 for the first item of a stream, which holds what was known when it was asked for. */
  seq: z.int(),
  atMs: z.number(),
  /** How long the reading took in the source, ms: the app times its own calls. */
  tookMs: z.number(),
  samples: z.array(deviceSample),
});
export type GpuFrame = z.infer<typeof gpuFrame>;

/** A stream item for the faces: a frame, or a mark that readings are missing here (a worker died, a tab slept). */
export const gpuStreamItem = z.discriminatedUnion('type', [
  z.object({ type: z.literal('frame'), frame: gpuFrame }),
  z.object({ type: z.literal('gap'), atMs: z.number(), reason: z.string() }),
]);
export type GpuStreamItem = z.infer<typeof gpuStreamItem>;

/** What a recording says about itself when it was edited to be a device that was not there. */
export const provenance = z.object({
  recordedOn: z.string().nullable(),
  edited: z.array(z.object({ field: z.string(), value: z.string(), source: z.string() })),
  note: z.string().nullable(),
});
export type Provenance = z.infer<typeof provenance>;

export const driverInfo = z.object({
  driverVersion: z.string().nullable(),
  cudaVersion: z.string().nullable(),
  nvmlVersion: z.string().nullable(),
  libraryPath: z.string().nullable(),
});
export type DriverInfo = z.infer<typeof driverInfo>;

/** How the absence or trouble of a driver was found: each a fact with its place. */
export const finding = z.object({ name: z.string(), ok: z.boolean(), value: z.string(), place: z.string() });
export type Finding = z.infer<typeof finding>;

export const inventory = z.object({
  /** Goes up whenever the list or the source's state changes. */
  revision: z.int(),
  atMs: z.number(),
  source: sourceKind,
  /** As given to --gpus, or what was chosen without it. */
  sourceSpec: z.string(),
  /** Shown devices that are not this machine's: said on every face. */
  simulated: z.boolean(),
  state: z.enum(['starting', 'ok', 'problem', 'stopped']),
  problem: problem.nullable(),
  driver: driverInfo,
  devices: z.array(device),
  provenance: provenance.nullable(),
  findings: z.array(finding),
  /** Readings a second that the source makes now, and why it is fewer than asked for (null when it is not). */
  rateHz: z.number(),
  rateNote: z.string().nullable(),
  inContainer: z.boolean(),
});
export type Inventory = z.infer<typeof inventory>;

export const gpuProcess = z.object({
  gpuUuid: z.string(),
  pid: z.int(),
  type: z.enum(['compute', 'graphics', 'both']),
  memUsedBytes: num,
  utilSmPercent: num,
  utilMemPercent: num,
  utilEncoderPercent: num,
  utilDecoderPercent: num,
  /** `host`: the driver speaks of a pid of the host, which this container cannot see. */
  identity: z.enum(['local', 'host', 'foreign', 'gone']),
  user: z.string().nullable(),
  command: z.string().nullable(),
  executable: z.string().nullable(),
  hostMemBytes: num,
  startedAtMs: num,
  /** Clock ticks since boot at which the process started (Linux): with the pid its identity. */
  startTicks: z.string().nullable(),
  canTerminate: z.boolean(),
  whyNot: z.string().nullable(),
  /** Filled by the environments part. */
  environment: z.string().nullable(),
  torchVerdict: z.string().nullable(),
});
export type GpuProcess = z.infer<typeof gpuProcess>;

export const processReading = z.object({
  atMs: z.number(),
  processes: z.array(gpuProcess),
  notReported: z.record(z.string(), notReportedReason),
});
export type ProcessReading = z.infer<typeof processReading>;

/** What a source says of a process; who it is, is looked up by the engine. */
export const rawProcess = gpuProcess.pick({
  gpuUuid: true, pid: true, type: true, memUsedBytes: true, utilSmPercent: true, utilMemPercent: true, utilEncoderPercent: true, utilDecoderPercent: true,
}).extend({
  /** Only simulated and replayed sources know these; a driver does not. */
  user: z.string().nullable().optional(),
  command: z.string().nullable().optional(),
  startedAtMs: z.number().nullable().optional(),
});
export type RawProcess = z.infer<typeof rawProcess>;

export const terminatePlan = z.object({
  planId: z.string(),
  expiresAtMs: z.number(),
  pid: z.int(),
  startTicks: z.string().nullable(),
  user: z.string().nullable(),
  command: z.string(),
  gpus: z.array(z.string()),
  memUsedBytes: num,
  signal: z.enum(['TERM', 'KILL']),
});
export type TerminatePlan = z.infer<typeof terminatePlan>;
