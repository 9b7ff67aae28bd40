import { describe, expect, it } from 'vitest';
import { decideLook } from './decide-interval.ts';
import { isBFirst, planGeneration } from './plan-generation.ts';

/** Mulberry32: the same series in every run. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
const makeNormal = (random: () => number) => (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

interface Shape {
  /** Spread of one sample, log. */
  readonly noise: number;
  readonly kind: 'normal' | 'skewed' | 'heavy';
  /** Of neighbouring samples. */
  readonly autoregression: number;
  /** Over the whole measurement (80 samples), log. */
  readonly drift: number;
  /** Spread between processes, log. */
  readonly bias: number;
}
const plain: Shape = { noise: 0.01, kind: 'normal', autoregression: 0, drift: 0, bias: 0 };

/** One measurement of `effect` (log) on made-up samples, by the code that measures. */
function measure(shape: Shape, effect: number, random: () => number, most = Infinity): { verdict: string; pairs: number } {
  const normal = makeNormal(random);
  let before = 0;
  let at = 0;
  const draw = (): number => {
    let fresh = normal();
    if (shape.kind === 'skewed') fresh = (Math.exp(0.8 * fresh) - Math.exp(0.32)) / 1.2;
    if (shape.kind === 'heavy') fresh /= Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3);
    before = shape.autoregression * before + fresh;
    return shape.noise * before + (shape.drift * at++) / 80;
  };
  const generations: number[][] = [];
  let spent = 0;
  for (;;) {
    const kept = generations.flat().length;
    const count = planGeneration({ generations: generations.length, kept, startSeconds: 100, pairSeconds: 0.1, secondsLeft: Math.min(1e6, (most - generations.length) * 101), graceSeconds: 0 });
    if (count > 0) {
      const biasA = shape.bias * normal();
      const biasB = shape.bias * normal() + effect;
      const number = generations.length;
      generations.push(Array.from({ length: count }, (_, i) => {
        const [first, second] = [draw(), draw()];
        return (isBFirst(number, i) ? first - second : second - first) + biasB - biasA;
      }));
    }
    const look = decideLook(generations, spent, count === 0);
    spent = look.spent;
    if (look.verdict !== null) return { verdict: look.verdict, pairs: generations.flat().length };
  }
}

/** Upper end of Wilson's one-sided 95 % interval of a share. */
function upperBound(count: number, of: number): number {
  const z = 1.6449;
  const share = count / of;
  return (share + (z * z) / (2 * of) + z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
}

const RUNS = 1000;
const shapes: readonly [string, Shape][] = [
  ['normal', plain],
  ['skewed', { ...plain, kind: 'skewed' }],
  ['heavy tails', { ...plain, kind: 'heavy' }],
  ['autoregressive, 0.3', { ...plain, autoregression: 0.3 }],
  ['drift of 3 %', { ...plain, drift: 0.03 }],
  ['processes that differ by 0.3 %', { ...plain, bias: 0.003 }],
  ['processes that differ by 1 %', { ...plain, bias: 0.01 }],
  ['processes that differ by 1 %, quiet samples', { ...plain, noise: 0.002, bias: 0.01 }],
  ['processes that differ by 1 %, skewed, autoregressive, drifting', { noise: 0.01, kind: 'skewed', autoregression: 0.3, drift: 0.03, bias: 0.01 }],
];

describe('the same against the same', () => {
  it.each(shapes)('%s: false alarms stay under 5 %', (name, shape) => {
    const random = makeRandom(20_261_121);
    const words = Array.from({ length: RUNS }, () => measure(shape, 0, random).verdict);
    const alarms = words.filter((one) => one === 'helps' || one === 'hurts').length;
    if (process.env['WARPDECK_SHOW'] !== undefined) process.stdout.write(`${name}: ${(alarms / RUNS * 100).toFixed(1)} % (upper bound ${(upperBound(alarms, RUNS) * 100).toFixed(1)} %), no effect ${words.filter((one) => one === 'no_effect').length}, cannot resolve ${words.filter((one) => one === 'cannot_resolve').length}\n`);
    expect(upperBound(alarms, RUNS)).toBeLessThanOrEqual(0.08);
    expect(alarms / RUNS).toBeLessThanOrEqual(0.05);
  });
});

describe('an injected slowdown of 5 %', () => {
  it.each(shapes)('%s: found', (name, shape) => {
    const random = makeRandom(5);
    const results = Array.from({ length: 300 }, () => measure(shape, Math.log(0.95), random));
    const found = results.filter((one) => one.verdict === 'hurts').length;
    if (process.env['WARPDECK_SHOW'] !== undefined) process.stdout.write(`${name}: ${(found / 3).toFixed(1)} % found after ${(results.reduce((sum, one) => sum + one.pairs, 0) / 300).toFixed(1)} pairs\n`);
    expect(found / 300).toBeGreaterThanOrEqual(0.9);
    expect(results.filter((one) => one.verdict === 'helps' || one.verdict === 'no_effect')).toHaveLength(0);
  });
  it.each([2, 3])('a large effect is known where the time is enough for %i generations, and none is made up', (most) => {
    const random = makeRandom(11);
    const shape = { ...plain, noise: 0.005, bias: 0.01 };
    const words = (effect: number): string[] => Array.from({ length: 500 }, () => measure(shape, effect, random, most).verdict);
    expect(words(Math.log(1.63)).filter((one) => one === 'helps')).toHaveLength(500);
    const alarms = words(0).filter((one) => one === 'helps' || one === 'hurts').length;
    if (process.env['WARPDECK_SHOW'] !== undefined) process.stdout.write(`${most} generations: ${alarms / 5} % false alarms (upper bound ${(upperBound(alarms, 500) * 100).toFixed(1)} %)\n`);
    expect(upperBound(alarms, 500)).toBeLessThanOrEqual(0.08);
  });
  it('a large effect is known after four pairs of processes that hardly differ', () => {
    const random = makeRandom(7);
    const results = Array.from({ length: 200 }, () => measure({ ...plain, noise: 0.003, bias: 0.001 }, Math.log(7), random));
    expect(results.filter((one) => one.verdict === 'helps' && one.pairs <= 14).length).toBeGreaterThanOrEqual(180);
  });
});
