import { makeCase, type BenchmarkRecipe, type RunnableCase } from './benchmark-recipe.ts';

/** Bytes of two factors and the product, per element of a square matrix. fp8 and int8 give wider products. */
const dtypes = [
  { dtype: 'fp32', title: 'FP32', bytes: 12 },
  { dtype: 'fp64', title: 'FP64', bytes: 24 },
  { dtype: 'tf32', title: 'TF32', bytes: 12 },
  { dtype: 'bf16', title: 'BF16', bytes: 6 },
  { dtype: 'fp16', title: 'FP16', bytes: 6 },
  { dtype: 'fp8', title: 'FP8', bytes: 4 },
  { dtype: 'int8', title: 'INT8', bytes: 6 },
] as const;
const gpuSizes = [1024, 2048, 4096, 8192];
const cpuSizes = [512, 1024, 2048];

/** A matrix product of n³ multiplications and additions. */
export function makeMatmulCase({ dtype, title, bytes }: (typeof dtypes)[number], n: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): RunnableCase {
  return makeCase({
    id: `${dtype}-${n}`, title: `${title} ${n}³`, unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * n ** 3,
    // Of FP64 the table of hardware has no column.
    peak: dtype === 'fp64' ? null : dtype, numpy: where.onCpu, intensity: (2 * n) / bytes, workload: `matmul:dtype=${dtype},n=${n}`, ...where,
  });
}

export const matmul: BenchmarkRecipe = {
  name: 'matmul',
  title: 'Matrix multiplication',
  what: 'Square matrices of random normal numbers are multiplied; 2n³ operations over the time of groups of repetitions, data in the cache or not as they fall. On a processor FP32 and FP64, by NumPy where there is no PyTorch.',
  engine: 'torch',
  aboutSeconds: 200,
  cases: dtypes.flatMap((one) => {
    const byProcessor = one.dtype === 'fp32' || one.dtype === 'fp64' ? cpuSizes : [];
    const byGpu = one.dtype === 'fp64' ? [] : gpuSizes;
    return [...new Set([...byProcessor, ...byGpu])].sort((a, b) => a - b).map((n) => makeMatmulCase(one, n, { onGpu: byGpu.includes(n), onCpu: byProcessor.includes(n) }));
  }),
};

export const bf16Matmul = (n: number): RunnableCase => makeMatmulCase({ dtype: 'bf16', title: 'BF16', bytes: 6 }, n, { onGpu: true, onCpu: false });
export const fp32Matmul = (n: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): RunnableCase => makeMatmulCase({ dtype: 'fp32', title: 'FP32', bytes: 12 }, n, where);
