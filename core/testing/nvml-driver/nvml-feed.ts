import type { Device, DeviceSample, FastReading, MediumReading, RawProcess, SlowReading } from '../../../contract/gpu.ts';
import { sourceEvent } from '../../../contract/nvml-worker.ts';
import { recordingHeader } from '../../../contract/recording.ts';

/** A feed value: NVML's unit, or N for "not supported". */
function feedNumber(value: number | boolean | null, factor = 1): string {
  if (value === null) return 'N';
  return String(typeof value === 'boolean' ? Number(value) : Math.round(value * factor));
}

function pairs(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`).join(' ');
}

const architectures: Readonly<Record<string, number>> = { Kepler: 2, Maxwell: 3, Pascal: 4, Volta: 5, Turing: 6, Ampere: 7, Ada: 8, Hopper: 9, Blackwell: 10, Rubin: 13 };

function deviceLine(device: Device, devices: readonly Device[]): string {
  const parent = device.parentUuid === null ? -1 : devices.findIndex((d) => d.uuid === device.parentUuid);
  const [major, minor] = (device.computeCapability ?? '').split('.').map(Number);
  const texts = { uuid: device.uuid, name: device.name.replaceAll(' ', '_'), ...(device.pciBusId === null ? {} : { bus: device.pciBusId }), ...(device.vbiosVersion === null ? {} : { vbios: device.vbiosVersion }) };
  const values = {
    arch: feedNumber(architectures[device.architecture ?? ''] ?? null),
    cc: major === undefined || minor === undefined ? 'N' : String(major * 10 + minor),
    persistence: feedNumber(device.persistenceMode),
    ecc_mode: feedNumber(device.eccEnabled),
    mig_mode: device.migMode === null ? 'N' : device.migMode === 'enabled' ? '1' : '0',
    display: feedNumber(device.displayActive),
    // Unified memory: NVML does not support the question.
    mem_total: device.unifiedMemory ? 'N' : feedNumber(device.memTotalBytes),
    limit_mw: feedNumber(device.powerLimitWatts, 1000),
    power_default_mw: feedNumber(device.powerDefaultLimitWatts, 1000),
    power_min_mw: feedNumber(device.powerMinLimitWatts, 1000),
    power_max_mw: feedNumber(device.powerMaxLimitWatts, 1000),
    temp_slowdown: feedNumber(device.tempSlowdownCelsius),
    temp_shutdown: feedNumber(device.tempShutdownCelsius),
    temp_gpu_max: feedNumber(device.tempMaxOperatingCelsius),
    max_sm_mhz: feedNumber(device.clockMaxSmMhz),
    max_mem_mhz: feedNumber(device.clockMaxMemMhz),
    max_gen: feedNumber(device.pcieMaxGen),
    max_width: feedNumber(device.pcieMaxWidth),
    nvlinks: feedNumber(device.nvlinkCount),
    fans: feedNumber(device.fanCount),
    processes_supported: '1',
  };
  return `${pairs(texts)} ${pairs(values)}`.replace(/^/, `device ${device.index} ${parent} `);
}

const fastKeys: readonly (readonly [string, keyof FastReading, number])[] = [
  ['util', 'utilGpuPercent', 1], ['utilmem', 'utilMemPercent', 1], ['power_mw', 'powerWatts', 1000], ['sm_mhz', 'clockSmMhz', 1], ['mem_mhz', 'clockMemMhz', 1], ['reasons', 'eventReasons', 1],
];
const mediumKeys: readonly (readonly [string, keyof MediumReading, number])[] = [
  ['mem_used', 'memUsedBytes', 1], ['mem_free', 'memFreeBytes', 1], ['mem_reserved', 'memReservedBytes', 1], ['temp', 'tempCelsius', 1], ['temp_mem', 'tempMemCelsius', 1], ['limit_mw', 'powerLimitWatts', 1000], ['energy_mj', 'energyJoules', 1000],
  ['enc', 'utilEncoderPercent', 1], ['dec', 'utilDecoderPercent', 1], ['video_mhz', 'clockVideoMhz', 1], ['gen', 'pcieGen', 1], ['width', 'pcieWidth', 1], ['pstate', 'pstate', 1],
  ['r_power_ns', 'powerCapSeconds', 1e9], ['r_swtherm_ns', 'thermalSoftwareSeconds', 1e9], ['r_hwtherm_ns', 'thermalHardwareSeconds', 1e9], ['r_brake_ns', 'powerBrakeSeconds', 1e9],
];
const slowKeys: readonly (readonly [string, keyof SlowReading, number])[] = [
  ['fan', 'fanPercent', 1], ['fan_rpm', 'fanRpm', 1], ['ecc_c', 'eccCorrected', 1], ['ecc_u', 'eccUncorrected', 1], ['remap', 'remappedRows', 1], ['remap_pending', 'rowRemapPending', 1], ['replays', 'pcieReplays', 1], ['nvlink_active', 'nvlinkActive', 1], ['nvlink_errors', 'nvlinkErrors', 1],
];
/** Rates of a recording become counters of a driver: bytes for PCIe, KiB for NVLink. */
const rateKeys: readonly (readonly [string, keyof MediumReading, number])[] = [
  ['pcie_tx', 'pcieTxBytesPerSecond', 1], ['pcie_rx', 'pcieRxBytesPerSecond', 1], ['nvlink_tx_kib', 'nvlinkTxBytesPerSecond', 1 / 1024], ['nvlink_rx_kib', 'nvlinkRxBytesPerSecond', 1 / 1024],
];

/** The feed for the C driver of a recording's text: its devices, frames and last process list in NVML's units. */
export function makeNvmlFeed(recordingText: string): string {
  const [first, ...rest] = recordingText.trimEnd().split('\n');
  const header = recordingHeader.parse(JSON.parse(first ?? ''));
  const events = rest.map((line) => ({ dt: (JSON.parse(line) as { dt: number }).dt, event: sourceEvent.parse(JSON.parse(line)) }));
  const frames = events.flatMap(({ dt, event }) => (event.type === 'frame' ? [{ dt, frame: event.frame }] : []));
  let devices = header.devices;
  let processes: readonly RawProcess[] = [];
  for (const { event } of events) {
    if (event.type === 'devices') devices = event.devices;
    if (event.type === 'processes') processes = event.processes;
  }
  const last = frames[frames.length - 1]?.dt ?? 0;
  const periodMs = frames.length < 2 ? 1000 : last / (frames.length - 1);
  const [major, minor] = (header.driver.cudaVersion ?? '12.0').split('.').map(Number);
  const lines = [`driver ${header.driver.driverVersion ?? '0'}`, `nvml ${header.driver.nvmlVersion ?? '0'}`, `cuda ${(major ?? 0) * 1000 + (minor ?? 0) * 10}`, `period_us ${Math.round(periodMs * 1000)}`];
  for (const device of devices) lines.push(deviceLine(device, devices));
  const indexOf = new Map(devices.map((d) => [d.uuid, d]));
  const counters = new Map<string, number>();
  const rates = new Map<string, number>();
  frames.forEach(({ frame }, n) => {
    for (const sample of frame.samples) {
      const device = indexOf.get(sample.uuid);
      if (device !== undefined) lines.push(`frame ${n} ${device.index} ${pairs({ ...readingOf(sample, device), ...countersOf(sample, n === 0 ? 0 : periodMs / 1000, counters, rates) })}`);
    }
  });
  for (const p of processes) {
    const device = indexOf.get(p.gpuUuid);
    const types = p.type === 'both' ? ['c', 'g'] : [p.type === 'compute' ? 'c' : 'g'];
    if (device !== undefined) for (const type of types) lines.push(`process ${device.index} ${p.pid} ${type} ${p.memUsedBytes ?? '18446744073709551615'} ${p.utilSmPercent ?? 0} ${p.utilMemPercent ?? 0}`);
  }
  return `${lines.join('\n')}\n`;
}

function readingOf(sample: DeviceSample, device: Device): Record<string, string> {
  const values: Record<string, string> = {};
  if (sample.fast !== null) for (const [key, field, factor] of fastKeys) values[key] = feedNumber(sample.fast[field], factor);
  if (sample.medium !== undefined) {
    for (const [key, field, factor] of mediumKeys) values[key] = feedNumber(sample.medium[field], factor);
    if (device.unifiedMemory) for (const key of ['mem_used', 'mem_free', 'mem_reserved']) values[key] = 'N';
  }
  if (sample.slow !== undefined) for (const [key, field, factor] of slowKeys) values[key] = feedNumber(sample.slow[field], factor);
  return values;
}

/** Adds each rate to its counter; a rate holds until the next reading of its tier. */
function countersOf(sample: DeviceSample, seconds: number, counters: Map<string, number>, rates: Map<string, number>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, field, factor] of rateKeys) {
    const place = `${sample.uuid} ${key}`;
    const said = sample.medium?.[field];
    if (said === null) {
      rates.delete(place);
      values[key] = 'N';
    } else if (said !== undefined) rates.set(place, said * factor);
    const rate = rates.get(place);
    if (rate === undefined) continue;
    const count = (counters.get(place) ?? 0) + rate * seconds;
    counters.set(place, count);
    values[key] = String(Math.round(count));
  }
  return values;
}
