import { basename, dirname } from 'node:path';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Candidate, Locator } from '../candidate.ts';
import { candidateOfInterpreter, INTERPRETER_NAME } from '../interpreter-candidate.ts';
import { walkFolders } from '../walk-folders.ts';

/** Deeper and longer than elsewhere: somebody asked for it. */
const LIMITS = { depth: 8, folders: 40_000, timeMs: 15_000 };

/** Folders that the user named: an environment, its interpreter, or a place with environments somewhere below. */
export function givenFolders(folders: readonly string[]): Locator {
  return {
    name: 'folders added by hand',
    async find(context) {
      const found: Candidate[] = [];
      for (const folder of new Set(folders)) {
        const facts = await context.stat(folder);
        if (facts?.isDirectory() === true) {
          const { environments } = await walkFolders(context, folder, LIMITS, new Set());
          found.push({ prefix: folder, foundBy: 'folders added by hand' }, ...environments.map((prefix) => ({ prefix, foundBy: 'folders added by hand' })));
          continue;
        }
        const link = await context.lstat(folder);
        const candidate = link !== null && INTERPRETER_NAME.test(basename(folder)) ? await candidateOfInterpreter(context, folder, 'folders added by hand') : null;
        if (candidate !== null) found.push(candidate);
        // An interpreter whose link leads nowhere: what is above it may still be an environment.
        else if (link?.isSymbolicLink() === true && INTERPRETER_NAME.test(basename(folder))) found.push({ prefix: dirname(dirname(folder)), foundBy: 'folders added by hand' });
        else context.tell(makeProblem('env.unreadable', { path: folder, detail: link === null ? 'it is not there.' : link.isSymbolicLink() ? 'it is a link that leads nowhere.' : 'it is neither a folder nor a Python interpreter.' }));
      }
      return found;
    },
  };
}

/** Interpreters of running processes. One that has gone meanwhile is no finding. */
export function runningInterpreters(interpreters: readonly string[]): Locator {
  return {
    name: 'running processes',
    async find(context) {
      const found: Candidate[] = [];
      for (const path of new Set(interpreters)) {
        const candidate = await candidateOfInterpreter(context, path, 'running processes');
        if (candidate !== null) found.push(candidate);
      }
      return found;
    },
  };
}
