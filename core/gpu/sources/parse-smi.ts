import type { Device, DeviceSample, NotReportedReason } from '../../../contract/gpu.ts';

/** Read once: what does not change while a driver is loaded. */
export const staticSmiFields = [
  'index', 'uuid', 'name', 'pci.bus_id', 'compute_cap', 'driver_version', 'vbios_version', 'persistence_mode', 'ecc.mode.current', 'mig.mode.current', 'display_active', 'memory.total',
  'power.limit', 'power.default_limit', 'power.min_limit', 'power.max_limit', 'clocks.max.sm', 'clocks.max.memory', 'pcie.link.gen.max', 'pcie.link.width.max',
] as const;

/** Read once a second. A field that this nvidia-smi does not know is left out and asked for no more. */
export const liveSmiFields = [
  'timestamp', 'index', 'uuid', 'utilization.gpu', 'utilization.memory', 'power.draw.instant', 'power.draw', 'clocks.sm', 'clocks.mem', 'clocks_event_reasons.active', 'clocks_throttle_reasons.active',
  'memory.used', 'memory.free', 'memory.reserved', 'temperature.gpu', 'temperature.memory', 'power.limit', 'utilization.encoder', 'utilization.decoder', 'clocks.video', 'pcie.link.gen.current', 'pcie.link.width.current',
  'pstate', 'fan.speed', 'ecc.errors.corrected.volatile.total', 'ecc.errors.uncorrected.volatile.total',
] as const;

/** Names that nvidia-smi prints in the header for a field that was asked for by another one. */
const aliases: Readonly<Record<string, string>> = {
  'clocks.current.sm': 'clocks.sm', 'clocks.current.memory': 'clocks.mem', 'clocks.current.video': 'clocks.video', 'clocks_event_reasons.active': 'reasons', 'clocks_throttle_reasons.active': 'reasons',
};

const MIB = 1024 * 1024;
/** Cells are parted by comma and blank: a lone comma is the decimal comma of a localised system. */
const split = (line: string): readonly string[] => line.replace(/\r$/, '').split(/,\s+/).map((c) => c.trim());

/** The columns of a CSV header by name without units, or null when the line is none. */
export function parseSmiHeader(line: string): readonly string[] | null {
  const names = split(line).map((c) => c.replace(/\s*\[[^\]]*\]$/, ''));
  if (!names.includes('uuid') || !names.includes('index')) return null;
  return names.map((n) => aliases[n] ?? n);
}

export type SmiRow = ReadonlyMap<string, string>;

/** One line by column name. Null when it does not have as many cells as there are columns. */
export function parseSmiRow(columns: readonly string[], line: string): SmiRow | null {
  const cells = split(line);
  if (cells.length !== columns.length) return null;
  const row = new Map<string, string>();
  columns.forEach((name, i) => { if (!row.has(name) || !isValue(row.get(name))) row.set(name, cells[i] ?? ''); });
  return /^(GPU|MIG)-/.test(row.get('uuid') ?? '') ? row : null;
}

const isValue = (cell: string | undefined): cell is string => cell !== undefined && cell !== '' && !/^\[?(N\/A|Not Supported|Unknown Error|Insufficient Permissions|Requested functionality.*|GPU is lost|No data)\]?$/i.test(cell);

/** The number of a cell, with or without unit, decimal point or comma; null for anything else and for nonsense. */
export function parseSmiNumber(cell: string | undefined): number | null {
  if (!isValue(cell)) return null;
  if (/^0x[0-9a-f]{1,16}$/i.test(cell)) return Number(cell);
  const match = /^(-?\d{1,15}(?:[.,]\d{1,9})?)(?:\s*(?:%|MiB|W|MHz|C))?$/.exec(cell);
  if (match === null) return null;
  const value = Number((match[1] ?? '').replace(',', '.'));
  return Number.isFinite(value) && value >= 0 ? value : null;
}

const textOf = (row: SmiRow, name: string): string | null => { const cell = row.get(name); return isValue(cell) ? cell : null; };
const yes = (row: SmiRow, name: string): boolean | null => { const cell = textOf(row, name); return cell === null ? null : /^(enabled|yes|on)$/i.test(cell) ? true : /^(disabled|no|off)$/i.test(cell) ? false : null; };
const within = (value: number | null, highest: number): number | null => (value !== null && value <= highest ? value : null);
const bytes = (value: number | null): number | null => (value === null ? null : value * MIB);

const bySource: NotReportedReason = { code: 'source', text: 'nvidia-smi does not say it; the driver library would.' };
const byDriver: NotReportedReason = { code: 'not_supported', text: 'The driver reports it as not available on this device.' };

/** Never among the fields of nvidia-smi that are read here. */
const neverFields = [
  'architecture', 'tempSlowdownCelsius', 'tempShutdownCelsius', 'tempMaxOperatingCelsius', 'nvlinkCount', 'fanCount', 'energyJoules', 'pcieRxBytesPerSecond', 'pcieTxBytesPerSecond', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond',
  'powerCapSeconds', 'thermalSoftwareSeconds', 'thermalHardwareSeconds', 'powerBrakeSeconds', 'fanRpm', 'remappedRows', 'rowRemapPending', 'pcieReplays', 'nvlinkActive', 'nvlinkErrors', 'xid', 'xidAtMs',
] as const;

/** A device from a row of `staticSmiFields`. */
export function deviceFromSmi(row: SmiRow): Device {
  const n = (name: string): number | null => parseSmiNumber(row.get(name));
  const notReported: Record<string, NotReportedReason> = Object.fromEntries(neverFields.map((f) => [f, bySource]));
  const mig = yes(row, 'mig.mode.current');
  const known = {
    computeCapability: textOf(row, 'compute_cap'), pciBusId: textOf(row, 'pci.bus_id'), vbiosVersion: textOf(row, 'vbios_version'), persistenceMode: yes(row, 'persistence_mode'), eccEnabled: yes(row, 'ecc.mode.current'),
    migMode: mig === null ? null : mig ? ('enabled' as const) : ('disabled' as const), displayActive: yes(row, 'display_active'), memTotalBytes: bytes(n('memory.total')),
    powerLimitWatts: n('power.limit'), powerDefaultLimitWatts: n('power.default_limit'), powerMinLimitWatts: n('power.min_limit'), powerMaxLimitWatts: n('power.max_limit'),
    clockMaxSmMhz: n('clocks.max.sm'), clockMaxMemMhz: n('clocks.max.memory'), pcieMaxGen: n('pcie.link.gen.max'), pcieMaxWidth: n('pcie.link.width.max'),
  };
  for (const [field, value] of Object.entries(known)) if (value === null) notReported[field] = byDriver;
  return {
    uuid: row.get('uuid') ?? '', index: n('index') ?? 0, kind: 'gpu', parentUuid: null, migProfile: null, name: textOf(row, 'name') ?? 'NVIDIA GPU', architecture: null, unifiedMemory: known.memTotalBytes === null && /GB10|Orin|Thor/.test(row.get('name') ?? ''),
    tempSlowdownCelsius: null, tempShutdownCelsius: null, tempMaxOperatingCelsius: null, nvlinkCount: null, fanCount: null, ...known, notReported,
  };
}

/** Column → field of the sample, to say why a device does not report it. */
const sampleFields: Readonly<Record<string, string>> = {
  'utilization.gpu': 'utilGpuPercent', 'utilization.memory': 'utilMemPercent', 'clocks.sm': 'clockSmMhz', 'clocks.mem': 'clockMemMhz', reasons: 'eventReasons', 'memory.used': 'memUsedBytes', 'memory.free': 'memFreeBytes', 'memory.reserved': 'memReservedBytes',
  'temperature.gpu': 'tempCelsius', 'temperature.memory': 'tempMemCelsius', 'power.limit': 'powerLimitWatts', 'utilization.encoder': 'utilEncoderPercent', 'utilization.decoder': 'utilDecoderPercent', 'clocks.video': 'clockVideoMhz',
  'pcie.link.gen.current': 'pcieGen', 'pcie.link.width.current': 'pcieWidth', pstate: 'pstate', 'fan.speed': 'fanPercent', 'ecc.errors.corrected.volatile.total': 'eccCorrected', 'ecc.errors.uncorrected.volatile.total': 'eccUncorrected',
};

/** Fields of a sample that a row does not fill, with the reason. */
export function notReportedFromSmi(row: SmiRow): Record<string, NotReportedReason> {
  const out: Record<string, NotReportedReason> = {};
  for (const [column, field] of Object.entries(sampleFields)) {
    if (!row.has(column)) out[field] = bySource;
    else if (!isValue(row.get(column))) out[field] = byDriver;
  }
  if (!isValue(row.get('power.draw.instant')) && !isValue(row.get('power.draw'))) out['powerWatts'] = byDriver;
  return out;
}

/** A sample from a row of `liveSmiFields`. Percentages over 100 and other nonsense count as not reported. */
export function sampleFromSmi(row: SmiRow): DeviceSample {
  const n = (name: string): number | null => parseSmiNumber(row.get(name));
  const percent = (name: string): number | null => within(n(name), 100);
  const uuid = row.get('uuid') ?? '';
  if ([...row.values()].some((c) => /GPU is lost/i.test(c))) return { uuid, state: 'lost', fast: null };
  const pstate = /^P(\d{1,2})$/.exec(row.get('pstate') ?? '');
  return {
    uuid,
    state: 'ok',
    fast: { utilGpuPercent: percent('utilization.gpu'), utilMemPercent: percent('utilization.memory'), powerWatts: within(n('power.draw.instant') ?? n('power.draw'), 10_000), clockSmMhz: n('clocks.sm'), clockMemMhz: n('clocks.mem'), eventReasons: within(n('reasons'), 0xffff_ffff) },
    medium: {
      memUsedBytes: bytes(n('memory.used')), memFreeBytes: bytes(n('memory.free')), memReservedBytes: bytes(n('memory.reserved')), tempCelsius: within(n('temperature.gpu'), 200), tempMemCelsius: within(n('temperature.memory'), 200),
      powerLimitWatts: n('power.limit'), energyJoules: null, pcieRxBytesPerSecond: null, pcieTxBytesPerSecond: null, nvlinkRxBytesPerSecond: null, nvlinkTxBytesPerSecond: null,
      utilEncoderPercent: percent('utilization.encoder'), utilDecoderPercent: percent('utilization.decoder'), clockVideoMhz: n('clocks.video'), pcieGen: n('pcie.link.gen.current'), pcieWidth: n('pcie.link.width.current'),
      pstate: pstate === null ? null : Number(pstate[1]), powerCapSeconds: null, thermalSoftwareSeconds: null, thermalHardwareSeconds: null, powerBrakeSeconds: null,
    },
    slow: {
      fanPercent: percent('fan.speed'), fanRpm: null, eccCorrected: n('ecc.errors.corrected.volatile.total'), eccUncorrected: n('ecc.errors.uncorrected.volatile.total'), remappedRows: null, rowRemapPending: null,
      pcieReplays: null, nvlinkActive: null, nvlinkErrors: null, xid: null, xidAtMs: null,
    },
  };
}

/** The field that this nvidia-smi refuses ("Field "x" is not a valid field to query."), or null. */
export function parseInvalidField(text: string): string | null {
  return /Field "([^"]{1,80})" is not a valid field/.exec(text)?.[1] ?? null;
}
