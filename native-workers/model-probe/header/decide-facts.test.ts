import { describe, expect, it } from 'vitest';
import type { GgufFacts } from '../../../contract/models.ts';
import { llamaTensors, llamaValues, makeGguf, type TestGguf, type TestTensor, type TestValue } from '../fixtures/make-gguf.ts';
import { decideFacts } from './decide-facts.ts';
import { parseGguf } from './parse-gguf.ts';

const factsOf = (file: TestGguf): GgufFacts => decideFacts(parseGguf(makeGguf(file), 'test.gguf'), []);
/** Of an architecture with six layers, 16 heads of 32, and what is laid over it. */
const shaped = (architecture: string, more: Readonly<Record<string, TestValue | null>>, tensors: readonly TestTensor[] = llamaTensors): GgufFacts => factsOf({
  values: llamaValues({
    [`${architecture}.block_count`]: { u32: 6 }, [`${architecture}.embedding_length`]: { u32: 512 },
    [`${architecture}.attention.head_count`]: { u32: 16 }, [`${architecture}.attention.head_count_kv`]: { u32: 4 },
    ...Object.fromEntries(Object.entries(more).map(([key, value]) => [key.replace(/^\./, `${architecture}.`), value])),
  }, architecture),
  tensors,
});
const six = (value: number): number[] => Array.from({ length: 6 }, () => value);

describe('what a token adds to the cache', () => {
  it('heads that share keys: KV heads times their length', () => {
    expect(shaped('llama', {}).kvElementsPerToken).toEqual({ k: six(128), v: six(128) });
    expect(shaped('llama', { '.attention.head_count_kv': null }).kvElementsPerToken.k).toEqual(six(512));
    expect(shaped('qwen3', { '.attention.key_length': { u32: 128 }, '.attention.value_length': { u32: 64 } }).kvElementsPerToken).toEqual({ k: six(512), v: six(256) });
  });

  it('heads by layer, with layers that keep nothing', () => {
    expect(shaped('deci', { '.attention.head_count_kv': { u32s: [4, 0, 2, 4, 0, 1] } }).kvElementsPerToken.k).toEqual([128, 0, 64, 128, 0, 32]);
  });

  it('latent attention: keys alone', () => {
    const facts = shaped('deepseek2', { '.attention.head_count_kv': { u32: 1 }, '.attention.key_length': { u32: 576 }, '.attention.value_length': { u32: 512 }, '.attention.key_length_mla': { u32: 192 }, '.attention.value_length_mla': { u32: 128 } });
    expect(facts.kvElementsPerToken).toEqual({ k: six(576), v: six(0) });
  });

  it.each<[string, Readonly<Record<string, TestValue>>, number | null, boolean[]]>([
    ['gemma3', { '.attention.sliding_window': { u32: 512 } }, 512, [true, true, true, true, true, false]],
    ['gemma2', {}, 4096, [true, false, true, false, true, false]],
    ['gpt-oss', { '.attention.sliding_window': { u32: 128 } }, 128, [true, false, true, false, true, false]],
    ['llama4', {}, 8192, [true, true, true, false, true, true]],
    ['llama4', { '.attention.sliding_window': { u32: 0 } }, null, []],
    ['smallthinker', { '.attention.sliding_window': { u32: 4096 } }, 4096, [false, true, true, true, false, true]],
    ['gemma4', { '.attention.sliding_window': { u32: 1024 }, '.attention.sliding_window_pattern': { bools: [true, true, false, true, true, false] } }, 1024, [true, true, false, true, true, false]],
    ['phi3', { '.attention.sliding_window': { u32: 2047 } }, null, []],
    ['llama', { '.attention.sliding_window': { u32: 4096 } }, null, []],
    ['cohere2', { '.attention.sliding_window': { u32: 4096 }, '.attention.sliding_window_pattern': { u32: 2 } }, 4096, [true, false, true, false, true, false]],
  ])('%s %j: windows as llama.cpp has them', (architecture, more, window, windowed) => {
    expect(shaped(architecture, more)).toMatchObject({ slidingWindow: window, windowedLayers: windowed });
  });

  it('windowed layers with heads of their own length, and layers that share the cache of others', () => {
    const facts = shaped('gemma4', { '.attention.sliding_window': { u32: 1024 }, '.attention.sliding_window_pattern': { bools: [true, true, false, true, true, false] }, '.attention.key_length': { u32: 512 }, '.attention.value_length': { u32: 512 }, '.attention.key_length_swa': { u32: 256 }, '.attention.value_length_swa': { u32: 256 }, '.attention.shared_kv_layers': { u32: 2 } });
    expect(facts.kvElementsPerToken.k).toEqual([1024, 1024, 2048, 1024, 0, 0]);
  });

  it('recurrent layers keep a state instead, in 32-bit numbers', () => {
    const ssm = { '.ssm.conv_kernel': { u32: 4 }, '.ssm.inner_size': { u32: 1024 }, '.ssm.state_size': { u32: 16 } };
    const state = (3 * 1024 + 16 * 1024) * 4;
    expect(shaped('mamba', ssm)).toMatchObject({ recurrentBytes: 6 * state, kvElementsPerToken: { k: six(0), v: six(0) } });
    expect(shaped('jamba', { ...ssm, '.attention.head_count_kv': { u32s: [0, 0, 4, 0, 0, 4] } })).toMatchObject({ recurrentBytes: 4 * state, kvElementsPerToken: { k: [0, 0, 128, 0, 0, 128] } });
    expect(shaped('qwen3next', { ...ssm, '.full_attention_interval': { u32: 3 } })).toMatchObject({ recurrentBytes: 4 * state, kvElementsPerToken: { k: [0, 0, 128, 0, 0, 128] } });
    expect(shaped('falcon-h1', ssm)).toMatchObject({ recurrentBytes: 6 * state, kvElementsPerToken: { k: six(128) } });
    expect(shaped('lfm2', { '.shortconv.l_cache': { u32: 3 }, '.attention.head_count_kv': { u32s: [0, 0, 4, 0, 0, 4] } })).toMatchObject({ recurrentBytes: 4 * 512 * 2 * 4 });
    expect(shaped('rwkv7', { '.wkv.head_size': { u32: 64 }, '.token_shift_count': { u32: 2 } })).toMatchObject({ recurrentBytes: 6 * (2 * 512 + 512 * 64) * 4 });
    // Attention without a state in a family that has one elsewhere.
    expect(shaped('llama', {}).recurrentBytes).toBe(0);
  });
});

describe('bytes and parameters', () => {
  const experts: readonly TestTensor[] = [
    { name: 'token_embd.weight', dimensions: [64, 4] }, { name: 'output.weight', dimensions: [64, 4] }, { name: 'output_norm.weight', dimensions: [64] },
    { name: 'blk.0.ffn_up_exps.weight', dimensions: [64, 32, 8] }, { name: 'blk.0.ffn_up_shexp.weight', dimensions: [64, 32] }, { name: 'blk.1.attn_q.weight', dimensions: [64, 64] },
  ];
  it('of experts: those at work count', () => {
    const facts = factsOf({ values: llamaValues({ 'qwen3moe.block_count': { u32: 2 }, 'qwen3moe.expert_count': { u32: 8 }, 'qwen3moe.expert_used_count': { u32: 2 }, 'qwen3moe.expert_feed_forward_length': { u32: 32 } }, 'qwen3moe'), tensors: experts });
    const all = 64 * 4 + 64 * 4 + 64 + 64 * 32 * 8 + 64 * 32 + 64 * 64;
    expect(facts).toMatchObject({ experts: 8, expertsUsed: 2, parameters: all, activeParameters: all - 64 * 32 * 6, feedForward: 64, attentionHeads: 8 });
    expect(facts.bytes).toEqual({ total: all * 4, inputEmbedding: 1024, output: 1024, rest: 256, experts: 64 * 32 * 8 * 4, layers: [(64 * 32 * 8 + 64 * 32) * 4, 64 * 64 * 4] });
  });

  it('layers that only guess ahead are no layers', () => {
    const facts = shaped('glm4moe', { '.block_count': { u32: 4 }, '.nextn_predict_layers': { u32: 1 } });
    expect(facts.layers).toBe(3);
    expect(facts.bytes.rest).toBe(64 * 4 + 64 * 64 * 4);
  });

  it.each<[number | null, string, string]>([[15, 'F32', 'Q4_K_M'], [0, 'F32', 'F32'], [null, 'F32', 'F32'], [9999, 'F32', 'F32']])('file type %d is %s', (type, _most, name) => {
    expect(shaped('llama', { 'general.file_type': type === null ? null : { u32: type } }).quantisation).toBe(name);
  });
});

it('what cannot chat is said: embeddings only', () => {
  expect(shaped('bert', {}).embeddingOnly).toBe(true);
  expect(shaped('qwen3', { '.pooling_type': { u32: 3 } }).embeddingOnly).toBe(true);
  expect(shaped('qwen3', { '.pooling_type': { u32: 3 }, 'tokenizer.chat_template': { text: '{{ messages }}' } }).embeddingOnly).toBe(false);
  expect(shaped('llama', { '.attention.causal': { bool: false } }).embeddingOnly).toBe(true);
  expect(shaped('llama', {}).embeddingOnly).toBe(false);
});
