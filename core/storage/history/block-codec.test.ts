import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SLOTS, decodeBlock, emptyBlock, encodeBlock } from './block-codec.ts';
import { exactMetrics, METRIC_COUNT, metricIndex } from './metric-columns.ts';

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant(NaN) },
  { weight: 5, arbitrary: fc.double({ min: -1e30, max: 1e30, noNaN: true }).filter((v) => v === 0 || Math.abs(v) > 1e-30) },
  { weight: 5, arbitrary: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }) },
);

describe('block codec', () => {
  it('gives back every value within 1e-6, and exact metrics exactly', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: BLOCK_SLOTS, maxLength: BLOCK_SLOTS }), fc.array(value, { minLength: 200, maxLength: 200 }), (present, pool) => {
      const block = emptyBlock();
      present.forEach((here, slot) => {
        if (!here) return;
        block.present[slot] = 1;
        for (let m = 0; m < METRIC_COUNT; m++) block.values[m * BLOCK_SLOTS + slot] = pool[(slot * 7 + m * 13) % pool.length] ?? NaN;
      });
      const back = decodeBlock(encodeBlock(block));
      expect(back).not.toBeNull();
      expect(back?.present).toEqual(block.present);
      block.values.forEach((before, i) => {
        const after = back?.values[i] ?? NaN;
        if (Number.isNaN(before)) expect(after).toBeNaN();
        else if (exactMetrics.has(Math.floor(i / BLOCK_SLOTS))) expect(after).toBe(before);
        else expect(Math.abs(after - before)).toBeLessThanOrEqual(Math.abs(before) * 1e-6);
      });
    }), { numRuns: 60, seed: 1 });
  });

  it('keeps the differences of an energy counter', () => {
    const block = emptyBlock();
    const energy = metricIndex('energyJoules');
    for (let slot = 0; slot < BLOCK_SLOTS; slot++) {
      block.present[slot] = 1;
      block.values[energy * BLOCK_SLOTS + slot] = 9_876_543_210.125 + slot * 0.5;
    }
    const back = decodeBlock(encodeBlock(block));
    expect((back?.values[energy * BLOCK_SLOTS + 41] ?? 0) - (back?.values[energy * BLOCK_SLOTS + 40] ?? 0)).toBe(0.5);
  });

  it('answers null for damaged bytes, never wrong values', () => {
    const block = emptyBlock();
    for (let slot = 0; slot < BLOCK_SLOTS; slot++) {
      block.present[slot] = 1;
      block.values[slot] = Math.sin(slot);
    }
    const good = encodeBlock(block);
    for (let i = 0; i < good.length; i++) {
      const flipped = Uint8Array.from(good);
      flipped[i] = (flipped[i] ?? 0) ^ 0x55;
      expect(decodeBlock(flipped)).toBeNull();
    }
    expect(decodeBlock(good.subarray(0, good.length >> 1))).toBeNull();
    expect(decodeBlock(new Uint8Array())).toBeNull();
  });
});
