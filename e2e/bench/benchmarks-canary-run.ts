import type { BenchmarkResult } from '../../contract/benchmarks.ts';
import { canaryRecipe } from '../../core/benchmarks/catalogue/canary-recipe.ts';
import { chooseCases } from '../../core/benchmarks/catalogue/catalogue.ts';
import type { RunnableCase } from '../../core/benchmarks/catalogue/benchmark-recipe.ts';
import type { Arm } from '../../core/benchmarks/parts.ts';
import { runCase } from '../../core/benchmarks/runner/run-case.ts';
import { threadVariables } from '../../core/benchmarks/runner/thread-variables.ts';
import { availableParallelism } from 'node:os';
import { wishOf, type BenchBase } from './benchmarks-place.ts';

/** The canary's cases at a place; those of llama.cpp need an engine around them and are left out. */
export const canaryCasesOf = (base: BenchBase): RunnableCase[] => chooseCases(canaryRecipe, null, base).filter((one) => one.engine === 'torch');

export interface CanaryRunOptions {
  readonly caseSeconds: number;
  readonly signal: AbortSignal;
  /** 1: as it is. 0.9: each process is given work for 1 ÷ 0.9 of the time, and its figure counts the work without it. */
  readonly factor: number;
  readonly variables?: Readonly<Record<string, string>>;
  /** Null: all of them. */
  readonly only?: readonly string[] | null;
  readonly onFacts?: (facts: Arm['facts']) => void;
}

/** As in core/benchmarks/runner/run-benchmark.ts. */
const WARM_UP_SECONDS = 3;

/** One canary by the product's own runner: each case in a process of its own. */
export async function runCanaryCases(base: BenchBase, options: CanaryRunOptions): Promise<BenchmarkResult[]> {
  const { caseSeconds, signal, factor } = options;
  const results: BenchmarkResult[] = [];
  for (const recipe of canaryCasesOf(base).filter((one) => options.only?.includes(one.id) ?? true)) {
    const workload = factor === 1 ? recipe.workload : scaleWork(recipe.workload, 1 / factor);
    const arm = await base.startArm(wishOf(base, workload, { ...threadVariables(recipe.threads, availableParallelism()), ...options.variables }), signal, () => undefined);
    try {
      options.onFacts?.(arm.facts);
      const done = Number(arm.facts['workPerRepetition']);
      const counted = factor === 1 ? arm : countedAs(arm, recipe.workPerRepetition / done);
      const { result } = await runCase(counted, base.readings, { recipe, place: base.key, budgetSeconds: caseSeconds, warmUpSeconds: Math.min(WARM_UP_SECONDS, caseSeconds), peak: null, signal, progress: () => undefined });
      results.push(result);
    } finally {
      await arm.end();
    }
  }
  return results;
}

/** The figure of an arm that does more work than is counted. */
export function countedAs(arm: Arm, share: number): Arm {
  return { ...arm, async sample() {
    const sample = await arm.sample();
    return { ...sample, value: sample.value * share };
  } };
}

/** The same workload with so many times the work, as near as its sizes allow. @throws for one without a size that it knows */
export function scaleWork(workload: string, times: number): string {
  // How the work grows with the size.
  const grows: readonly [RegExp, number, number][] = [[/\bbytes=(\d+)/, 1, 4], [/\bn=(\d+)/, 1 / 3, 4], [/\blength=(\d+)/, 1 / 2, 4]];
  for (const [size, power, step] of grows) {
    if (size.test(workload)) return workload.replace(size, (text, digits: string) => text.replace(digits, String(Math.round((Number(digits) * times ** power) / step) * step)));
  }
  throw new Error(`${workload} has no size.`);
}
