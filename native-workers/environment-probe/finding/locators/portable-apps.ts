import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { walkFolders } from '../walk-folders.ts';
import { eachIn } from './virtual-env-folders.ts';

interface App {
  readonly name: string;
  /** Below home, data home or local application data. */
  readonly folders: readonly string[];
  /** Levels below the folder at which its environments lie. */
  readonly depth: number;
}

/** Programs that bring a Python of their own, and where they put it. From their documentation; not seen on Windows. */
const APPS: readonly App[] = [
  { name: 'Stability Matrix', folders: ['StabilityMatrix', 'Stability Matrix', 'StabilityMatrix/Data'], depth: 4 },
  { name: 'Pinokio', folders: ['pinokio', 'Pinokio'], depth: 5 },
  { name: 'ComfyUI', folders: ['ComfyUI', 'comfyui', 'Documents/ComfyUI', 'ComfyUI_windows_portable', 'Programs/@comfyorgcomfyui-electron/resources'], depth: 3 },
  { name: 'Automatic1111', folders: ['stable-diffusion-webui', 'stable-diffusion-webui-forge', 'sd.webui'], depth: 2 },
  { name: 'LM Studio', folders: ['.lmstudio/extensions/backends/vendor', '.cache/lm-studio/extensions/backends/vendor'], depth: 3 },
  { name: 'Krita', folders: ['krita/ai_diffusion', '.local/share/krita/ai_diffusion', 'AppData/Roaming/krita/ai_diffusion'], depth: 4 },
  { name: 'InvokeAI', folders: ['invokeai', 'InvokeAI'], depth: 2 },
  { name: 'text-generation-webui', folders: ['text-generation-webui/installer_files'], depth: 2 },
];

/** Environments that applications bring with them. */
export const portableApps: Locator = {
  name: 'applications',
  async find(context) {
    const { places } = context;
    const found: Candidate[] = [];
    for (const app of APPS) {
      const roots = new Set(app.folders.flatMap((folder) => [places.home, places.dataHome, places.localAppData, places.appData].map((base) => join(base, folder))));
      for (const root of roots) {
        // Of its own, because the walk of the home folder does not look into hidden ones.
        const { environments } = await walkFolders(context, root, { depth: app.depth, folders: 4000, timeMs: 3000 }, new Set());
        for (const prefix of environments) found.push({ prefix, foundBy: app.name });
      }
    }
    return found;
  },
};

/** The Python install manager of python.org, and the classic installer's places. Windows only. */
export const installManager: Locator = {
  name: 'Python install manager',
  async find(context) {
    const { places } = context;
    if (places.platform !== 'win32') return [];
    return [
      ...(await eachIn(context, join(places.localAppData, 'Python'), 'Python install manager', { kind: 'system' })),
      ...(await eachIn(context, join(places.localAppData, 'Programs', 'Python'), 'Python installer', { kind: 'system' })),
    ];
  },
};
