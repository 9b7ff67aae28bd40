import { join } from 'node:path';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { decideFolder, MAX_CHILDREN } from './decide-folder.ts';
import { inParallel } from './in-parallel.ts';
import { isWindowsDrive } from './mounts.ts';
import { folderNames, type SearchContext } from './search-context.ts';

export interface WalkLimits {
  /** Levels below the start. */
  readonly depth: number;
  readonly folders: number;
  readonly timeMs: number;
}
export interface WalkFinding {
  readonly environments: readonly string[];
  /** Folders of Python projects. */
  readonly projects: readonly string[];
}

/** As many reads wait at once: twice the threads that serve them. */
const WIDTH = 16;

interface Step {
  readonly path: string;
  /** Without links; decides whether it was seen before. */
  readonly real: string;
  readonly link: boolean;
}

/**
 * Looks through a folder level by level, nearest first, so that a limit cuts what is deepest. Links are followed once:
 * a folder is known by its real path, which no loop can make new.
 */
export async function walkFolders(context: SearchContext, start: string, limits: WalkLimits, visited: Set<string> = context.visited): Promise<WalkFinding> {
  const environments: string[] = [];
  const projects: string[] = [];
  const endMs = performance.now() + limits.timeMs;
  let folders = 0;
  let stopped: string | null = null;
  const real = await context.realpath(start);

  const enter = async (step: Step, depth: number): Promise<readonly Step[]> => {
    if (stopped !== null) return [];
    const place = step.link ? await context.realpath(step.path) : step.real;
    if (place === null || visited.has(place)) return [];
    if (step.link && !((await context.isFolder(place)))) return [];
    if (place !== real && isElsewhere(context, place, start)) return [];
    visited.add(place);
    if (++folders > limits.folders) {
      stopped = `more than ${limits.folders} folders; what is deeper was not searched.`;
      return [];
    }
    if (performance.now() > endMs) {
      stopped = `the search took longer than ${Math.round(limits.timeMs / 1000)} s; what is deeper was not searched.`;
      return [];
    }
    const listing = await context.list(step.path);
    if (listing === null) return [];
    const facts = listing.entries.map((entry) => ({ name: entry.name, folder: entry.isDirectory(), link: entry.isSymbolicLink() }));
    if (listing.cut) facts.push(...(await usualNames(context, step.path, facts.map((f) => f.name))));
    const decision = decideFolder(facts, depth >= limits.depth);
    if (decision.environment !== null) environments.push(step.path);
    if (decision.project) projects.push(step.path);
    if (decision.pixi) {
      const inside = join(step.path, '.pixi', 'envs');
      environments.push(...folderNames(await context.list(inside)).map((name) => join(inside, name)));
    }
    if (listing.cut || decision.children.length === MAX_CHILDREN) {
      context.tell(makeProblem('env.unreadable', { path: step.path, detail: `it has more entries than are searched (${MAX_CHILDREN} folders, ${listing.entries.length} entries).` }));
    }
    const links = new Set(facts.filter((f) => f.link).map((f) => f.name));
    return decision.children.map((name) => ({ path: join(step.path, name), real: join(place, name), link: links.has(name) }));
  };

  /** Links wait until all folders were seen by their own paths: what both lead to is known by its real path. */
  const links: { readonly step: Step; readonly depth: number }[] = [];
  const descend = async (first: readonly Step[], from: number): Promise<void> => {
    let level = first;
    for (let depth = from; level.length > 0 && depth <= limits.depth + 1; depth += 1) {
      context.checkStopped();
      const next = (await inParallel(level, WIDTH, (step) => enter(step, depth))).flat();
      links.push(...next.filter((step) => step.link).map((step) => ({ step, depth: depth + 1 })));
      level = next.filter((step) => !step.link);
    }
  };
  if (real !== null) await descend([{ path: start, real, link: false }], 0);
  while (links.length > 0) {
    // In the order of the alphabet, not of the disk: of two links to one folder, always the same names it.
    for (const { step, depth } of links.splice(0).sort((a, b) => (a.step.path < b.step.path ? -1 : 1))) await descend([step], depth);
  }
  if (stopped !== null) context.tell(makeProblem('env.unreadable', { path: start, detail: stopped }));
  return { environments, projects };
}

/** In a folder too full to list: the names that would matter, asked one by one. */
async function usualNames(context: SearchContext, path: string, known: readonly string[]): Promise<{ name: string; folder: boolean; link: boolean }[]> {
  const found: { name: string; folder: boolean; link: boolean }[] = [];
  for (const name of ['.venv', 'venv', 'env', 'pyvenv.cfg', 'conda-meta', 'pyproject.toml', '.pixi']) {
    if (known.includes(name)) continue;
    const facts = await context.lstat(join(path, name));
    if (facts !== null) found.push({ name, folder: facts.isDirectory(), link: facts.isSymbolicLink() });
  }
  return found;
}

/** Another machine's disk, the kernel's trees, the drives of Windows: not gone into, and said where a user may miss it. */
export function isElsewhere(context: SearchContext, real: string, start: string): boolean {
  const mount = context.skippedMounts.get(real);
  if (mount === 'network') {
    context.tell(makeProblem('env.unreadable', { path: real, detail: `it is a network folder and was left out of the search of ${start}.` }));
  }
  return mount !== undefined || (context.places.insideWsl && isWindowsDrive(real));
}
