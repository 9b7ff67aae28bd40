import type { OfferedFile } from '../../../contract/models.ts';

/** A file of a repository. */
export interface HubFile {
  readonly file: string;
  readonly bytes: number | null;
  /** SHA-256, hexadecimal; null: not kept as a large file, or not said. */
  readonly sha256: string | null;
}

const SPLIT = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const QUANTISATION = /(?:^|[-._/])((?:UD[-_])?(?:I?Q\d(?:_(?:\d|K|S|M|L|XS|XL|XXS|NL|F16|\d_\d+))*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32))(?=[-._/]|$)/gi;

/** `Q4_K_M` from a file's name, as people write it; null when the name does not say. Pure. */
export function parseQuantisation(file: string): string | null {
  const found = [...file.replace(/\.gguf$/i, '').replace(/-\d{5}-of-\d{5}$/, '').matchAll(QUANTISATION)].at(-1)?.[1];
  return found === undefined ? null : found.toUpperCase().replace(/^FP(?=16|32)/, 'F').replace('UD_', 'UD-').slice(0, 40);
}

/** Part and count of a split model's file; null when it is whole. Pure. */
export function parseSplit(file: string): { readonly stem: string; readonly part: number; readonly of: number } | null {
  const found = SPLIT.exec(file);
  if (found === null) return null;
  const [, stem = '', part = '0', of = '0'] = found;
  return { stem, part: Number(part), of: Number(of) };
}

/** All parts of the model that this file begins, in order; parts that are not there are left out. Pure. */
export function partsOf(file: string, all: readonly HubFile[]): HubFile[] {
  const split = parseSplit(file);
  if (split === null) return all.filter((one) => one.file === file);
  return all
    .filter((one) => { const other = parseSplit(one.file); return other !== null && other.stem === split.stem && other.of === split.of; })
    .sort((a, b) => (parseSplit(a.file)?.part ?? 0) - (parseSplit(b.file)?.part ?? 0));
}

/** GGUF models among the files of a repository, smallest first; projectors and importance matrices are none. Pure. */
export function groupFiles(all: readonly HubFile[]): OfferedFile[] {
  const models = all.filter((one) => /\.gguf$/i.test(one.file) && !/(?:^|[/._-])(?:mmproj|imatrix)/i.test(one.file));
  const first = models.filter((one) => (parseSplit(one.file)?.part ?? 1) === 1);
  return first
    .flatMap((one): OfferedFile[] => {
      const parts = partsOf(one.file, models);
      // A split model with parts missing is no model.
      if (parts.length !== (parseSplit(one.file)?.of ?? 1)) return [];
      return [{ quantisation: parseQuantisation(one.file) ?? 'unknown', file: one.file, parts: parts.length, bytes: parts.reduce((sum, part) => sum + (part.bytes ?? 0), 0), sha256: parts.length === 1 ? one.sha256 : null, hereAs: null }];
    })
    .sort((a, b) => a.bytes - b.bytes || a.file.localeCompare(b.file));
}
