import { join } from 'node:path';
import type { ModelHome } from '../../../contract/models.ts';

export interface ModelFolder {
  readonly path: string;
  readonly home: ModelHome;
}

export interface FolderQuestion {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** Warpdeck's data folder; null: nothing is kept. */
  readonly dataFolder: string | null;
  readonly settings: { readonly modelFolders: readonly string[]; readonly downloadFolder: string | null };
  /** What LM Studio's own file says where it keeps its things; null: no such file. */
  readonly lmStudioHome: string | null;
}

/** Where downloads go: WARPDECK_MODELS_DIR, else the setting, else `models` in the data folder. null: nowhere. Pure. */
export function decideOwnFolder({ env, dataFolder, settings }: Pick<FolderQuestion, 'env' | 'dataFolder' | 'settings'>): string | null {
  return env['WARPDECK_MODELS_DIR'] || settings.downloadFolder || (dataFolder === null ? null : join(dataFolder, 'models'));
}

/** Folders that are searched, ours first, each once. Those of other programs need not exist. Pure. */
export function decideFolders(question: FolderQuestion): ModelFolder[] {
  const { env, home, platform, dataFolder, settings, lmStudioHome } = question;
  const own = [decideOwnFolder(question), dataFolder === null ? null : join(dataFolder, 'models')];
  const lmStudio = [join(lmStudioHome ?? join(home, '.lmstudio'), 'models'), join(home, '.lmstudio', 'models'), join(home, '.cache', 'lm-studio', 'models')];
  const ollama = [env['OLLAMA_MODELS'], join(home, '.ollama', 'models'), ...(platform === 'linux' ? ['/usr/share/ollama/.ollama/models', '/var/lib/ollama/models'] : [])];
  const cache = env['XDG_CACHE_HOME'] || join(home, '.cache');
  const huggingFace = [env['HF_HUB_CACHE'], env['HUGGINGFACE_HUB_CACHE'], env['HF_HOME'] ? join(env['HF_HOME'], 'hub') : undefined, join(cache, 'huggingface', 'hub')];
  const all: ModelFolder[] = [
    ...named(own, 'warpdeck'), ...named(settings.modelFolders, 'folder'), ...named(lmStudio, 'lm_studio'), ...named(ollama, 'ollama'), ...named(huggingFace, 'hugging_face'),
  ];
  return all.filter((folder, index) => all.findIndex((other) => other.path === folder.path) === index);
}

function named(paths: readonly (string | null | undefined)[], home: ModelHome): ModelFolder[] {
  return paths.flatMap((path) => (path === null || path === undefined || path === '' ? [] : [{ path, home }]));
}
