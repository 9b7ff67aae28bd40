import type { BenchmarkInfo, BenchmarkRun, PeakName } from '../../../contract/benchmarks.ts';
import type { ShownPlace } from './places.ts';

export interface RoofPoint {
  readonly title: string;
  /** FLOP per byte. */
  readonly intensity: number;
  readonly tflops: number;
  /** Of what the roofs allow at this intensity. */
  readonly share: number | null;
}

export interface Roof {
  readonly place: ShownPlace;
  /** Best of what was measured here, not a data sheet's; null: not measured. */
  readonly tflops: number | null;
  readonly gigabytesPerSecond: number | null;
  readonly points: readonly RoofPoint[];
}

export type Precision = Exclude<PeakName, 'bytes' | 'pcie' | 'nvlink'>;
const precisions: readonly Precision[] = ['bf16', 'fp16', 'tf32', 'fp32', 'fp8', 'int8'];
export const precisionWords: Readonly<Record<Precision, string>> = { bf16: 'BF16', fp16: 'FP16', tf32: 'TF32', fp32: 'FP32', fp8: 'FP8', int8: 'INT8' };

export interface Roofline {
  /** What was measured with an intensity, most usual first. */
  readonly precisions: readonly Precision[];
  readonly precision: Precision | null;
  readonly roofs: readonly Roof[];
}

/** Benchmarks whose figures have a place in the plot, or are its roofs. Pure. */
export function listRoofBenchmarks(infos: readonly BenchmarkInfo[]): readonly string[] {
  return infos.filter((i) => i.cases.some((c) => c.intensity !== null || c.peak === 'bytes')).map((i) => i.name);
}

/** Roofs and points of every place, from the newest run of each benchmark there. `runs`: newest first. Pure. */
export function decideRoofline(infos: readonly BenchmarkInfo[], runs: readonly BenchmarkRun[], places: readonly ShownPlace[], wanted: Precision | null): Roofline {
  const peakOf = new Map(infos.flatMap((i) => i.cases.map((c) => [`${i.name} ${c.id}`, c.peak] as const)));
  const measured = places.map((place) => {
    const names = [...new Set(runs.map((r) => r.name))];
    const newest = names.flatMap((name) => runs.find((r) => r.name === name && r.place.key === place.key && r.results.some((x) => x.median !== null)) ?? []);
    const figures = newest.flatMap((run) => run.results.flatMap((r) => (r.median === null ? [] : [{ run, result: r, value: r.median, peak: peakOf.get(`${run.name} ${r.caseId}`) ?? null }])));
    return { place, figures };
  });
  const here = precisions.filter((p) => measured.some(({ figures }) => figures.some((f) => f.peak === p && f.result.intensity !== null && f.result.unit === 'TFLOPS')));
  const precision = wanted !== null && here.includes(wanted) ? wanted : (here[0] ?? null);
  const best = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
  const roofs = measured.map(({ place, figures }): Roof => {
    const mine = figures.filter((f) => f.peak === precision && f.result.unit === 'TFLOPS');
    const tflops = best(mine.map((f) => f.value));
    const gigabytesPerSecond = best(figures.filter((f) => f.peak === 'bytes' && f.result.unit === 'GB/s').map((f) => f.value));
    const points = mine.flatMap(({ run, result, value }): RoofPoint[] => {
      if (result.intensity === null) return [];
      const roof = tflops === null || gigabytesPerSecond === null ? null : Math.min(tflops, (result.intensity * gigabytesPerSecond) / 1000);
      return [{ title: `${run.title}, ${result.title}`, intensity: result.intensity, tflops: value, share: roof === null ? null : value / roof }];
    });
    return { place, tflops, gigabytesPerSecond, points };
  });
  return { precisions: here, precision, roofs: roofs.filter((r) => r.points.length > 0) };
}

export interface RoofAxes {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

const powers = (base: number, low: number, high: number): readonly number[] => {
  const from = Math.ceil(Math.log(low) / Math.log(base) - 1e-9);
  const to = Math.floor(Math.log(high) / Math.log(base) + 1e-9);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => base ** (from + i));
};

/** Axes that hold all points, all roofs and their bends, with ticks at powers of 4 and 10. Pure. */
export function decideRoofAxes(roofs: readonly Roof[]): RoofAxes {
  const bends = roofs.flatMap((r) => (r.tflops === null || r.gigabytesPerSecond === null ? [] : [(r.tflops * 1000) / r.gigabytesPerSecond]));
  const intensities = [...roofs.flatMap((r) => r.points.map((p) => p.intensity)), ...bends];
  const heights = roofs.flatMap((r) => [...r.points.map((p) => p.tflops), ...(r.tflops === null ? [] : [r.tflops])]);
  if (intensities.length === 0 || heights.length === 0) return { x: [0.25, 4096], y: [0.1, 1000], xTicks: powers(4, 0.25, 4096), yTicks: powers(10, 0.1, 1000) };
  const x: [number, number] = [Math.min(0.25, Math.min(...intensities) / 2), Math.max(4096, Math.max(...intensities) * 2)];
  const lowest = Math.min(...heights, ...roofs.flatMap((r) => (r.gigabytesPerSecond === null ? [] : [(x[0] * r.gigabytesPerSecond) / 1000])));
  const y: [number, number] = [lowest / 1.6, Math.max(...heights) * 2];
  return { x, y, xTicks: powers(4, ...x), yTicks: powers(10, ...y) };
}

/** The corners of a roof within the axes, left to right; null where one of the two was not measured. Pure. */
export function decideRoofCorners(roof: Pick<Roof, 'tflops' | 'gigabytesPerSecond'>, axes: RoofAxes): readonly { readonly x: number; readonly y: number }[] | null {
  const { tflops, gigabytesPerSecond } = roof;
  if (tflops === null || gigabytesPerSecond === null) return null;
  const bend = (tflops * 1000) / gigabytesPerSecond;
  return [{ x: axes.x[0], y: (axes.x[0] * gigabytesPerSecond) / 1000 }, { x: bend, y: tflops }, { x: axes.x[1], y: tflops }];
}
