import type { BenchmarkMark, BenchmarkResult, BenchmarkRun, ComparedRow, ComparedWord, PastRun } from '../../../contract/benchmarks.ts';
import type { IconName } from '../../ui/icons.tsx';
import { formatCelsius, formatDate, formatDeviceName, formatDuration, formatFigures, formatGib, formatMhz, formatShare, formatWattsWhole, formatWhen } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';

const MOST_DECIMALS = 3;
/** Of a figure from ten on. */
const MOST_DECIMALS_FROM_TEN = 1;
const grouped = (decimals: number): Intl.NumberFormat => new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/**
 * Decimals with which an uncertainty is written: two figures where it begins with 1 or 2, else one, as the Particle Data
 * Group rounds (Review of Particle Physics, introduction, 5.3). Pure.
 */
export function decideDecimals(half: number): number {
  if (!(half > 0) || !Number.isFinite(half)) return 0;
  const exponent = Math.floor(Math.log10(half));
  const first = half / 10 ** exponent;
  return Math.max(0, Math.min(MOST_DECIMALS, (first < 2.95 ? 1 : 0) - exponent));
}

/** A figure with the larger half of its interval: `234.9` and `2.0`; without an interval three figures and null. Pure. */
export function formatWithInterval(median: number, low: number | null, high: number | null): { readonly value: string; readonly half: string | null } {
  if (low === null || high === null) return { value: formatFigures(median), half: null };
  const half = Math.max(high - median, median - low);
  if (half === 0) return { value: formatFigures(median), half: '0' };
  const decimals = Math.min(decideDecimals(half), Math.abs(median) >= 10 ? MOST_DECIMALS_FROM_TEN : MOST_DECIMALS);
  const format = grouped(decimals);
  const text = format.format(half);
  return { value: format.format(median), half: Number(text) === 0 ? `< ${format.format(10 ** -decimals)}` : text };
}

/** Per unit of work, in a unit that is no row of zeros: `1.2 pJ per FLOP`. Pure. */
export function formatJoules(joules: number, per: string): string {
  const steps = [[1, 'J'], [1e-3, 'mJ'], [1e-6, 'µJ'], [1e-9, 'nJ'], [1e-12, 'pJ']] as const;
  const [size, unit] = steps.find(([least]) => joules >= least) ?? [1e-12, 'pJ'];
  return `${formatFigures(joules / size)} ${unit} per ${per}`;
}

export const markWords: Readonly<Record<BenchmarkMark, { readonly word: string; readonly why: string; readonly doubt: boolean }>> = {
  power_capped: { word: 'power cap', why: 'The power limit held the clock down, which is normal at full load.', doubt: false },
  throttled: { word: 'throttled', why: 'Heat or hardware slowed the GPU down while it was measured.', doubt: true },
  disturbed: { word: 'disturbed', why: 'Something else used the GPU meanwhile.', doubt: true },
  unsteady: { word: 'unsteady', why: 'The time was over before the interval was narrow.', doubt: true },
  few_samples: { word: 'few samples', why: 'Too few samples count for a reliable interval.', doubt: true },
};

export const comparedWords: Readonly<Record<ComparedWord, { readonly word: string; readonly look: 'fine' | 'problem' | 'q' | 'unknown'; readonly icon: IconName }>> = {
  faster: { word: 'faster', look: 'fine', icon: 'ok' },
  slower: { word: 'slower', look: 'problem', icon: 'bad' },
  no_difference: { word: 'no difference', look: 'q', icon: 'none' },
  cannot_tell: { word: 'cannot tell', look: 'unknown', icon: 'unk' },
  not_comparable: { word: 'not comparable', look: 'unknown', icon: 'unk' },
};

const signed = (percent: number): string => `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(Math.abs(percent) < 100 ? 1 : 0)}`;

/** `+3.4` and `[+2.9, +3.9]`, in percent; null where nothing could be compared. Pure. */
export function formatChange({ ratio, low, high }: Pick<ComparedRow, 'ratio' | 'low' | 'high'>): { readonly change: string; readonly interval: string | null } | null {
  if (ratio === null) return null;
  const percent = (r: number): string => signed((r - 1) * 100);
  return { change: percent(ratio), interval: low === null || high === null ? null : `[${percent(low)}, ${percent(high)}]` };
}

const states: Readonly<Record<Exclude<BenchmarkRun['state'], 'done'>, string>> = { running: 'running', failed: 'failed', cancelled: 'cancelled', interrupted: 'interrupted' };

/** A run in a list: when, where, with what, and how it ended if not well. Pure. */
export function describeRun(run: Omit<PastRun, 'figures'>, nowMs: number): string {
  return [formatWhen(run.startedAtMs, nowMs), formatDeviceName(plainText(run.place.name)), run.model === null ? null : plainText(run.model.name), run.driverVersion, run.importedFrom === null ? null : `from ${run.importedFrom}`, run.state === 'done' ? null : states[run.state]].filter((w) => w !== null).join(', ');
}

/** Runs to choose from, in words as of now. */
export function listRunChoices(runs: readonly Omit<PastRun, 'figures'>[]): readonly { readonly value: string; readonly text: string }[] {
  const now = Date.now();
  return runs.map((run) => ({ value: run.id, text: describeRun(run, now) }));
}

/** Beside the title: the day, how long it took, and with what. Pure. */
export function describeSubject(run: BenchmarkRun): string {
  const minute = new Date(run.startedAtMs);
  const clock = `${String(minute.getHours()).padStart(2, '0')}:${String(minute.getMinutes()).padStart(2, '0')}`;
  const { environment, model } = run;
  return [
    `${formatDate(run.startedAtMs)}, ${clock}`,
    run.endedAtMs === null || run.importedFrom !== null ? null : formatDuration((run.endedAtMs - run.startedAtMs) / 1000),
    environment === null ? null : `${plainText(environment.name)}${environment.torch === null ? '' : `, torch ${environment.torch}`}`,
    model === null ? null : `${plainText(model.name)}, llama.cpp ${model.release ?? 'of unknown release'}, ${model.backend}`,
  ].filter((w) => w !== null).join(', ');
}

/** What stands behind a figure, a line each. Pure. */
export function describeResult(result: BenchmarkResult): readonly string[] {
  const of = ({ text, unit }: { readonly text: string; readonly unit: string }): string => `${text} ${unit}`;
  return [
    `${result.n} samples${result.setAside === 0 ? '' : `, ${result.setAside} set aside`}`,
    ...(result.low === null || result.high === null ? [] : [`95 % interval of the median: ${formatFigures(result.low)} to ${formatFigures(result.high)} ${result.unit}`]),
    ...(result.peakShareAtClock === null ? [] : [`${of(formatShare(result.peakShareAtClock))} of the peak at the clock of the run`]),
    ...[result.smClockMhz === null ? null : of(formatMhz(result.smClockMhz)), result.powerWatts === null ? null : of(formatWattsWhole(result.powerWatts)), result.tempCelsius === null ? null : of(formatCelsius(result.tempCelsius))].filter((w) => w !== null).join(', ').split('\n').filter(Boolean),
    ...(result.joulesPerUnit === null ? [] : [formatJoules(result.joulesPerUnit, result.workUnit)]),
    ...(result.memoryBytes === null ? [] : [`${of(formatGib(result.memoryBytes))} reserved at most`]),
    ...(result.error === null ? [] : [`largest error against FP64: ${result.error.toExponential(1)}`]),
    ...result.marks.map((m) => `${markWords[m].word}: ${markWords[m].why}`),
  ];
}
