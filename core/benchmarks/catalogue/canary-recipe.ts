import { automaticAttention, cpuAttention } from './attention.ts';
import { bandwidth } from './bandwidth.ts';
import type { BenchmarkRecipe } from './benchmark-recipe.ts';
import { decodeCase } from './llm.ts';
import { bf16Matmul, fp32Matmul } from './matmul.ts';

const copies = bandwidth.cases.filter((one) => one.id === 'copy-1-gib' || one.id === 'copy-256-mib');

/** The minute with which a machine is compared with itself. Its cases never change: a history hangs on them. */
export const canaryRecipe: BenchmarkRecipe = {
  name: 'canary',
  title: 'Canary',
  what: 'A fixed minute: a matrix product, a copy, attention and, where a model is there, an answer of llama.cpp.',
  engine: 'torch',
  aboutSeconds: 60,
  cases: [bf16Matmul(4096), fp32Matmul(1024, { onGpu: false, onCpu: true }), ...copies, automaticAttention(4096), cpuAttention(512), decodeCase(0)],
};
