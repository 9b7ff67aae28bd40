import { readdir, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { parseKernelProgram } from './edit-kernel-env.ts';
import { readFound } from './file-state.ts';

export interface FoundKernel {
  /** Its kernel.json. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

const MAX_KERNELS = 200;

/** Kernels of Jupyter that start this environment's Python: among the user's, and in the environment itself where that is the user's too. */
export async function findKernels(found: FoundEnvironment, userFolders: readonly string[]): Promise<readonly FoundKernel[]> {
  const own = join(found.prefix, 'share', 'jupyter', 'kernels');
  const prefix = await realpath(found.prefix).catch(() => found.prefix);
  const kernels: FoundKernel[] = [];
  const seen = new Set<string>();
  const isSystems = found.externallyManaged || found.kind === 'system' || found.kind === 'store';
  for (const folder of isSystems ? userFolders : [own, ...userFolders]) {
    for (const name of (await readdir(folder).catch((): string[] => [])).sort().slice(0, MAX_KERNELS)) {
      const path = join(folder, name, 'kernel.json');
      const file = await readFound(path);
      if (file.kind !== 'file' || seen.has(path) || kernels.length >= MAX_KERNELS) continue;
      const program = parseKernelProgram(file.text);
      if (program === null || !(await isOf(program, prefix, folder === own))) continue;
      seen.add(path);
      kernels.push({ path, text: file.text, mode: file.mode });
    }
  }
  return kernels;
}

/** A kernel in an environment that names only `python` means that environment's. The folder decides, not the link behind the name. */
async function isOf(program: string, prefix: string, inEnvironment: boolean): Promise<boolean> {
  if (!isAbsolute(program)) return inEnvironment && /^python(?:\d(?:\.\d+)?)?(?:\.exe)?$/.test(program);
  const folder = await realpath(dirname(program)).catch(() => null);
  if (folder === null) return false;
  // Not deeper: conda's base holds other environments.
  return /^(?:bin|Scripts)?$/i.test(relative(prefix, folder));
}
