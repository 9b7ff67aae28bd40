import { normalize } from 'node:path';
import type { Candidate } from './candidate.ts';
import { inParallel } from './in-parallel.ts';
import type { SearchContext } from './search-context.ts';

export interface MergedCandidate {
  readonly candidate: Candidate;
  readonly foundBy: readonly string[];
}

/**
 * One entry for each folder, whatever paths lead to it and however often it was found. Its prefix is its real path
 * where a locator found it so, else the first of the paths in the order of the alphabet: the id must not depend on
 * which locator was faster.
 */
export async function mergeCandidates(context: SearchContext, candidates: readonly Candidate[]): Promise<readonly MergedCandidate[]> {
  const cache = new Map<string, Promise<string | null>>();
  const realOf = (path: string): Promise<string | null> => {
    const known = cache.get(path);
    if (known !== undefined) return known;
    const asked = context.realpath(path);
    cache.set(path, asked);
    return asked;
  };
  const reals = await inParallel(candidates, 16, async (candidate) => (await realOf(candidate.prefix)) ?? (candidate.kind === 'store' ? candidate.prefix : null));
  const groups = new Map<string, { readonly real: string; readonly members: Candidate[] }>();
  for (const [i, candidate] of candidates.entries()) {
    const real = reals[i] ?? null;
    // Lists such as conda's keep the lines of what was deleted.
    if (real === null) continue;
    const key = `${real}\0${candidate.variant ?? ''}`;
    const group = groups.get(key) ?? { real, members: [] };
    group.members.push({ ...candidate, prefix: withoutSlash(normalize(candidate.prefix)) });
    groups.set(key, group);
  }
  return [...groups.values()].map(({ real, members }) => mergeGroup(real, members));
}

function mergeGroup(real: string, members: readonly Candidate[]): MergedCandidate {
  const paths = members.map((member) => member.prefix).sort();
  const prefix = paths.includes(real) ? real : (paths[0] ?? real);
  const first = (key: keyof Candidate): Partial<Candidate> => {
    const value = members.find((member) => member[key] !== undefined)?.[key];
    return value === undefined ? {} : { [key]: value };
  };
  const foundBy = [...new Set(members.map((member) => member.foundBy))].filter((words) => words !== '');
  return {
    candidate: { prefix, foundBy: foundBy[0] ?? '', ...first('kind'), ...first('variant'), ...first('interpreter'), ...first('projectFolder'), ...first('place'), ...first('name'), ...first('packageFolders') },
    foundBy,
  };
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/[/\\]$/, '') : path;
}
