import type { ChosenToggle } from '../../contract/optimize.ts';
import type { EngineClient } from '../engine/connect.ts';
import { findNearMatch } from './near-match.ts';
import { usageError } from './parse-command-line.ts';

/** `tf32` or `sdpa=flash`; without a value the switch's first one. @throws ProblemError `usage.unknown` */
export async function parseChosen(client: EngineClient, words: readonly string[]): Promise<ChosenToggle[]> {
  const toggles = await client.optimize.toggles({});
  return words.map((word) => {
    const [id = '', value = null] = word.split('=', 2);
    const found = toggles.find((one) => one.id === id);
    if (found === undefined) {
      const near = findNearMatch(id, toggles.map((one) => one.id));
      throw usageError(`There is no switch "${id}".${near === null ? ' "optimize ls" lists them.' : ` Did you mean "${near}"?`}`);
    }
    const wanted = value ?? found.values[0]?.id ?? '';
    if (!found.values.some((one) => one.id === wanted)) throw usageError(`${id} takes ${found.values.map((one) => one.id).join(', ')}, not "${wanted}".`);
    return { toggleId: id, value: wanted };
  });
}
