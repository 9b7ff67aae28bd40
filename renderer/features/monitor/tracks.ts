import type { Device } from '../../../contract/gpu.ts';
import type { MetricKey } from '../../../contract/metrics.ts';
import { formatCelsius, formatFigures, formatGbPerSecond, formatGib, formatMhz, formatPercent, formatWattsWhole, formatWhole, type Quantity } from '../../ui/format.ts';
import { clockTop, powerTop } from './y-scale.ts';

/** One line of a chart and its readout. */
export interface TrackLine {
  readonly metric: MetricKey;
  readonly label: string;
  /** The device's colour, or grey for the second of two. */
  readonly role: 'main' | 'second';
  readonly fill: boolean;
  readonly widthPx: number;
}

/** A value that stands beside the chart but is not drawn. */
interface TrackReadout {
  readonly metric: MetricKey;
  readonly label: string;
}

interface TrackLimit {
  readonly metric: 'powerLimitWatts' | null;
  /** The limit itself, where it does not change while the driver is loaded. */
  readonly value: number | null;
  readonly label: string;
  /** Grey for a limit that is reached every day, amber for one that should not be. */
  readonly tone: 'quiet' | 'attention';
  readonly readout: boolean;
}

/** One thin chart of a card. */
export interface Track {
  readonly key: 'util' | 'mem' | 'pow' | 'temp' | 'clk' | 'thr' | 'pcie' | 'nvlink';
  readonly title: string;
  readonly kind: 'lines' | 'spans';
  readonly lines: readonly TrackLine[];
  readonly readouts: readonly TrackReadout[];
  readonly limit: TrackLimit | null;
  readonly lo: number;
  /** Upper end in the unit of the metric; null: found from what is seen, at least `leastTop`. */
  readonly hi: number | null;
  readonly leastTop: number;
  /** Both ends of the axis as text. */
  formatEnd(value: number): string;
  format(value: number): Quantity;
}

const main = (metric: MetricKey, label: string, fill = false, widthPx = 1.25): TrackLine => ({ metric, label, role: 'main', fill, widthPx });
const second = (metric: MetricKey, label: string): TrackLine => ({ metric, label, role: 'second', fill: false, widthPx: 1 });
const GIB = 2 ** 30;
const GB = 1e9;

/** Temperatures are drawn from room to a hundred degrees, and further for a board that is allowed to be hotter. */
const TEMP_LOW = 20;

/** The charts of a card, top to bottom, for what this device has. Everything that changes with it is decided here. */
export function decideTracks(device: Device): readonly Track[] {
  const slowdown = device.tempSlowdownCelsius;
  const tempTop = slowdown !== null && slowdown > 98 ? 120 : 100;
  const tracks: Track[] = [
    {
      key: 'util', title: 'Utilisation', kind: 'lines', lo: 0, hi: 100, leastTop: 100, limit: null, format: formatPercent, formatEnd: formatWhole,
      lines: [second('utilMemPercent', 'mem bus'), main('utilGpuPercent', 'busy', true)],
      readouts: [{ metric: 'utilEncoderPercent', label: 'encoder' }, { metric: 'utilDecoderPercent', label: 'decoder' }],
    },
    {
      key: 'mem', title: 'Memory', kind: 'lines', lo: 0, hi: device.memTotalBytes, leastTop: GIB, limit: null, format: formatGib, formatEnd: (v) => (v === 0 ? '0' : formatFigures(v / GIB)),
      lines: [main('memUsedBytes', 'used', true)], readouts: [],
    },
    {
      key: 'pow', title: 'Power', kind: 'lines', lo: 0, hi: powerTop(device.powerLimitWatts), leastTop: 100, format: formatWattsWhole, formatEnd: formatWhole,
      limit: { metric: 'powerLimitWatts', value: device.powerLimitWatts, label: 'limit', tone: 'quiet', readout: true },
      lines: [main('powerWatts', 'draw')], readouts: [],
    },
    {
      key: 'temp', title: 'Temperature', kind: 'lines', lo: TEMP_LOW, hi: tempTop, leastTop: 100, format: formatCelsius, formatEnd: formatWhole,
      limit: { metric: null, value: slowdown, label: 'slowdown', tone: 'attention', readout: false },
      lines: [second('tempMemCelsius', 'memory'), main('tempCelsius', 'core')], readouts: [],
    },
    {
      key: 'clk', title: 'SM clock', kind: 'lines', lo: 0, hi: clockTop(device.clockMaxSmMhz), leastTop: 1000, limit: null, format: formatMhz, formatEnd: formatWhole,
      lines: [main('clockSmMhz', 'SM')], readouts: [],
    },
    {
      key: 'thr', title: 'Slowed by', kind: 'spans', lo: 0, hi: 1, leastTop: 1, limit: null, format: (v) => ({ text: formatWhole(v), unit: '' }), formatEnd: () => '',
      lines: [{ metric: 'eventReasons', label: '', role: 'main', fill: false, widthPx: 0 }], readouts: [],
    },
    {
      key: 'pcie', title: linkTitle(device.pcieMaxGen, device.pcieMaxWidth), kind: 'lines', lo: 0, hi: null, leastTop: GB, limit: null, format: formatGbPerSecond, formatEnd: formatRateEnd,
      lines: [second('pcieTxBytesPerSecond', 'out'), main('pcieRxBytesPerSecond', 'in', false, 1)], readouts: [],
    },
  ];
  if (device.nvlinkCount !== null && device.nvlinkCount > 0) {
    tracks.push({
      key: 'nvlink', title: `NVLink ×${device.nvlinkCount}`, kind: 'lines', lo: 0, hi: null, leastTop: GB, limit: null, format: formatGbPerSecond, formatEnd: formatRateEnd,
      lines: [second('nvlinkTxBytesPerSecond', 'out'), main('nvlinkRxBytesPerSecond', 'in', false, 1)], readouts: [],
    });
  }
  return tracks;
}

const formatRateEnd = (v: number): string => (v < GB && v > 0 ? formatFigures(v / GB) : formatWhole(v / GB));

/** `PCIe 5.0 ×16`. */
function linkTitle(gen: number | null, width: number | null): string {
  return `PCIe${gen === null ? '' : ` ${gen}.0`}${width === null ? '' : ` ×${width}`}`;
}
