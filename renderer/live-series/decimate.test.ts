import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimateInto } from './decimate.ts';
import { appendPoint, createPointBuffer, type PointBuffer } from './point-buffer.ts';

const series = fc.array(fc.record({ dt: fc.integer({ min: 1, max: 300 }), value: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 100 }) }, { weight: 1, arbitrary: fc.constant(Number.NaN) }) }), { maxLength: 500 });
const T0 = 1_790_000_000_000;
const buffer = (steps: readonly { dt: number; value: number }[]): PointBuffer => {
  const b = createPointBuffer(4);
  let t = T0;
  for (const s of steps) appendPoint(b, (t += s.dt), s.value);
  return b;
};
const rows = (b: PointBuffer): [number, number][] => Array.from({ length: b.count }, (_, i) => [b.times[i] ?? 0, b.values[i] ?? 0]);

describe('decimation', () => {
  test('every column keeps its lowest and its highest, as points that were there, in order', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 20, max: 3000 }), (steps, msPerPx) => {
        const source = buffer(steps);
        const out = createPointBuffer(4);
        decimateInto(out, source, msPerPx);
        const all = rows(source).filter(([, v]) => !Number.isNaN(v));
        const kept = rows(out).filter(([, v]) => !Number.isNaN(v));
        const known = new Set(all.map(([t, v]) => `${t}:${v}`));
        expect(kept.every(([t, v]) => known.has(`${t}:${v}`))).toBe(true);
        expect(rows(out).every(([t], i) => i === 0 || t > (rows(out)[i - 1]?.[0] ?? 0))).toBe(true);
        const extent = (points: [number, number][]): Map<number, [number, number]> => {
          const m = new Map<number, [number, number]>();
          for (const [t, v] of points) {
            const c = Math.floor(t / msPerPx);
            const e = m.get(c);
            m.set(c, e ? [Math.min(e[0], v), Math.max(e[1], v)] : [v, v]);
          }
          return m;
        };
        expect(extent(kept)).toEqual(extent(all));
      }),
    );
  });

  test('a column without a break gives at most two points, however many readings it holds', () => {
    const out = createPointBuffer(4);
    decimateInto(out, buffer(Array.from({ length: 6000 }, (_, i) => ({ dt: 100, value: i % 7 }))), 2000);
    expect(out.count).toBeLessThanOrEqual(2 * 301);
  });

  test('what lies before a column does not change it: a strip is the same strip of the whole picture', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 20, max: 1500 }), fc.nat(20), (steps, msPerPx, columns) => {
        const source = buffer(steps);
        const out = createPointBuffer(4);
        decimateInto(out, source, msPerPx);
        const from = (Math.floor(T0 / msPerPx) + columns) * msPerPx;
        const whole = rows(out).filter(([t]) => t >= from);
        const tail = createPointBuffer(4);
        for (const [t, v] of rows(source)) if (t >= from) appendPoint(tail, t, v);
        const part = createPointBuffer(4);
        decimateInto(part, tail, msPerPx);
        const finite = (points: [number, number][]): [number, number][] => points.filter(([, v]) => !Number.isNaN(v));
        expect(finite(rows(part))).toEqual(finite(whole));
      }),
    );
  });
});
