import type { BenchmarkOutlook } from '../../../contract/benchmarks.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { BenchmarkRecipe } from '../catalogue/benchmark-recipe.ts';
import { chooseCases } from '../catalogue/catalogue.ts';
import type { Machine } from './benchmark-parts.ts';
import { choosePlace } from './choose-place.ts';

/** Whether a benchmark runs here when it is asked for without further words, and with what. Starts nothing. */
export async function readOutlook(recipe: BenchmarkRecipe, machine: Machine): Promise<BenchmarkOutlook> {
  let place: BenchmarkOutlook['place'] = null;
  try {
    const { key, name } = choosePlace(recipe, null, machine.places());
    place = { key, name };
    const cases = chooseCases(recipe, null, place);
    const by: string[] = [];
    if (cases.some((one) => one.engine === 'torch')) {
      try {
        const { told } = await machine.torch(null, key);
        by.push(`${told.name}, torch ${told.torch ?? 'of unknown version'}`);
      } catch (error) {
        if (problemOf(error)?.code !== 'bench.no_torch' || key !== 'cpu' || !cases.every((one) => one.engine === 'torch' && one.numpy)) throw error;
        const found = await machine.numpy.look();
        if (found.with === null) return { name: recipe.name, place, with: null, why: found.why };
        by.push(found.with);
      }
    }
    if (cases.some((one) => one.engine === 'llama')) {
      const { told } = await machine.model(null, key);
      by.push(`${told.name}, llama.cpp`);
    }
    return { name: recipe.name, place, with: by.join('; '), why: null };
  } catch (error) {
    const problem = problemOf(error);
    if (problem?.code === 'bench.no_torch') return { name: recipe.name, place, with: null, why: `${problem.cause} Install PyTorch into one (pytorch.org/get-started says how).` };
    return { name: recipe.name, place, with: null, why: problem?.cause ?? (error instanceof Error ? error.message : String(error)) };
  }
}
