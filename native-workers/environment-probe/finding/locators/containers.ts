import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { walkFolders } from '../walk-folders.ts';
import { folderNames } from '../search-context.ts';

/** Volumes of Docker and Podman, where this user may read them: environments that are kept outside the image. */
export const containerVolumes: Locator = {
  name: 'container volumes',
  async find(context) {
    const { places } = context;
    const found: Candidate[] = [];
    for (const root of [places.at('/var/lib/docker/volumes'), places.at('/var/lib/containers/storage/volumes'), join(places.home, '.local', 'share', 'containers', 'storage', 'volumes')]) {
      // Unreadable for whoever is not root, which is usual and no finding.
      if ((await context.stat(root)) === null) continue;
      for (const name of folderNames(await context.list(root)).slice(0, 100)) {
        const { environments } = await walkFolders(context, join(root, name, '_data'), { depth: 2, folders: 300, timeMs: 1000 });
        found.push(...environments.map((prefix) => ({ prefix, foundBy: 'container volumes', place: `container volume ${name}` })));
      }
    }
    return found;
  },
};
