import type { TorchTarget } from '../../../contract/upgrades.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { decideBuilds, decideNearest, indexTarget, packageIndexTarget } from './decide-targets.ts';
import { explainNoBuild, explainWish, matchesWish, parseWish, type WishInput } from './explain-wish.ts';
import { listBuilds, type Build } from './list-builds.ts';

/**
 * The target that was named: a version with label, a version, a release line, a label, `nearest`, `newest` or `pypi`.
 * @throws ProblemError `upgrade.no_wheel` (there is no such build, or none for this Python), `upgrade.kills_gpu` (it
 * serves some of the GPUs but not all), `upgrade.no_route` (it serves none, or the driver does not start it).
 */
export function decideWishedTarget(text: string, input: WishInput): TorchTarget {
  const good = decideBuilds(input);
  const give = (build: Build, packageIndex: boolean): TorchTarget => {
    const plain = packageIndexTarget(build, input);
    return packageIndex && plain !== null ? plain : indexTarget(build, input);
  };
  const plainOnly = input.indexReachable === false;
  const had = plainOnly ? good.filter((b) => b.indexDefault) : good;
  const word = text.trim().toLowerCase();
  if (word === 'newest' || word === 'nearest') {
    const build = word === 'newest' ? had[0] : decideNearest(had, input.present);
    if (build === undefined || build === null) throw explainNoBuild(input);
    return give(build, plainOnly);
  }
  const wish = parseWish(text);
  if (wish === null) throw problemError('upgrade.no_wheel', { detail: `${JSON.stringify(text.slice(0, 80))} names no build. A target is written as 2.14.1+cu130, 2.14, cu130, nearest, newest or pypi.` });
  const packageIndex = wish.packageIndex || plainOnly;
  const named = listBuilds(input.platform, input.tables).filter((b) => matchesWish(b, wish) && (!packageIndex || b.indexDefault));
  // Wheels that their makers call experimental for this Python are not advised, but may be asked for by version.
  const asked = wish.version === null ? good : decideBuilds({ ...input, experimentalPython: true });
  const found = asked.find((b) => named.some((n) => n.version === b.version && n.label === b.label));
  if (found !== undefined) return give(found, packageIndex);
  throw explainWish(text, wish, named, packageIndex, good, input);
}
