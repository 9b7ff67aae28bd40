import { problemError } from '../../../contract/problem-catalogue.ts';
import type { BenchmarkRecipe } from '../catalogue/benchmark-recipe.ts';
import type { MeasuringPlace } from './benchmark-parts.ts';

/**
 * Where a benchmark is run: as asked, by UUID or by `cpu`; unasked the first place that any of its cases fits.
 * @throws ProblemError `bench.no_place`
 */
export function choosePlace(recipe: BenchmarkRecipe, wanted: string | null, places: readonly MeasuringPlace[]): MeasuringPlace {
  const gpus = places.filter((one) => one.key !== 'cpu').length;
  if (gpus > 0 && gpus < (recipe.gpus ?? 1)) throw problemError('bench.no_place', { what: recipe.title, place: wanted ?? 'this machine', detail: 'it needs a second GPU.' });
  const fits = ({ key }: MeasuringPlace): boolean => recipe.cases.some((one) => (key === 'cpu' ? one.onCpu : one.onGpu));
  const found = wanted === null ? places.find(fits) : places.find((one) => one.key === wanted);
  if (found !== undefined) return found;
  const detail = wanted === null ? 'it needs an NVIDIA GPU, and there is none.' : 'there is no such GPU in this machine.';
  throw problemError('bench.no_place', { what: recipe.title, place: wanted ?? 'this machine', detail });
}
