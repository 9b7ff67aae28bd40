import type { DeviceSample } from './gpu.ts';

/** A series of the history and of the charts: which tier it is read in and how it is written. */
export interface Metric {
  readonly key: MetricKey;
  readonly tier: 'fast' | 'medium' | 'slow';
  readonly unit: string;
  readonly title: string;
  /** How readings become one of a coarser tier: a mean, the highest, or the bits seen at any time. */
  readonly join: 'mean' | 'max' | 'or';
}

export const metricKeys = [
  'utilGpuPercent', 'utilMemPercent', 'powerWatts', 'clockSmMhz', 'clockMemMhz', 'eventReasons',
  'memUsedBytes', 'tempCelsius', 'tempMemCelsius', 'powerLimitWatts', 'energyJoules',
  'pcieRxBytesPerSecond', 'pcieTxBytesPerSecond', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond',
  'utilEncoderPercent', 'utilDecoderPercent', 'fanPercent',
] as const;
export type MetricKey = (typeof metricKeys)[number];

const m = (key: MetricKey, tier: Metric['tier'], unit: string, title: string, join: Metric['join'] = 'mean'): Metric => ({ key, tier, unit, title, join });

/** In the order in which the history stores them: append only. */
export const metrics: readonly Metric[] = [
  m('utilGpuPercent', 'fast', '%', 'GPU utilisation'),
  m('utilMemPercent', 'fast', '%', 'Memory bus utilisation'),
  m('powerWatts', 'fast', 'W', 'Power'),
  m('clockSmMhz', 'fast', 'MHz', 'SM clock'),
  m('clockMemMhz', 'fast', 'MHz', 'Memory clock'),
  m('eventReasons', 'fast', '', 'Clock event reasons', 'or'),
  m('memUsedBytes', 'medium', 'B', 'Memory used'),
  m('tempCelsius', 'medium', '°C', 'Temperature', 'max'),
  m('tempMemCelsius', 'medium', '°C', 'Memory temperature', 'max'),
  m('powerLimitWatts', 'medium', 'W', 'Power limit'),
  m('energyJoules', 'medium', 'J', 'Energy', 'max'),
  m('pcieRxBytesPerSecond', 'medium', 'B/s', 'PCIe in'),
  m('pcieTxBytesPerSecond', 'medium', 'B/s', 'PCIe out'),
  m('nvlinkRxBytesPerSecond', 'medium', 'B/s', 'NVLink in'),
  m('nvlinkTxBytesPerSecond', 'medium', 'B/s', 'NVLink out'),
  m('utilEncoderPercent', 'medium', '%', 'Encoder'),
  m('utilDecoderPercent', 'medium', '%', 'Decoder'),
  m('fanPercent', 'slow', '%', 'Fan'),
];

/** One metric's value in a sample; null when not reported, undefined when its tier was not due. */
export function metricValue(sample: DeviceSample, metric: Metric): number | null | undefined {
  const group: Readonly<Record<string, unknown>> | null | undefined = sample[metric.tier];
  if (group === undefined) return undefined;
  if (group === null) return null;
  const value = group[metric.key];
  return typeof value === 'number' ? value : null;
}
