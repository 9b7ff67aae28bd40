import type { BenchmarkInfo } from '../../../contract/benchmarks.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { attention } from './attention.ts';
import { bandwidth } from './bandwidth.ts';
import type { BenchmarkRecipe, RunnableCase } from './benchmark-recipe.ts';
import { cpu } from './cpu.ts';
import { link } from './link.ts';
import { llm } from './llm.ts';
import { matmul } from './matmul.ts';
import { peer } from './peer.ts';
import { convolution, trainingStep } from './training.ts';

/** Every benchmark, in the order in which they are shown. */
export const catalogue: readonly BenchmarkRecipe[] = [matmul, bandwidth, link, peer, attention, convolution, trainingStep, llm, cpu];

/** @throws ProblemError `bench.unknown` */
export function findBenchmark(name: string): BenchmarkRecipe {
  const found = catalogue.find((one) => one.name === name);
  if (found === undefined) throw problemError('bench.unknown', { what: name });
  return found;
}

/**
 * The cases that are wanted and fit the place, in the catalogue's order.
 * @throws ProblemError `bench.unknown` for a case that the benchmark does not have, `bench.no_place` when none fits
 */
export function chooseCases(recipe: BenchmarkRecipe, wanted: readonly string[] | null, place: { readonly key: string; readonly name: string }): RunnableCase[] {
  const strange = wanted?.find((id) => !recipe.cases.some((one) => one.id === id));
  if (strange !== undefined) throw problemError('bench.unknown', { what: `${recipe.name}: ${strange}` });
  const fits = (one: RunnableCase): boolean => (place.key === 'cpu' ? one.onCpu : one.onGpu);
  const chosen = recipe.cases.filter((one) => fits(one) && (wanted === null || wanted.includes(one.id)));
  if (chosen.length > 0) return chosen;
  const other = recipe.cases.some(fits);
  const detail = other ? 'these cases need another place.' : place.key === 'cpu' ? 'it needs an NVIDIA GPU.' : 'it measures the processor; choose "cpu" as the place.';
  throw problemError('bench.no_place', { what: recipe.title, place: place.name, detail });
}

/** What the contract tells of a benchmark. */
export function describeBenchmark({ name, title, what, engine, aboutSeconds, cases }: BenchmarkRecipe): BenchmarkInfo {
  return {
    name, title, what, engine, aboutSeconds,
    cases: cases.map(({ id, title, unit, higherIsBetter, workUnit, workPerRepetition, peak, intensity, onCpu }) => ({ id, title, unit, higherIsBetter, workUnit, workPerRepetition, peak, intensity, onCpu })),
  };
}
