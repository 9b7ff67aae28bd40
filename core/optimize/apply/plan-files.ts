import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import type { ApplyMeans } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { resourcesFolder } from '../../system/entry-points.ts';
import type { ApplyDeps, ApplyEnvironment } from './apply-deps.ts';
import { makeCondaFiles, pixiLines } from './conda-files.ts';
import type { RecordedFile } from './application-record.ts';
import { sha256Of } from './file-state.ts';
import type { Chosen } from './decide-chosen.ts';
import { parsePythonVersion } from './decide-protected.ts';
import { editKernelEnv } from './edit-kernel-env.ts';
import { findKernels } from './find-kernels.ts';
import { makeHookFiles } from './hook-files.ts';
import type { NewFile } from './new-file.ts';

export interface PlannedFiles {
  readonly files: readonly NewFile[];
  /** Put in front of the lines for the program. */
  readonly snippet: string | null;
  readonly notes: readonly string[];
}

/** The files that a means writes, with their whole text. Reads only. @throws ProblemError `apply.protected`, `apply.edited` */
export async function planFiles(means: ApplyMeans, { found, torch }: ApplyEnvironment, chosen: Chosen, deps: Pick<ApplyDeps, 'kernelFolders' | 'platform'>, original: ReadonlyMap<string, RecordedFile>): Promise<PlannedFiles> {
  if (means === 'snippet') return { files: [], snippet: null, notes: [] };
  if (means === 'conda') {
    if (found.kind === 'pixi') return { files: [], snippet: pixiLines(chosen.variables), notes: ['Copy the lines under [activation.env] into pixi.toml (in pyproject.toml: [tool.pixi.activation.env]). Warpdeck does not write into manifests.'] };
    return { files: makeCondaFiles(found.prefix, chosen.variables, deps.platform), snippet: null, notes: ['It holds where the environment is activated. A program that is started by the path of its python, as editors do, does not see it.'] };
  }
  if (means === 'hook') {
    const python = parsePythonVersion(found.python.version);
    const folder = found.packageFolders[0];
    if (python === null || folder === undefined) throw refuse(found.name, 'it has no folder of packages that could be used.');
    const [real, prefix] = await Promise.all([realpath(folder).catch(() => null), realpath(found.prefix).catch(() => null)]);
    if (real === null || prefix === null) throw refuse(found.name, `${folder} cannot be read.`);
    const inside = relative(prefix, real);
    if (inside.startsWith('..') || isAbsolute(inside)) throw refuse(found.name, `its packages are in ${real}, outside of it, and may be used by others.`);
    const template = await readFile(join(resourcesFolder(), 'python', 'hook', 'warpdeck_optimize.py'), 'utf8');
    return {
      files: makeHookFiles({ folder, python, toggles: chosen.hook, variables: chosen.variables, torch, template }), snippet: null,
      notes: ['WARPDECK_OPTIMIZE=0 in front of a program switches it off for that program.', 'It acts right after "import torch" and does nothing in programs without it. "python -S" does not see it.', 'No package owns these files: pip does not remove them, and an environment that is made anew does not have them.'],
    };
  }
  const kernels = await findKernels(found, deps.kernelFolders());
  const notes: string[] = [];
  const files = kernels.flatMap((kernel): NewFile[] => {
    const recorded = original.get(kernel.path);
    // Ours from before is taken out first.
    const text = recorded?.before !== undefined && recorded.before !== null && recorded.sha256 === sha256Of(kernel.text) ? recorded.before.text : kernel.text;
    const edited = editKernelEnv(text, chosen.variables);
    if (edited === null) {
      notes.push(`${kernel.path} is not as Jupyter writes it, and is left alone.`);
      return [];
    }
    for (const name of edited.kept) notes.push(`${kernel.path} sets ${name} already: that stays.`);
    return edited.added.length === 0 ? [] : [{ path: kernel.path, text: edited.text, mode: kernel.mode }];
  });
  if (files.length === 0) throw refuse(found.name, kernels.length === 0 ? 'no kernel of Jupyter starts its Python.' : `its kernels cannot be changed. ${notes.join(' ')}`);
  return { files, snippet: null, notes: [...notes, 'It holds for kernels that are started from now on.'] };
}

const refuse = (environment: string, detail: string): Error => problemError('apply.protected', { environment, detail });
