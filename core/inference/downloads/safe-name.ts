import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, relative, isAbsolute } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { parseSplit } from '../hub/group-files.ts';

/** Names that Windows keeps for devices, with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\.|$)/i;
const MAX_STEM = 120;

/**
 * A name of ours made of a name of theirs: letters, digits, dot, dash and underscore, never a path, never a device,
 * never hidden, bounded. What had to be changed is told apart by a few digits of its hash. Pure.
 */
export function safeName(theirs: string): string {
  const last = theirs.normalize('NFKC').split(/[/\\\u2044\u2215\u29f5\u29f8\ufe68\uff0f\uff3c]/u).at(-1) ?? '';
  const plain = last.replaceAll(/[^A-Za-z0-9._-]/g, '_').replaceAll(/\.{2,}/g, '_').replace(/^[._-]+/, '').replace(/[._ -]+$/, '');
  const cut = plain.slice(0, MAX_STEM).replace(/[._-]+$/, '');
  const named = DEVICE.test(cut) ? `_${cut}` : cut;
  const mark = createHash('sha256').update(theirs).digest('hex').slice(0, 8);
  if (named === '' || named === '_') return `model-${mark}`;
  return named === theirs.split(/[/\\]/).at(-1) ? named : `${named}-${mark}`;
}

/** A file name of ours for a model: keeps the form of a part of a split model, which llama.cpp reads. Pure. */
export function safeModelName(theirs: string): string {
  const split = parseSplit(theirs);
  const part = (n: number): string => String(n).padStart(5, '0');
  if (split !== null) return `${safeName(split.stem)}-${part(split.part)}-of-${part(split.of)}.gguf`;
  return `${safeName(theirs.replace(/\.gguf$/i, ''))}.gguf`;
}

/**
 * The one way to a path below the folder of models. `names` come from `safeName`; that the folder does not lead out
 * through a link is looked at on the disk. @throws ProblemError `file.not_writable`
 */
export async function containedJoin(root: string, ...names: readonly string[]): Promise<string> {
  for (const name of names) if (!/^[A-Za-z0-9_.][A-Za-z0-9._-]*$/.test(name) || name === '.' || name === '..') throw problemError('file.not_writable', { path: root, detail: 'A file of this name is not written.' });
  const path = join(root, ...names);
  const realRoot = await realpath(root);
  // The deepest part that is there already.
  for (let depth = names.length; depth > 0; depth -= 1) {
    const real = await realpath(join(root, ...names.slice(0, depth))).catch(() => null);
    if (real === null) continue;
    const inside = relative(realRoot, real);
    if (inside.startsWith('..') || isAbsolute(inside)) throw problemError('file.not_writable', { path, detail: 'It leads out of the folder for models.' });
    break;
  }
  return path;
}
