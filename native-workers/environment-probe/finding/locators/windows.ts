import { join, win32 } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { parseRegistryPythons } from '../parse-registry.ts';
import { decideStorePythons } from '../decide-store-pythons.ts';
import { decodeWslList } from '../decode-wsl-list.ts';
import { eachIn } from './virtual-env-folders.ts';
import { walkFolders } from '../walk-folders.ts';

/** Pythons of the registry (PEP 514), from what reg.exe printed. */
export function registryLocator(registryText: string | null): Locator {
  return {
    name: 'Windows registry',
    async find() {
      return parseRegistryPythons(registryText ?? '').map(({ company, tag, prefix }) => ({
        prefix, foundBy: `Windows registry (${company} ${tag})`, ...(company === 'PythonCore' ? { kind: 'system' as const } : company === 'ContinuumAnalytics' ? { kind: 'conda' as const } : {}),
      }));
    },
  };
}

/** Pythons of the Windows Store. Their packages are in the user's own folder. */
export const storeLocator: Locator = {
  name: 'Windows Store',
  async find(context) {
    const { places } = context;
    if (places.platform !== 'win32') return [];
    const apps = join(places.localAppData, 'Microsoft', 'WindowsApps');
    const names = ((await context.list(apps))?.entries ?? []).map((entry) => entry.name);
    return decideStorePythons(names, apps, places.localAppData);
  },
};

/** Linux distributions that run under Windows: their homes, over \\wsl.localhost. A sleeping one is not woken. */
export function wslLocator(wslText: string | null): Locator {
  return {
    name: 'WSL',
    async find(context) {
      if (context.places.platform !== 'win32' || wslText === null) return [];
      const found: Candidate[] = [];
      for (const name of decodeWslList(wslText)) {
        const root = `\\\\wsl.localhost\\${name}`;
        for (const home of [{ prefix: win32.join(root, 'root') }, ...(await eachIn(context, win32.join(root, 'home'), ''))]) {
          const { environments } = await walkFolders(context, home.prefix, { depth: 4, folders: 3000, timeMs: 5000 }, new Set());
          found.push(...environments.map((prefix) => ({ prefix, foundBy: `WSL ${name}`, place: `WSL: ${name}` })));
        }
      }
      return found;
    },
  };
}
