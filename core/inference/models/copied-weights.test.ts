import { describe, expect, it } from 'vitest';
import type { TensorGroup } from '../../../contract/models.ts';
import { smolFacts } from '../loaded/fixtures/test-support.ts';
import { decideHeldWeights, type HeldWeights } from './copied-weights.ts';
import { plainProcessor, type ProcessorFeatures } from './processor-features.ts';

const avx2: ProcessorFeatures = { ...plainProcessor, avx2: true };
const avx512: ProcessorFeatures = { ...avx2, avx512: true };
const amx: ProcessorFeatures = { ...avx512, amx: true };
const arm: ProcessorFeatures = { ...plainProcessor, dotProduct: true };
const group = (type: string, bytes: number, firstByte: number, more: Partial<TensorGroup> = {}): TensorGroup => ({ file: 0, type, use: 'product', rowsMultipleOf: 32, bytes, firstByte, endByte: firstByte + bytes, ...more });
const held = (groups: readonly TensorGroup[], processor: ProcessorFeatures, mapped = true): HeldWeights =>
  decideHeldWeights({ bytes: { ...smolFacts.bytes, total: groups.reduce((sum, { bytes }) => sum + bytes, 0) }, groups: [...groups] }, processor, mapped);

describe('which weights get a copy', () => {
  // repack.cpp and amx.cpp of llama.cpp v0.5.0. Bytes of the copy of 1,000 × the type's block, null: none.
  it.each<[string, number, Record<'plain' | 'avx2' | 'avx512' | 'amx' | 'arm', number | null>]>([
    ['Q4_0', 18, { plain: null, avx2: 18, avx512: 18, amx: 18, arm: 18 }],
    ['Q4_1', 20, { plain: null, avx2: null, avx512: null, amx: 20, arm: null }],
    ['Q5_0', 22, { plain: null, avx2: null, avx512: null, amx: null, arm: null }],
    ['Q8_0', 34, { plain: null, avx2: null, avx512: null, amx: 38, arm: 34 }],
    ['Q2_K', 84, { plain: null, avx2: null, avx512: 84, amx: 84, arm: null }],
    ['Q3_K', 110, { plain: null, avx2: null, avx512: null, amx: null, arm: null }],
    ['Q4_K', 144, { plain: null, avx2: 144, avx512: 144, amx: 148, arm: 144 }],
    ['Q5_K', 176, { plain: null, avx2: null, avx512: null, amx: 180, arm: 176 }],
    ['Q6_K', 210, { plain: null, avx2: null, avx512: null, amx: 210, arm: 210 }],
    ['IQ4_NL', 18, { plain: null, avx2: 18, avx512: 18, amx: 18, arm: 18 }],
    ['IQ4_XS', 136, { plain: null, avx2: null, avx512: null, amx: 138, arm: null }],
    ['MXFP4', 17, { plain: null, avx2: 17, avx512: 17, amx: 17, arm: 17 }],
    ['F16', 2, { plain: null, avx2: null, avx512: null, amx: 2, arm: null }],
    ['BF16', 2, { plain: null, avx2: null, avx512: null, amx: null, arm: null }],
    ['F32', 4, { plain: null, avx2: null, avx512: null, amx: null, arm: null }],
  ])('%s', (type, block, expected) => {
    const copied = (processor: ProcessorFeatures): number | null => {
      const { copiedBytes } = held([group(type, 1000 * block, 0)], processor);
      return copiedBytes === 0 ? null : Math.round(copiedBytes) / 1000;
    };
    expect({ plain: copied(plainProcessor), avx2: copied(avx2), avx512: copied(avx512), amx: copied(amx), arm: copied(arm) }).toEqual(expected);
  });

  it.each<[string, Partial<TensorGroup>, ProcessorFeatures, number]>([
    ['rows by 8', { rowsMultipleOf: 8 }, avx2, 1800], ['rows by 4', { rowsMultipleOf: 4 }, avx2, 0], ['rows by 4 on Arm', { rowsMultipleOf: 4 }, arm, 1800], ['rows by 1 on Arm', { rowsMultipleOf: 1 }, arm, 0],
    ['looked up only', { use: 'lookup' }, avx2, 0], ['neither', { use: 'other' }, avx2, 0], ['experts', { use: 'experts' }, avx2, 1800],
    // AMX does not take stacks; CPU_REPACK does.
    ['experts beside AMX', { use: 'experts' }, amx, 1800], ['rows by 8 beside AMX', { rowsMultipleOf: 8 }, amx, 1800],
  ])('Q4_0, %s', (_name, more, processor, bytes) => {
    expect(held([group('Q4_0', 1800, 0, more)], processor).copiedBytes).toBe(bytes);
  });
  it('experts of Q8_0 beside AMX stay', () => {
    expect(held([group('Q8_0', 3400, 0, { use: 'experts' })], amx).copiedBytes).toBe(0);
  });
});

describe('what is held', () => {
  const norms = group('F32', 10, 100, { use: 'other', rowsMultipleOf: 1, endByte: 900 });
  it('the mapped file from the first to the last tensor that stays, and the copy', () => {
    const groups = [group('Q8_0', 100, 0, { use: 'lookup' }), group('Q4_0', 990, 100, { endByte: 1100 }), norms];
    expect(held(groups, avx2)).toEqual({ bytes: 900 + 990, copiedBytes: 990, reclaimableBytes: 790 });
    expect(held(groups, avx2, false)).toEqual({ bytes: 1100, copiedBytes: 990, reclaimableBytes: 0 });
    expect(held(groups, plainProcessor)).toEqual({ bytes: 1100, copiedBytes: 0, reclaimableBytes: 0 });
  });
  it('an embedding that is the output too: the copy and the whole of it', () => {
    const groups = [group('Q4_0', 180, 0, { use: 'both' }), group('F32', 20, 180, { use: 'other' })];
    expect(held(groups, avx2)).toEqual({ bytes: 380, copiedBytes: 180, reclaimableBytes: 0 });
    expect(held(groups, avx2, false)).toEqual({ bytes: 380, copiedBytes: 180, reclaimableBytes: 0 });
  });
  it('a split model: each part for itself', () => {
    const groups = [0, 1].flatMap((file) => [group('Q8_0', 100, 0, { file, use: 'lookup' }), group('Q4_0', 500, 100, { file }), group('F32', 10, 600, { file, use: 'other' })]);
    expect(held(groups, avx2)).toEqual({ bytes: 2 * 610 + 1000, copiedBytes: 1000, reclaimableBytes: 1000 });
  });
  it('nothing is known of the tensors', () => {
    expect(decideHeldWeights({ bytes: smolFacts.bytes }, amx, true)).toEqual({ bytes: smolFacts.bytes.total, copiedBytes: 0, reclaimableBytes: 0 });
  });
  it('135M in Q4_0 with an embedding of Q8_0: 57 MiB more with AVX2, and with AMX the 89 that were measured on 16 cores of it', () => {
    const layers = 30 * (2 * 576 * 576 + 2 * 192 * 576 + 3 * 1536 * 576) * (18 / 32);
    const embedding = 49_152 * 576 * (34 / 32);
    const groups = [group('Q8_0', embedding, 0, { use: 'both' }), group('Q4_0', layers, embedding), group('F32', 61 * 576 * 4, embedding, { use: 'other', endByte: embedding + layers })];
    const more = (processor: ProcessorFeatures): number => Math.round((held(groups, processor).bytes - held(groups, plainProcessor).bytes) / 1_048_576);
    expect([more(avx2), more(amx)]).toEqual([57, 89]);
  });
});
