import type { Problem } from '../../../contract/problem.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { FoundFile } from './walk-folder.ts';

export interface FoundModel {
  readonly files: readonly FoundFile[];
  readonly problems: readonly Problem[];
}

/** llama.cpp's names for the parts of a split model. */
export const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const MAX_PARTS = 1000;

/** Puts the parts of split models together, and says which are missing. Pure. */
export function groupParts(files: readonly FoundFile[]): FoundModel[] {
  const single: FoundModel[] = [];
  const split = new Map<string, { readonly of: number; readonly parts: Map<number, FoundFile> }>();
  for (const file of files) {
    const match = PART.exec(file.name);
    const part = Number(match?.[2]);
    const of = Number(match?.[3]);
    if (match === null || of < 2 || of > MAX_PARTS || part < 1 || part > of) {
      single.push({ files: [file], problems: [] });
      continue;
    }
    const key = `${file.folder}\0${match[1]}\0${of}`;
    const group = split.get(key) ?? { of, parts: new Map<number, FoundFile>() };
    group.parts.set(part, file);
    split.set(key, group);
  }
  const grouped = [...split.values()].map(({ of, parts }): FoundModel => {
    const present = [...parts].sort(([a], [b]) => a - b).map(([, file]) => file);
    const missing = Array.from({ length: of }, (_, i) => i + 1).filter((part) => !parts.has(part));
    const first = present[0];
    if (missing.length === 0 || first === undefined) return { files: present, problems: [] };
    const example = first.name.replace(/-\d{5}-of-/i, `-${String(missing[0]).padStart(5, '0')}-of-`);
    return { files: present, problems: [makeProblem('model.parts_missing', { path: first.path, missing: missing.length, of, example })] };
  });
  return [...single, ...grouped];
}
