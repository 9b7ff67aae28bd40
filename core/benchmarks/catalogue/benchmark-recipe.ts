import type { BenchmarkInfo } from '../../../contract/benchmarks.ts';
import type { CaseRecipe } from '../parts.ts';

/** A case with where it can be run, and with what. */
export interface RunnableCase extends CaseRecipe {
  readonly engine: 'torch' | 'llama';
  readonly onGpu: boolean;
  /** On a processor NumPy can stand in where there is no PyTorch. */
  readonly numpy: boolean;
  /** Threads of the process on a processor; null: its own choice. */
  readonly threads: 'one' | 'half' | 'all' | null;
}

export interface BenchmarkRecipe extends Omit<BenchmarkInfo, 'cases'> {
  readonly cases: readonly RunnableCase[];
  /** So many GPUs take part; left out: one. */
  readonly gpus?: number;
}

type CaseParts = Pick<RunnableCase, 'id' | 'title' | 'unit' | 'workUnit' | 'workPerRepetition' | 'workload'> & Partial<RunnableCase>;

/** A case of torch on a GPU, higher is better, without a peak, unless it says otherwise. */
export function makeCase(parts: CaseParts): RunnableCase {
  return { engine: 'torch', higherIsBetter: true, peak: null, intensity: null, onGpu: true, onCpu: false, numpy: false, threads: null, ...parts };
}
