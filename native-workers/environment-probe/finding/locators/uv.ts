import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** Tools that uv installed, and the Pythons that it downloaded. Environments of its projects are found in the projects. */
export const uvLocator: Locator = {
  name: 'uv',
  async find(context) {
    const { places } = context;
    const data = join(places.platform === 'darwin' ? places.variableOr('XDG_DATA_HOME', join(places.home, '.local', 'share')) : places.dataHome, 'uv');
    // On Windows uv keeps its data one folder deeper.
    const roots = places.platform === 'win32' ? [data, join(data, 'data')] : [data];
    const found: Candidate[] = [];
    for (const folder of unique([...roots.map((root) => join(root, 'tools')), places.variable('UV_TOOL_DIR')])) {
      found.push(...(await eachIn(context, folder, 'uv tools', { kind: 'uv_tool' })));
    }
    for (const folder of unique([...roots.map((root) => join(root, 'python')), places.variable('UV_PYTHON_INSTALL_DIR')])) {
      const listing = await context.list(folder);
      // A link names the newest patch of a minor version: the same Python again.
      for (const entry of listing?.entries ?? []) {
        if (entry.isDirectory() && !entry.name.startsWith('.')) found.push({ prefix: join(folder, entry.name), foundBy: 'uv python list', kind: 'uv_python' });
      }
    }
    const project = places.variable('UV_PROJECT_ENVIRONMENT');
    if (project?.startsWith('/') === true) found.push({ prefix: project, foundBy: 'UV_PROJECT_ENVIRONMENT' });
    return found;
  },
};

function unique(paths: readonly (string | null)[]): readonly string[] {
  return [...new Set(paths.filter((path) => path !== null))];
}
