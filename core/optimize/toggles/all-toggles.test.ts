import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toggle as toggleSchema } from '../../../contract/optimize.ts';
import { problemOf } from '../../../contract/problem.ts';
import { someEngineSettings } from '../../../contract/inference.ts';
import { findWorkload } from '../effects/workloads.ts';
import { allToggles, findToggle, nameToggle, requireToggle } from './all-toggles.ts';
import { isAtLeast } from './availability.ts';
import { refusals } from './refusals.ts';
import type { ToggleFacts } from './toggle-definition.ts';

/** What the original notes ask for, by note, with the toggle or the refusal that answers it. */
const asked: readonly [string, string][] = [
  ['A: fp16', 'autocast'], ['A: model.half() after loading in float16', 'half_twice'], ['A: flash attention', 'sdpa'], ['A: use_flash_attention_2', 'flash_attention_2'],
  ['A: device map and memory cap', 'device_map'], ['A: TF32', 'tf32'], ['A: memory fraction', 'memory_fraction'], ['A: cuDNN benchmark', 'cudnn_benchmark'],
  ['A: single beam', 'beams'], ['A: early stopping', 'early_stopping'], ['A: KV cache', 'kv_cache'], ['A: CPU threads', 'cpu_threads'], ['A: interop threads', 'interop_threads'], ['A: oneDNN', 'onednn'],
  ['A: nightly cu121', 'nightly_cu121'], ['A: conda pytorch-cuda=12.1', 'conda_cuda_121'],
  ['B: TF32 for matmul', 'tf32'], ['B: TF32 of cuDNN', 'cudnn_tf32'], ['B: recompile limit', 'recompile_limit'], ['B: expandable segments', 'expandable_segments'], ['B: MIG', 'mig'], ['B: confidential computing', 'confidential'],
  ['B: profile voice_processing', 'voice_processing'], ['B: profile llm_inference', 'llm_inference'], ['B: profile training', 'training'],
  ['D: FP8', 'fp8'], ['D: FP8 with gradient accumulation', 'fp8'], ['D: torch.compile with FP8', 'compile'], ['D: MXFP8', 'mxfp8'], ['D: QK-normalisation', 'qk_norm'], ['D: MHA/MQA/GQA', 'attention_heads'], ['D: RoPE, SwiGLU, RMSNorm', 'rope_swiglu'], ['D: sliding window', 'sliding_window'],
  ['D: fused QKV and MLP', 'fused_layers'], ['D: vocabulary of a power of two', 'vocabulary'], ['D: SDPA', 'sdpa'], ['D: torch.compile', 'compile'], ['D: fused optimiser', 'fused_optimizer'], ['D: CUDA graphs', 'cuda_graphs'],
  ['D: multi-token prediction, flash attention 3, MoE, ring attention', 'future'], ['D: speculative decoding', 'speculative_decoding'],
  ['E: n_ctx', 'llama_context'], ['E: n_batch', 'llama_batch'], ['E: threads', 'llama_threads'], ['E: flash attention', 'llama_flash_attention'], ['E: KV offload', 'llama_kv_offload'], ['E: KV type', 'llama_kv_type'],
  ['E: mul_mat_q', 'mul_mat_q'], ['E: low_vram', 'low_vram'], ['E: continuous batching', 'continuous_batching'], ['E: top_k, top_p, mirostat, typical', 'llama_sampling'], ['E: TFS', 'tfs'], ['E: n_gpu_layers', 'gpu_layers'],
  ['device: persistence', 'persistence_mode'], ['device: power limit', 'power_limit'], ['device: clocks', 'sm_clock_lock'],
  ['switches: channels last', 'channels_last'], ['switches: module loading', 'module_loading'], ['switches: NVIDIA_TF32_OVERRIDE', 'tf32_override'], ['switches: TORCH_ALLOW_TF32_CUBLAS_OVERRIDE', 'cublas_override'], ['switches: caches of torch.compile', 'compile_cache'], ['switches: CUDA_LAUNCH_BLOCKING', 'launch_blocking'], ['switches: PYTORCH_NO_CUDA_MEMORY_CACHING', 'no_memory_caching'], ['switches: CUDA_DEVICE_MAX_CONNECTIONS', 'max_connections'], ['switches: NVFP4', 'nvfp4'],
];
const profileIds = ['voice_processing', 'llm_inference', 'training'];

it.each(asked)('%s is a switch or is refused with the reason: %s', (_, id) => {
  const refusal = refusals.find((one) => one.id === id);
  if (refusal !== undefined) expect(refusal.reason.length).toBeGreaterThan(15);
  else if (!profileIds.includes(id)) expect(findToggle(id)).not.toBeNull();
});

/** Of the text of docs/advice.md; `WARPDECK_UPDATE_GOLDEN=1` writes it anew. */
function makeAdvicePage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = allToggles.map(({ toggle: { title, claim, notOffered } }) => `| ${[title, claim?.said ?? '–', claim?.truth ?? '–', notOffered === null ? 'a switch' : `no switch: ${notOffered}`].map(cell).join(' | ')} |`);
  const refused = refusals.map(({ asked: advice, reason, instead }) => `| ${[advice, reason, instead ?? '–'].map(cell).join(' | ')} |`);
  return `# Advice, and what is true of it

Made from \`core/optimize/toggles\`; a test holds it to that. Figures of other machines are here to be compared with: the
effect on yours is what a card of the page Optimise says.

| switch | people say | true | in Warpdeck |
| --- | --- | --- | --- |
${rows.join('\n')}

## No switches

| advice | why it is none | instead |
| --- | --- | --- |
${refused.join('\n')}
`;
}
it('docs/advice.md says the same as the switches', () => {
  const page = new URL('../../../docs/advice.md', import.meta.url);
  if (process.env['WARPDECK_UPDATE_GOLDEN'] === '1') writeFileSync(page, makeAdvicePage());
  expect(readFileSync(page, 'utf8')).toBe(makeAdvicePage());
});

const h200: ToggleFacts = { torch: '2.11.0+cu130', place: 'GPU-1', computeCapability: '9.0', platform: 'linux', wsl: false, llama: 'b9000', triton: true, cores: 8 };
const cpu: ToggleFacts = { ...h200, place: 'cpu', computeCapability: null };

describe.each(allToggles.map((one) => [one.toggle.id, one] as const))('%s', (id, definition) => {
  const { toggle } = definition;
  it('is whole', () => {
    expect(() => toggleSchema.parse(toggle)).not.toThrow();
    expect(allToggles.filter((one) => one.toggle.id === id)).toHaveLength(1);
    for (const name of toggle.workloads) expect(findWorkload(name), name).not.toBeNull();
    for (const text of [toggle.what, toggle.applied, toggle.undone, toggle.claim?.truth ?? '.', toggle.notOffered ?? '.']) expect(text).toMatch(/\.$/);
    if (toggle.workloads.length === 0) expect(toggle.notOffered !== null || toggle.means === 'device').toBe(true);
  });
  it.each(toggle.values.map((one) => one.id))('%s is switched by what it says', (value) => {
    expect(definition.snippet(value).length).toBeGreaterThan(5);
    const code = definition.code(value);
    const variables = definition.variables(value, h200);
    const settings = definition.settings(value, h200);
    expect(() => someEngineSettings.parse(settings)).not.toThrow();
    if (toggle.workloads.length === 0) return;
    expect(code !== null).toBe(toggle.means === 'code');
    expect(Object.keys(variables).length > 0).toBe(toggle.means === 'variable');
    expect(Object.keys(settings).length > 0).toBe(toggle.means === 'engine');
    // Both sides of a measurement must differ.
    expect({ ...definition.baseSettings(value), ...settings }).not.toEqual(toggle.means === 'engine' ? definition.baseSettings(value) : null);
  });
  it('is somewhere available', () => {
    expect([h200, cpu].some((facts) => definition.decideAvailable(facts) === null)).toBe(true);
  });
});

it('what is a line of code is known to resources/python', () => {
  const table = /^TOGGLES = \{([\s\S]*?)^\}/m.exec(readFileSync(new URL('../../../resources/python/_workload_toggles.py', import.meta.url), 'utf8'))?.[1] ?? '';
  const known = [...table.matchAll(/"(\w+)": \(\w+,/g)].map((one) => one[1]);
  expect(known.length).toBeGreaterThan(10);
  for (const { toggle, code } of allToggles) for (const { id } of toggle.values) if (code(id) !== null) expect(known).toContain(code(id)?.toggleId);
});

describe('availability', () => {
  const missing = (id: string, facts: Partial<ToggleFacts>, value?: string): string | null => findToggle(id)?.decideAvailable({ ...h200, ...facts }, value) ?? null;
  it.each<[string, Partial<ToggleFacts>, string | undefined, RegExp | null]>([
    ['tf32', { computeCapability: '7.5' }, 'high', /needs compute capability 8.0; this GPU has 7.5/],
    ['tf32', { computeCapability: '12.0' }, 'high', null],
    ['tf32', { computeCapability: null }, 'high', null],
    ['tf32', { place: 'cpu' }, 'high', /on a GPU only/],
    ['tf32', { torch: null }, 'high', /no PyTorch/],
    ['fp8', { computeCapability: '8.6' }, 'on', /8\.9/],
    ['fp8', { computeCapability: '12.0' }, 'on', null],
    ['sdpa', { torch: '2.4.1' }, 'cudnn', /came with PyTorch 2.5/],
    ['sdpa', { torch: '2.4.1' }, 'flash', null],
    ['compile', { triton: false }, 'default', /Triton/],
    ['compile', { triton: null }, 'default', null],
    ['expandable_segments', { platform: 'win32' }, 'on', /Windows/],
    ['expandable_segments', { wsl: true }, 'on', /WSL2/],
    ['cpu_threads', {}, '1', /processor only/],
    ['llama_flash_attention', { llama: null }, 'on', /llama.cpp/],
    ['power_limit', { place: 'cpu' }, undefined, /GPU/],
    ['persistence_mode', { platform: 'win32' }, undefined, /Linux/],
  ])('%s with %o, %s', (id, facts, value, expected) => {
    if (expected === null) expect(missing(id, facts, value)).toBeNull();
    else expect(missing(id, facts, value)).toMatch(expected);
  });
  it.each([['2.10.0', '2.9', true], ['2.9.1+cu128', '2.10', false], ['2.0', '2.0', true], ['nightly', '2.0', true], ['3.0', '2.11', true]] as const)('%s is at least %s: %s', (have, need, expected) => {
    expect(isAtLeast(have, need)).toBe(expected);
  });
});

it('the allocator variable has the name that this PyTorch reads', () => {
  const names = (torch: string | null): string[] => Object.keys(findToggle('expandable_segments')?.variables('on', { torch, cores: 4 }) ?? {});
  expect(names('2.9.1')).toEqual(['PYTORCH_CUDA_ALLOC_CONF']);
  expect(names('2.11.0')).toEqual(['PYTORCH_ALLOC_CONF']);
  expect(names(null)).toEqual(['PYTORCH_CUDA_ALLOC_CONF']);
});

it('names, and refuses what it does not know', () => {
  expect(nameToggle({ toggleId: 'fused_optimizer', value: 'on' })).toBe('Fused optimiser');
  expect(nameToggle({ toggleId: 'sdpa', value: 'flash' })).toBe('Attention kernel of SDPA: Flash');
  for (const chosen of [{ toggleId: 'warp_drive', value: 'on' }, { toggleId: 'sdpa', value: 'warp' }]) {
    try {
      requireToggle(chosen);
      expect.unreachable();
    } catch (error) {
      expect(problemOf(error)?.code).toBe('toggle.unknown');
    }
  }
});
