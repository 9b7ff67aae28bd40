import { makeCase, type BenchmarkRecipe, type RunnableCase } from './benchmark-recipe.ts';

/** Tokens of a batch stay the same, so that a longer text does not need a larger memory. */
const TOKENS = 16_384;
const HEADS = 32;
const DIM = 128;
const backends = [
  { id: 'auto', title: 'as torch chooses' },
  { id: 'flash', title: 'flash' },
  { id: 'efficient', title: 'memory-efficient' },
  { id: 'cudnn', title: 'cuDNN' },
  { id: 'math', title: 'plain' },
] as const;

/** Forward pass with a causal mask: 4·B·H·T²·D operations, halved because half of the products are left out. */
export function attentionCase(backend: (typeof backends)[number], length: number): RunnableCase {
  const batch = TOKENS / length;
  return makeCase({
    id: `${backend.id}-${length}`, title: `${length} tokens, ${backend.title}`, unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * batch * HEADS * length ** 2 * DIM,
    peak: 'bf16', intensity: length / 4, workload: `attention:backend=${backend.id},dtype=bf16,batch=${batch},heads=${HEADS},length=${length},dim=${DIM},causal=1`,
  });
}

/** On a processor: one short text in FP32. */
export const cpuAttention = (length: number): RunnableCase => makeCase({
  id: `cpu-${length}`, title: `${length} tokens, FP32`, unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * 8 * length ** 2 * 64, onGpu: false, onCpu: true,
  workload: `cpu_attention:dtype=fp32,batch=1,heads=8,length=${length},dim=64,causal=1`,
});

export const automaticAttention = (length: number): RunnableCase => attentionCase(backends[0], length);

export const attention: BenchmarkRecipe = {
  name: 'attention',
  title: 'Attention',
  what: 'Scaled dot-product attention, forward, causal, BF16, 32 heads of 128, 16,384 tokens a batch; operations of the half that is computed over the time.',
  engine: 'torch',
  aboutSeconds: 190,
  cases: [...backends.flatMap((backend) => [512, 2048, 4096, 8192].map((length) => attentionCase(backend, length))), cpuAttention(512), cpuAttention(2048)],
};
