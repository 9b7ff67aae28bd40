import type { ArmWish, Readings, StartArm } from '../../benchmarks/parts.ts';
import { measureEffect, type Measured } from '../../optimize/effects/measure-effect.ts';
import type { EffectSeries } from './recorded-series.ts';
import { drawGeneration, type Slice } from './resample.ts';

const nothing = { powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, joules: null, otherProcesses: null };
const readings: Readings = { hold: () => () => undefined, between: () => Promise.resolve(nothing) };
const wish = (side: 'a' | 'b'): ArmWish => ({ workload: side, place: 'cpu', environment: null, model: null, toggles: [], variables: {} });

/**
 * A whole measurement of an effect card (`measureEffect` itself: its generations, looks, budget and verdict) on figures
 * drawn from a recorded series. `factor`: speed of B over what was recorded; 1: the same against the same. Time passes
 * as it did when it was recorded.
 */
export function replayMeasurement(series: EffectSeries, { factor, budgetSeconds, random }: { readonly factor: number; readonly budgetSeconds: number; readonly random: () => number }): Promise<Measured> {
  let nowMs = 0;
  let generation = -1;
  let started = 0;
  let slice: Slice | null = null;
  const onB = series.higherIsBetter ? factor : 1 / factor;
  const startArm: StartArm = ({ workload }) => {
    // Two at once make a generation.
    if (started++ % 2 === 0) {
      slice = drawGeneration(series, ++generation, random);
      nowMs += slice.startSeconds * 1000;
    }
    const own = slice;
    if (own === null) throw new Error('No generation was drawn.');
    let at = 0;
    return Promise.resolve({
      facts: {},
      warmUp: () => Promise.resolve(),
      sample() {
        const { a, b } = own.pair(at++);
        const startedAtMs = nowMs;
        nowMs += own.pairSeconds * 500;
        return Promise.resolve({ value: workload === 'b' ? b * onB : a, startedAtMs, endedAtMs: nowMs, memoryBytes: null, repetitions: 1 });
      },
      error: () => Promise.resolve(null),
      end: () => Promise.resolve(),
    });
  };
  return measureEffect({ startArm, readings, now: () => nowMs }, { a: wish('a'), b: wish('b'), higherIsBetter: series.higherIsBetter, budgetSeconds }, { signal: new AbortController().signal, log: () => undefined, onPair: () => undefined });
}
