import { expect, it } from 'vitest';
import { createSparkRing, SPARK_COLUMNS } from './spark.ts';

const tail = (ring: ReturnType<typeof createSparkRing>, n: number): (number | null)[] => [...ring.columns()].slice(-n).map((v) => (Number.isNaN(v) ? null : v));

it('joins a second to its mean and leaves a second without a reading open', () => {
  const ring = createSparkRing();
  ring.push(10_000, 100);
  ring.push(10_500, 0);
  ring.push(12_100, 30);
  expect(tail(ring, 4)).toEqual([null, 50, null, 30]);
});

it('shows not reported as a gap, never as zero', () => {
  const ring = createSparkRing();
  ring.push(1000, null);
  expect(tail(ring, 1)).toEqual([null]);
});

it('forgets what is older than its width, also after a long sleep', () => {
  const ring = createSparkRing();
  for (let s = 0; s < 100; s++) ring.push(s * 1000, s % 100);
  expect(tail(ring, SPARK_COLUMNS)).toEqual(Array.from({ length: SPARK_COLUMNS }, (_, i) => 60 + i));
  ring.push(1_000_000, 5);
  expect(tail(ring, 2)).toEqual([null, 5]);
});
