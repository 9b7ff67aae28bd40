import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { createCondaTool } from './create-conda-tool.ts';
import { createPipTool, pipCanPlan } from './create-pip-tool.ts';
import { createUvProjectTool } from './create-uv-project-tool.ts';
import { createUvTool } from './create-uv-tool.ts';
import type { FoundProgram, FoundTools } from './find-tools.ts';
import type { InstallTool } from './install-tool.ts';
import { readInstalledPackages, readSmallFile } from './read-installed-packages.ts';

/** What the choice stands on, read from the environment's files. */
export interface ToolFacts {
  /** pyvenv.cfg has `uv =`, or most packages say so in INSTALLER. */
  readonly madeByUv: boolean;
  readonly pipVersion: string | null;
  readonly uv: FoundProgram | null;
  readonly conda: FoundProgram | null;
  /** torch has a record in conda-meta. */
  readonly torchByConda: boolean;
  readonly uvLock: boolean;
}
export type ToolChoice =
  | { readonly tool: 'uv'; readonly uv: FoundProgram }
  | { readonly tool: 'uv_project'; readonly uv: FoundProgram }
  | { readonly tool: 'pip'; readonly version: string }
  | { readonly tool: 'conda'; readonly conda: FoundProgram }
  | { readonly tool: 'none'; readonly code: 'upgrade.no_tool' | 'upgrade.manual_route'; readonly facts: Readonly<Record<string, string>> };

/**
 * Which tool may change this environment: its own; the other of pip and uv only where its own is missing, because both
 * write the same records. A project's environment is changed through the project's files or not at all: its next
 * `sync` would undo anything else.
 */
export function decideInstallTool(environment: FoundEnvironment, facts: ToolFacts): ToolChoice {
  const none = (code: 'upgrade.no_tool' | 'upgrade.manual_route', more: Readonly<Record<string, string>>): ToolChoice => ({ tool: 'none', code, facts: more });
  const { uv, conda, pipVersion } = facts;
  const managed = environment.tool === 'poetry' || environment.tool === 'pipenv' || environment.tool === 'hatch' || environment.tool === 'pixi' || environment.tool === 'pipx' || environment.kind === 'pixi' || environment.kind === 'uv_tool';
  if (managed) {
    const by = environment.kind === 'uv_tool' ? 'uv tool' : (environment.tool ?? environment.kind);
    return none('upgrade.manual_route', { route: `A change through ${by}`, detail: `${environment.prefix} is kept by ${by}${environment.projectFolder === null ? '' : ` for ${environment.projectFolder}`}: its next run would undo a change made behind its back.` });
  }
  if (environment.kind === 'conda') {
    if (facts.torchByConda) return conda === null ? none('upgrade.no_tool', { tool: 'conda, mamba or micromamba', detail: 'PyTorch came from a conda channel here.' }) : { tool: 'conda', conda };
    // What pip put into a conda environment is pip's to change.
    return pip(pipVersion) ?? (uv === null ? none('upgrade.no_tool', { tool: 'pip', detail: `PyTorch was installed with pip into ${environment.prefix}, but pip is not there.` }) : { tool: 'uv', uv });
  }
  if (facts.uvLock && environment.projectFolder !== null) {
    return uv === null ? none('upgrade.no_tool', { tool: 'uv', detail: `${environment.projectFolder} is a uv project.` }) : { tool: 'uv_project', uv };
  }
  const byPip = pip(pipVersion);
  if (facts.madeByUv && uv !== null) return { tool: 'uv', uv };
  if (byPip !== null) return byPip;
  if (uv !== null) return { tool: 'uv', uv };
  if (pipVersion !== null) return none('upgrade.no_tool', { tool: 'A pip that can plan (22.2 or newer)', detail: `${environment.prefix} has pip ${pipVersion}, and uv was not found either.` });
  return none('upgrade.no_tool', { tool: facts.madeByUv ? 'uv' : 'pip', detail: `${environment.prefix} has no pip, and uv is not in PATH, ~/.local/bin or ~/.cargo/bin.` });
}

const pip = (version: string | null): ToolChoice | null => (version !== null && pipCanPlan(version) ? { tool: 'pip', version } : null);

/** Reads the facts and makes the tool. @throws ProblemError `upgrade.no_tool`, `upgrade.manual_route` */
export async function chooseInstallTool(environment: FoundEnvironment, tools: FoundTools): Promise<InstallTool> {
  const choice = decideInstallTool(environment, await readToolFacts(environment, tools));
  switch (choice.tool) {
    case 'uv': return createUvTool(tools.surroundings, choice.uv);
    case 'uv_project': return createUvProjectTool(tools.surroundings, choice.uv);
    case 'pip': return createPipTool(tools.surroundings, choice.version);
    case 'conda': return createCondaTool(tools.surroundings, choice.conda);
    case 'none': throw problemError(choice.code, choice.facts);
  }
}

async function readToolFacts(environment: FoundEnvironment, tools: FoundTools): Promise<ToolFacts> {
  const config = (await readSmallFile(join(environment.prefix, 'pyvenv.cfg'), 64 * 1024)) ?? '';
  const packages = [...(await readInstalledPackages(environment)).values()];
  const byUv = packages.filter((one) => one.installer === 'uv').length;
  const meta = await readdir(join(environment.prefix, 'conda-meta')).catch(() => [] as string[]);
  const { conda, mamba, micromamba, uv } = tools.programs;
  return {
    madeByUv: /^uv\s*=/m.test(config) || environment.tool === 'uv' || (packages.length > 0 && byUv * 2 > packages.length),
    pipVersion: await tools.readPipVersion(environment),
    uv: uv ?? (await tools.findUvBeside(environment)),
    // mamba solves fastest; all three write the same records.
    conda: environment.tool === 'micromamba' ? (micromamba ?? mamba ?? conda ?? null) : (mamba ?? conda ?? micromamba ?? null),
    torchByConda: meta.some((name) => /^(?:pytorch|libtorch|pytorch-gpu)-\d.*\.json$/.test(name)),
    uvLock: environment.projectFolder !== null && (await lstat(join(environment.projectFolder, 'uv.lock')).then((file) => file.isFile(), () => false)),
  };
}
