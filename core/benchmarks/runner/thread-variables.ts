import type { RunnableCase } from '../catalogue/benchmark-recipe.ts';

/** Variables with which OpenMP and MKL, and through them PyTorch, take so many threads. */
export function threadVariables(wanted: RunnableCase['threads'], all: number): Record<string, string> {
  if (wanted === null) return {};
  const count = String(wanted === 'one' ? 1 : wanted === 'half' ? Math.max(1, Math.floor(all / 2)) : all);
  return { OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
}
