import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { walkFolder, type FoundFile, type WalkLimits } from './walk-folder.ts';

export interface OllamaModel {
  readonly file: FoundFile;
  readonly label: string;
  readonly name: string;
  readonly problems: readonly Problem[];
}

const MAX_MANIFEST = 1_048_576;
const digest = /^sha256:[0-9a-f]{64}$/;
const manifest = z.object({ layers: z.array(z.object({ mediaType: z.string(), digest: z.string(), size: z.number() })).max(256) });

/**
 * What `ollama list` would list: manifests name blobs by digest. Only a digest becomes a path, nothing else of a manifest
 * (a manifest with `../` in it once gave Ollama's own server away).
 */
export async function findOllamaModels(root: string, limits: WalkLimits, onStep: () => void): Promise<{ models: OllamaModel[]; trouble: string | null }> {
  const manifests = join(root, 'manifests');
  const walk = await walkFolder(manifests, () => true, { ...limits, depth: 6 }, onStep);
  const models: OllamaModel[] = [];
  for (const found of walk.files) {
    onStep();
    const label = labelOf(relative(manifests, found.path));
    if (label === null || found.bytes > MAX_MANIFEST) continue;
    const layer = await readModelLayer(found.path);
    if (layer === null) continue;
    const path = join(root, 'blobs', layer.digest.replace(':', '-'));
    const about = await stat(path).catch(() => null);
    const problems: Problem[] = [];
    if (about?.isFile() !== true) problems.push(makeProblem('model.parts_missing', { path: found.path, missing: 1, of: 1, example: path }));
    else if (about.size < layer.size) problems.push(makeProblem('model.incomplete', { path, have: about.size, need: layer.size }));
    const file: FoundFile = { path, folder: join(root, 'blobs'), name: layer.digest, bytes: about?.size ?? 0, changedAtMs: about?.mtimeMs ?? 0, identity: about === null ? path : `${about.dev}:${about.ino}` };
    models.push({ file, label, name: label.replace(/^.*\//, '').replace(/:latest$/, ''), problems });
  }
  return { models, trouble: walk.trouble };
}

/** `registry.ollama.ai/library/qwen3/8b` → `qwen3:8b`; null when it is no manifest's place. */
function labelOf(path: string): string | null {
  const parts = path.split(sep);
  const tag = parts.pop();
  const model = parts.pop();
  if (tag === undefined || model === undefined || parts.length === 0) return null;
  const [host, ...owner] = parts;
  const shown = host === 'registry.ollama.ai' ? owner.filter((part) => part !== 'library') : parts;
  return `${[...shown, model].join('/')}:${tag}`;
}

async function readModelLayer(path: string): Promise<{ digest: string; size: number } | null> {
  try {
    const parsed = manifest.safeParse(JSON.parse(await readFile(path, 'utf8')));
    const layer = parsed.success ? parsed.data.layers.find((one) => one.mediaType === 'application/vnd.ollama.image.model') : undefined;
    return layer !== undefined && digest.test(layer.digest) ? layer : null;
  } catch {
    return null;
  }
}
