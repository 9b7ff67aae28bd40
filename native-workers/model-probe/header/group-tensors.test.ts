import { expect, it } from 'vitest';
import type { TensorGroup } from '../../../contract/models.ts';
import { groupTensors } from './group-tensors.ts';
import type { HeaderTensor } from './parse-gguf.ts';

let offset = 0;
const tensor = (name: string, dimensions: readonly number[] = [256, 64], type = 'Q4_0'): HeaderTensor => {
  const elements = dimensions.reduce((a, b) => a * b, 1);
  const made = { name, type: { name: type, elements: 32, bytes: 18 }, dimensions, elements, bytes: (elements / 32) * 18, offset };
  offset += made.bytes;
  return made;
};
const useOf = (name: string, dimensions?: readonly number[], architecture = 'llama'): string | undefined => groupTensors([[tensor(name, dimensions), tensor('output.weight', [256, 4])]], architecture, 30)?.[0]?.use;

it.each<[string, readonly number[] | undefined, TensorGroup['use']]>([
  ['token_embd.weight', undefined, 'lookup'], ['per_layer_token_embd.weight', undefined, 'lookup'], ['position_embd.weight', undefined, 'lookup'], ['dec.blk.0.attn_rel_b.weight', undefined, 'lookup'],
  ['blk.0.attn_q.weight', undefined, 'product'], ['blk.29.ffn_down.weight', undefined, 'product'], ['output.weight', undefined, 'product'], ['per_layer_model_proj.weight', undefined, 'product'],
  ['blk.3.ssm_in.weight', undefined, 'product'], ['blk.3.shortconv.in_proj.weight', undefined, 'product'], ['blk.3.time_mix_w1.weight', undefined, 'product'], ['blk.0.ffn_gate_inp.weight', undefined, 'product'],
  ['enc.blk.0.attn_q.weight', undefined, 'product'], ['blk.0.ffn_up_shexp.weight', undefined, 'product'], ['blk.0.attn_q.weight', [256, 64, 1, 1], 'product'],
  ['blk.0.ffn_gate_exps.weight', [256, 64, 8], 'experts'], ['blk.0.ffn_up_chexps.weight', [256, 64, 8], 'experts'], ['blk.0.ffn_gate_exps.weight', [256, 64], 'other'],
  ['blk.0.attn_norm.weight', [256], 'other'], ['blk.0.attn_q_norm.weight', [64, 32], 'other'], ['blk.0.attn_q.bias', [256], 'other'], ['blk.0.ssm_conv1d.weight', [4, 256], 'other'], ['blk.0.shortconv.conv.weight', [3, 256], 'other'],
  ['blk.0.attn_k_b.weight', [128, 64, 16], 'other'], ['blk.30.ffn_up.weight', undefined, 'other'], ['blk.0.time_mix_first.weight', undefined, 'other'], ['rope_freqs.weight', [32], 'other'],
])('%s %j: %s', (name, dimensions, use) => {
  expect(useOf(name, dimensions)).toBe(use);
});

it('an embedding without an output beside it is the output too, except where there is none', () => {
  const use = (architecture: string, files: readonly (readonly HeaderTensor[])[]): string | undefined => groupTensors(files, architecture, 30)?.[0]?.use;
  const embedding = [tensor('token_embd.weight')];
  expect([use('llama', [embedding]), use('nomic-bert', [embedding]), use('t5encoder', [embedding]), use('llama', [embedding, [tensor('output.weight')]])]).toEqual(['both', 'lookup', 'lookup', 'lookup']);
});

it('the same type, use and step of rows go together, file by file, with the place they take', () => {
  offset = 0;
  const first = [tensor('output.weight', [256, 64]), tensor('blk.0.attn_q.weight', [256, 96]), tensor('blk.0.attn_norm.weight', [256], 'F32'), tensor('blk.0.attn_k.weight', [256, 32]), tensor('blk.0.attn_v.weight', [256, 12]), tensor('blk.0.odd.weight', [200, 32])];
  offset = 0;
  const second = [tensor('blk.1.attn_q.weight', [256, 32])];
  const row = (256 / 32) * 18;
  expect(groupTensors([first, second], 'llama', 30)).toEqual([
    { file: 0, type: 'Q4_0', use: 'product', rowsMultipleOf: 32, bytes: (64 + 96 + 32) * row, firstByte: 0, endByte: (64 + 96 + 1 + 32) * row },
    { file: 0, type: 'F32', use: 'other', rowsMultipleOf: 1, bytes: row, firstByte: 160 * row, endByte: 161 * row },
    { file: 0, type: 'Q4_0', use: 'product', rowsMultipleOf: 4, bytes: 12 * row, firstByte: 193 * row, endByte: 205 * row },
    { file: 0, type: 'Q4_0', use: 'product', rowsMultipleOf: 1, bytes: 200 * 18, firstByte: 205 * row, endByte: 205 * row + 200 * 18 },
    { file: 1, type: 'Q4_0', use: 'product', rowsMultipleOf: 32, bytes: 32 * row, firstByte: 0, endByte: 32 * row },
  ]);
});

it('more groups than can be told are not', () => {
  expect(groupTensors(Array.from({ length: 5000 }, () => [tensor('blk.0.attn_q.weight')]), 'llama', 30)).toBeNull();
});
