import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { folderNames, type SearchContext } from '../search-context.ts';
import { isElsewhere, walkFolders, type WalkLimits } from '../walk-folders.ts';

/** A home of a busy developer has some 10,000 folders down to here once caches and packages are left out. */
const HOME: WalkLimits = { depth: 6, folders: 20_000, timeMs: 6000 };
/** Where workstations, servers and rented machines keep work. */
const DISKS: WalkLimits = { depth: 4, folders: 8000, timeMs: 3000 };
const PLACES = ['/workspace', '/workspaces', '/data', '/srv', '/opt', '/app', '/projects', '/scratch', '/mnt', '/media', '/home', '/notebooks', '/content'];

export interface ProjectLocator extends Locator {
  /** Folders of Python projects that the walk came by. Complete when `find` has settled. */
  readonly projects: readonly string[];
}

/** Walks where projects usually are; environments of all kinds that lie in or beside them. */
export function createProjectLocator(): ProjectLocator {
  const projects: string[] = [];
  return {
    name: 'project folders',
    projects,
    async find(context) {
      const { places } = context;
      const found: Candidate[] = [];
      const roots: (readonly [string, WalkLimits])[] = [[places.home, HOME], ...(places.platform === 'win32' ? [] : PLACES.map((path) => [places.at(path), DISKS] as const))];
      for (const [root, limits] of roots) {
        const real = await context.realpath(root);
        if (real === null || (root !== places.home && isElsewhere(context, real, 'this machine'))) continue;
        const walk = await walkFolders(context, root, limits);
        projects.push(...walk.projects);
        found.push(...walk.environments.map((prefix) => ({ prefix, foundBy: 'project folders' })));
      }
      found.push(...(await insideProjects(context, projects)));
      return found;
    },
  };
}

/** Environments of tox, nox and hatch that lie in a project's hidden folders. */
async function insideProjects(context: SearchContext, projects: readonly string[]): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const project of projects.slice(0, 500)) {
    for (const folder of ['.tox', '.nox', '.hatch']) {
      const inside = join(project, folder);
      for (const name of folderNames(await context.list(inside))) found.push({ prefix: join(inside, name), foundBy: 'project folders', projectFolder: project, ...(folder === '.hatch' ? { kind: 'hatch' as const } : {}) });
    }
  }
  return found;
}
