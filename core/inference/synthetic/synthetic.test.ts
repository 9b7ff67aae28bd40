import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GgufFacts } from '../../../contract/models.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { ggmlTypeByName, ggmlTypes, halfBits, tensorBytesOf } from './ggml-types.ts';
import { planFromHeader } from './plan-from-header.ts';
import { createRandom, makeBlocks } from './random-blocks.ts';
import { shapeOf, tensorsOf } from './synthetic-shape.ts';
import { tinyShape } from './tiny-shape.ts';
import { readHeaderPlan, writeSyntheticFromHeader } from './write-synthetic-from-header.ts';
import { planSyntheticModel, writeSyntheticModel } from './write-synthetic-model.ts';

const folder = makeTestFolder('synthetic');
const sha = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('the written file', () => {
  it('is exactly as long as planned, the same for the same seed, another for another', async () => {
    const a = await tinyModel(folder, { fileName: 'a.gguf' }), b = await tinyModel(folder, { fileName: 'b.gguf' }), c = await tinyModel(folder, { fileName: 'c.gguf', seed: 2 });
    expect(statSync(a).size).toBe(planSyntheticModel(tinyShape).bytes);
    expect(sha(a)).toBe(sha(b));
    expect(sha(c)).not.toBe(sha(a));
  });

  it('leaves nothing when it is called off, and says so', async () => {
    const abort = new AbortController();
    const path = join(folder, 'stopped.gguf');
    const big = { ...tinyShape, layers: 8, embeddingLength: 2048, feedForward: 8192, heads: 32, kvHeads: 8 };
    await expect(writeSyntheticModel(path, big, { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false]);
  });

  it('names the file when the folder cannot be written', async () => {
    await expect(writeSyntheticModel(join(folder, 'missing', 'x.gguf'), tinyShape)).rejects.toMatchObject({ problem: { code: 'file.not_writable' } });
  });
});

describe('blocks', () => {
  it('halves are what Node reads back', () => {
    for (const value of [1, -1, 0.1, 3e-5, 6.1e-5, 65504, 2 ** -24, 0]) {
      const bits = halfBits(value), sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
      const read = sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
      expect(Math.abs(read - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) / 1000, 2 ** -24));
    }
  });

  it('Q4_0 weights have the wished spread, no mean and nothing infinite', () => {
    const type = ggmlTypeByName('Q4_0');
    if (type === null) throw new Error('Q4_0');
    const blocks = makeBlocks(type, 2000, 0.02, createRandom(3));
    let sum = 0, squares = 0, count = 0;
    for (let at = 0; at < blocks.length; at += type.bytes) {
      const bits = blocks.readUInt16LE(at), d = (bits & 0x8000 ? -1 : 1) * (((bits >> 10) & 31) === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (((bits >> 10) & 31) - 15));
      for (let i = 2; i < 18; i++) for (const q of [(blocks[at + i] ?? 0) & 15, (blocks[at + i] ?? 0) >> 4]) { sum += (q - 8) * d; squares += ((q - 8) * d) ** 2; count++; }
    }
    expect(Math.sqrt(squares / count)).toBeGreaterThan(0.018);
    expect(Math.sqrt(squares / count)).toBeLessThan(0.022);
    expect(Math.abs(sum / count)).toBeLessThan(0.0005);
  });

  it('every type has a scale that lies in its block', () => {
    for (const type of ggmlTypes) for (const scale of type.scales) expect(scale.at + 2, type.name).toBeLessThanOrEqual(type.bytes);
  });
});

describe('a copy of a real header', () => {
  it('has the real file’s tensors and length, and is marked', async () => {
    const real = smolLm2();
    const plan = await readHeaderPlan(real);
    if (plan === null) throw new Error('no plan');
    const path = join(folder, 'copy.gguf');
    await writeSyntheticFromHeader(path, plan);
    expect(plan.tensors).toHaveLength(272);
    // Our own entry more; the tensors are as long.
    expect(Math.abs(statSync(path).size - statSync(real).size)).toBeLessThan(128);
    expect(readFileSync(path).subarray(0, 100).includes('warpdeck.synthetic')).toBe(true);
    // A copy of the copy is the copy: its own mark is not doubled.
    const again = await readHeaderPlan(path);
    expect(again?.bytes).toBe(plan.bytes);
  });

  it('refuses what is cut, foreign or not believable', () => {
    const good = planSyntheticModel(tinyShape).header;
    expect(planFromHeader(good)).not.toBeNull();
    for (const length of [0, 3, 4, 10, 24, 100, good.length - 1]) expect(planFromHeader(good.subarray(0, length)), String(length)).toBeNull();
    const changed = (at: number, value: bigint): Buffer => { const b = Buffer.from(good); b.writeBigUInt64LE(value, at); return b; };
    for (const [at, value] of [[8, 2n ** 63n], [8, 2n ** 40n], [16, 2n ** 50n], [24, 2n ** 62n]] as const) expect(planFromHeader(changed(at, value))).toBeNull();
    expect(planFromHeader(Buffer.from('<!doctype html><html></html>'))).toBeNull();
  });

  it('reads a file that holds only the beginning', async () => {
    const path = join(folder, 'beginning.gguf');
    writeFileSync(path, readFileSync(smolLm2()).subarray(0, 4 << 20));
    expect((await readHeaderPlan(path))?.tensors).toHaveLength(272);
  });
});

describe('a shape out of facts', () => {
  const facts: GgufFacts = {
    version: 3, architecture: 'llama', name: 'Seven', sizeLabel: '7B', quantisation: 'Q4_K_M', types: [{ type: 'Q4_K', bytes: 3e9 }, { type: 'Q6_K', bytes: 9e8 }, { type: 'F32', bytes: 1e6 }],
    parameters: 6_738_415_616, activeParameters: 6_738_415_616, layers: 32, contextTrained: 4096, embeddingLength: 4096,
    kvElementsPerToken: { k: Array<number>(32).fill(4096), v: Array<number>(32).fill(4096) }, slidingWindow: null, windowedLayers: [], recurrentBytes: 0, vocabulary: 32_000, experts: null, expertsUsed: null, tokenizer: 'llama', template: null, licence: null,
    tensors: 291, bytes: { total: 4_080_263_168, inputEmbedding: 73_728_000, output: 107_520_000, layers: Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 113_836_032 : 130_121_728)), experts: 0, rest: 16_384 }, split: null, endsAtByte: 4_081_004_224, embeddingOnly: false,
  };
  it('finds the feed-forward width of Llama 2 7B and its mixture of types', () => {
    const shape = shapeOf(facts);
    expect(shape).toMatchObject({ architecture: 'llama', feedForward: 11_008, heads: 32, kvHeads: 32, headLength: 128, vocabulary: 32_000, types: { inputEmbedding: 'Q4_K', output: 'Q6_K' } });
    expect(shape?.types.layers.slice(0, 2)).toEqual([{ most: 'Q4_K', fine: 'Q4_K' }, { most: 'Q4_K', fine: 'Q6_K' }]);
    const bytes = shape === null ? 0 : tensorsOf(shape).reduce((sum, t) => sum + tensorBytesOf(t.type, t.dims), 0);
    expect(Math.abs(bytes / facts.bytes.total - 1)).toBeLessThan(0.01);
  });
  it('answers null where the facts do not suffice or lie', () => {
    for (const lie of [{ embeddingLength: null }, { vocabulary: null }, { embeddingLength: 4097 }, { layers: 0 }, { parameters: 5 }, { parameters: 1e30 }, { types: [] }]) expect(shapeOf({ ...facts, ...lie })).toBeNull();
  });
});
