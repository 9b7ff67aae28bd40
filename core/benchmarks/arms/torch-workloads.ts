/**
 * The workloads that resources/python/measure_arm.py knows, with their parameters, as `name:key=value,key=value`. A
 * parameter that is left out has its default. What is not here, or is out of its bounds, is refused before a process is
 * started.
 */

/** Whole numbers from `min` to `max`, or one of some words. */
export type ParameterRule = { readonly min: number; readonly max: number; readonly default: number } | { readonly words: readonly string[]; readonly default: string };

export interface TorchWorkload {
  readonly parameters: Readonly<Record<string, ParameterRule>>;
  /** What `sample` answers unless `unit=` names another of them. */
  readonly units: readonly ('TFLOPS' | 'GB/s' | 'tok/s' | 'step/s' | 'image/s' | 'call/s' | 'us' | 'ms')[];
  /** Runs where: `any`, only on GPUs, or always on the processor whatever the place. */
  readonly runs: 'any' | 'gpu' | 'cpu';
}

const MIB = 1024 * 1024;
const from = (min: number, max: number, standard: number): ParameterRule => ({ min, max, default: standard });
const oneOf = (...words: readonly [string, ...string[]]): ParameterRule => ({ words, default: words[0] });
const attention = { batch: from(1, 256, 4), heads: from(1, 256, 16), length: from(16, 65_536, 2048), dim: from(8, 256, 64), causal: from(0, 1, 1) };
const model = { layers: from(1, 96, 12), width: from(64, 8192, 768), heads: from(1, 128, 12), vocabulary: from(256, 262_144, 32_768) };

export const torchWorkloads = {
  /** 2n³ FLOP. `tf32`: fp32 data with set_float32_matmul_precision("high"). */
  matmul: { parameters: { dtype: oneOf('fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'int8', 'fp64'), n: from(64, 16_384, 4096) }, units: ['TFLOPS', 'call/s', 'us', 'ms'], runs: 'any' },
  /** Device copy; bytes are those of the source, read and written are counted. */
  copy: { parameters: { bytes: from(4096, 17_179_869_184, 1024 * MIB) }, units: ['GB/s', 'us', 'ms'], runs: 'any' },
  /** a = b + s·c in fp32; bytes are those of one array, three are counted. */
  triad: { parameters: { bytes: from(4096, 17_179_869_184, 512 * MIB) }, units: ['GB/s', 'us', 'ms'], runs: 'any' },
  host_copy: { parameters: { direction: oneOf('h2d', 'd2h'), memory: oneOf('pinned', 'pageable'), bytes: from(4, 4_294_967_296, 256 * MIB) }, units: ['GB/s', 'us', 'ms'], runs: 'gpu' },
  /** From the place to `to`, the UUID of another GPU. */
  peer_copy: { parameters: { to: { words: [], default: '' }, bytes: from(4096, 4_294_967_296, 256 * MIB) }, units: ['GB/s', 'us', 'ms'], runs: 'gpu' },
  /** Forward: 4·B·H·T²·D FLOP, half of it when causal. */
  attention: { parameters: { ...attention, backend: oneOf('auto', 'flash', 'efficient', 'cudnn', 'math'), dtype: oneOf('fp16', 'bf16', 'fp32') }, units: ['TFLOPS', 'call/s', 'us', 'ms'], runs: 'any' },
  /** A ResNet block (two 3×3 convolutions with batch norm and a shortcut), forward and backward. */
  convolution: { parameters: { channels: from(8, 2048, 128), batch: from(1, 1024, 64), size: from(4, 512, 28), dtype: oneOf('fp32', 'fp16', 'bf16') }, units: ['image/s', 'step/s', 'ms'], runs: 'any' },
  /** GPT-2 class, eager, AdamW: one step of forward, backward and update. */
  training_step: { parameters: { ...model, batch: from(1, 512, 8), length: from(16, 16_384, 1024), dtype: oneOf('fp32', 'bf16') }, units: ['tok/s', 'step/s', 'ms'], runs: 'any' },
  /** Prompt, then `tokens` new ones for each of `batch` answers. `tok/s` counts the new ones over the whole time. */
  generate: { parameters: { ...model, batch: from(1, 256, 1), prompt: from(1, 16_384, 128), tokens: from(1, 2048, 32), cache: from(0, 1, 1), beams: from(1, 16, 1), dtype: oneOf('fp32', 'fp16', 'bf16') }, units: ['tok/s', 'ms'], runs: 'any' },
  cpu_matmul: { parameters: { dtype: oneOf('fp32', 'bf16', 'fp16'), n: from(64, 8192, 1024) }, units: ['TFLOPS', 'call/s', 'us', 'ms'], runs: 'cpu' },
  cpu_attention: { parameters: { ...attention, batch: from(1, 64, 1), heads: from(1, 128, 8), length: from(16, 16_384, 512), dtype: oneOf('fp32', 'bf16') }, units: ['TFLOPS', 'call/s', 'us', 'ms'], runs: 'cpu' },
} as const satisfies Readonly<Record<string, TorchWorkload>>;

/**
 * Switches inside the process, by the names that the script knows, with their values. `…` stands for a number. The
 * assembler maps toggles of the catalogue to them (`StartArmOptions.codeToggle`).
 */
export const codeToggles = {
  /** torch.set_float32_matmul_precision. */
  tf32: ['high', 'medium', 'highest'],
  cudnn_tf32: ['on', 'off'],
  cudnn_benchmark: ['on', 'off'],
  sdpa: ['auto', 'flash', 'efficient', 'cudnn', 'math'],
  autocast: ['bf16', 'fp16'],
  channels_last: ['on'],
  compile: ['default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs'],
  cuda_graphs: ['on'],
  fused_optimizer: ['on', 'foreach', 'loop'],
  /** Linear layers (and matmul) by torch._scaled_mm. */
  fp8: ['on'],
  /** 0.05 to 1. */
  memory_fraction: ['…'],
  kv_cache: ['on', 'off'],
  /** 1 to 16. */
  beams: ['…'],
  /** A number, `half` or `all` of the cores. */
  threads: ['…', 'half', 'all'],
  interop_threads: ['…', 'half', 'all'],
  onednn: ['on', 'off'],
} as const;
