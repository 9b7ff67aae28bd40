import type { VerdictWord } from '../../../contract/verdict.ts';

export interface RuntimeAxis {
  readonly low: number;
  readonly high: number;
  /** CUDA version that the driver is of; null: not told. */
  readonly driver: number | null;
  readonly build: number | null;
  /** First CUDA version whose compiler knows the GPU. */
  readonly needs: number | null;
  /** Marks of the axis: the versions themselves, those that would touch left out. */
  readonly ticks: readonly number[];
}

const toNumber = (version: string): number => Number(version.split('.').slice(0, 2).join('.'));
/** First CUDA toolkit whose compiler knows a GPU generation (release notes: 12.8 for 10.0/12.0, 11.8 for 8.9/9.0, 11.1 for 8.6, 11.0 for 8.0, 10.0 for 7.5, 9.0 for 7.0). */
const firstToolkit: readonly (readonly [capability: number, cuda: string])[] = [[10, '12.8'], [8.9, '11.8'], [8.6, '11.1'], [8, '11.0'], [7.5, '10.0'], [7, '9.0']];
/** Two ticks stand so far apart, as a share of the axis: the width of a label. */
const TICK_GAP = 0.09;

/** Where the CUDA versions of driver, build and GPU lie on one axis; null where fewer than two are known. Pure. */
export function decideRuntimeAxis(input: { readonly driver: string | null; readonly build: string | null; readonly capability: string | null }): RuntimeAxis | null {
  const read = (version: string | null): number | null => {
    const n = version === null ? Number.NaN : toNumber(version);
    return Number.isFinite(n) ? n : null;
  };
  const cc = read(input.capability);
  const needs = cc === null ? null : toNumber(firstToolkit.find(([from]) => cc >= from)?.[1] ?? '9.0');
  const driver = read(input.driver);
  const build = read(input.build);
  const known = [needs, driver, build].filter((n) => n !== null);
  if (known.length < 2) return null;
  const low = Math.min(...known) - 0.4;
  const high = Math.max(...known) + 0.6;
  const ticks: number[] = [];
  // What is shown is named first; the round versions fill what room is left.
  for (const n of [build, needs, driver, 9, 10, 11, 12, 13, 14]) {
    if (n !== null && n > low && n < high && ticks.every((t) => Math.abs(t - n) / (high - low) >= TICK_GAP)) ticks.push(n);
  }
  return { low, high, driver, build, needs, ticks: ticks.sort((a, b) => a - b) };
}

/** Which of the three is to blame; null where the picture does not tell. Pure. */
export function decideRuntimeWords(axis: Pick<RuntimeAxis, 'driver' | 'build' | 'needs'>, verdict: VerdictWord): string | null {
  const { driver, build, needs } = axis;
  if (verdict === 'native' || verdict === 'jit') return build === null || needs === null || build < needs ? null : 'Driver, build and GPU fit each other.';
  if (verdict === 'driver_too_old') return 'The build fits the GPU; the driver is too old for it.';
  if (verdict !== 'incompatible' || build === null || needs === null || build >= needs) return null;
  return driver !== null && driver >= needs ? 'The driver is new enough. Only the build is too old.' : 'The build is too old for the GPU.';
}
