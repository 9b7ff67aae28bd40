import type { RunnableCase } from '../catalogue/benchmark-recipe.ts';

/** With which OpenMP, MKL, OpenBLAS and Accelerate, and through them PyTorch and NumPy, take so many threads. */
const NAMES = ['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'VECLIB_MAXIMUM_THREADS'] as const;

/** `otherwise`: threads of a case that names none; null: the library's own choice. Pure. */
export function threadVariables(wanted: RunnableCase['threads'], all: number, otherwise: number | null = null): Record<string, string> {
  const count = wanted === null ? otherwise : wanted === 'one' ? 1 : wanted === 'half' ? Math.max(1, Math.floor(all / 2)) : all;
  return count === null ? {} : Object.fromEntries(NAMES.map((name) => [name, String(count)]));
}
