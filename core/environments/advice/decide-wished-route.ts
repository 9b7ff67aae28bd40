import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Route } from '../../../contract/upgrades.ts';
import { condaRoute, decideCondaBuild } from './conda-routes.ts';
import { decideWishedTarget } from './decide-wished-target.ts';
import { inPlaceRoute, toolForTorch, whyNotInPlace } from './in-place-routes.ts';
import { placeOf, wishInputOf, type AdviceInput } from './list-routes.ts';

/**
 * The route to a target that was named for an environment: `2.14.1+cu130`, `2.14`, `cu130`, `nearest`, `newest`, `pypi`.
 * By wheels where pip or uv brings torch; where conda does, `newest` and `nearest` alone mean something.
 * @throws ProblemError `upgrade.no_wheel`, `upgrade.kills_gpu`, `upgrade.no_route`
 */
export function decideWishedRoute(text: string, input: AdviceInput): Route {
  const { found, xray } = input;
  if (found === null) throw problemError('upgrade.no_route', { detail: 'No environment was named.', remedy: '"warpdeck envs" lists them.' });
  const not = whyNotInPlace(found);
  if (not !== null) throw problemError('upgrade.no_route', { detail: `Packages of ${found.prefix} are not changed in place: ${not}.`, remedy: 'Make a new environment beside it; the advice has the commands.' });
  const place = placeOf(input, found), tool = toolForTorch(found, xray);
  if (tool === 'conda' || tool === 'mamba' || tool === 'micromamba') {
    const build = decideCondaBuild(place);
    if (build === null || !/^\s*(newest|nearest)\s*$/i.test(text)) throw problemError('upgrade.no_route', { detail: build === null ? 'No conda-forge build serves all GPUs with this driver.' : `conda-forge builds are chosen by their CUDA version, not as ${JSON.stringify(text.slice(0, 80))}.`, remedy: build === null ? 'See the advice for this environment.' : 'Leave the target away, or ask for "newest".' });
    return condaRoute(found, tool, build, false, place);
  }
  const route = inPlaceRoute(decideWishedTarget(text, wishInputOf(input)), 'The build that was named.', place);
  if (route === null) throw problemError('upgrade.no_route', { detail: `${tool ?? 'Its tool'} takes no wheels.`, remedy: 'See the advice for this environment: it has the commands.' });
  return route;
}
