import { stat } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import type { z } from 'zod';
import type { modelSearchInput, ModelSearchResult } from '../../../contract/model-probe.ts';
import type { ModelHome } from '../../../contract/models.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { groupParts, PART } from './group-parts.ts';
import { findOllamaModels } from './ollama-models.ts';
import { foundFile, walkFolder, type FoundFile, type Walk, type WalkLimits } from './walk-folder.ts';

type Wish = z.infer<typeof modelSearchInput>;
type Folder = ModelSearchResult['folders'][number];
type Found = Folder['found'][number];

const DEPTH = 8;
const ENTRIES = 200_000;
const FILES = 2000;
/** For all folders together, ms: a dead network folder must not hold up the list for ever. */
const TIME_MS = 30_000;

/** Model files below these folders, each once. What could not be searched is in the answer. */
export async function searchModels(wish: Wish, onStep: () => void): Promise<ModelSearchResult> {
  const limits: WalkLimits = { depth: DEPTH, entries: ENTRIES, files: FILES, untilMs: performance.now() + TIME_MS };
  const seen = new Set<string>();
  const folders: Folder[] = [];
  for (const { path, home } of wish.folders) {
    const { found, trouble } = home === 'ollama' ? await searchOllama(path, limits, onStep) : await searchPlain(path, home, limits, onStep);
    const fresh = found.filter(({ identities }) => {
      const known = identities.some((identity) => seen.has(identity));
      for (const identity of identities) seen.add(identity);
      return !known;
    });
    folders.push({ path, home, problem: trouble === null ? null : makeProblem('model.folder_unreadable', { path, detail: trouble }), found: fresh.map(({ model }) => model) });
  }
  return { folders };
}

interface Identified {
  readonly model: Found;
  readonly identities: readonly string[];
}

async function searchPlain(root: string, home: ModelHome, limits: WalkLimits, onStep: () => void): Promise<{ found: Identified[]; trouble: string | null }> {
  const { files, trouble } = (await findAlone(root, limits, onStep)) ?? (await walkFolder(root, isModelName, limits, onStep));
  // Of a repository with several snapshots, the one that was taken last comes first and hides the others.
  const ordered = home === 'hugging_face' ? files.sort((a, b) => b.changedAtMs - a.changedAtMs || b.path.localeCompare(a.path)) : files.sort((a, b) => a.path.localeCompare(b.path));
  const found = groupParts(ordered).map(({ files: parts, problems }) => ({
    identities: parts.map((part) => part.identity),
    model: { files: parts.map(plain), label: labelOf(root, home, parts[0]), name: null, problems: [...problems] },
  }));
  return { found, trouble };
}

/** A file that was added by itself, with the other parts where it is one of several; null: it is no file. */
async function findAlone(path: string, limits: WalkLimits, onStep: () => void): Promise<Walk | null> {
  const about = await stat(path).catch(() => null);
  if (about?.isFile() !== true) return null;
  const name = basename(path);
  const part = PART.exec(name);
  if (part === null) return { files: isModelName(name) ? [foundFile(dirname(path), name, about)] : [], trouble: null };
  const isBrother = (other: string): boolean => { const match = PART.exec(other); return match?.[1] === part[1] && match?.[3] === part[3]; };
  return walkFolder(dirname(path), isBrother, { ...limits, depth: 0 }, onStep);
}

async function searchOllama(root: string, limits: WalkLimits, onStep: () => void): Promise<{ found: Identified[]; trouble: string | null }> {
  const { models, trouble } = await findOllamaModels(root, limits, onStep);
  return { trouble, found: models.map(({ file, label, name, problems }) => ({ identities: [file.identity], model: { files: [plain(file)], label, name, problems: [...problems] } })) };
}

/** `mmproj` files hold the eyes of another model; alone they cannot talk. */
const isModelName = (name: string): boolean => /\.gguf$/i.test(name) && !/mmproj/i.test(name);
const plain = ({ path, bytes, changedAtMs }: FoundFile): Found['files'][number] => ({ path, bytes, changedAtMs });

/** LM Studio keeps `publisher/repository/file`, the Hugging Face cache `models--owner--name/snapshots/revision/file`. */
function labelOf(root: string, home: ModelHome, file: FoundFile | undefined): string | null {
  if (file === undefined) return null;
  const parts = relative(root, file.path).split(sep);
  if (home === 'lm_studio') return parts.length >= 3 ? `${parts[0]}/${parts[1]}` : null;
  if (home !== 'hugging_face') return null;
  const repository = parts.find((part) => part.startsWith('models--'));
  return repository === undefined ? null : repository.slice('models--'.length).replaceAll('--', '/');
}
