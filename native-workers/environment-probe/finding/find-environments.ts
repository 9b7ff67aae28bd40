import type { FindReply, FindRequest } from '../../../contract/environment-probe.ts';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Candidate, Locator } from './candidate.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { describeFileError } from './describe-file-error.ts';
import { identifyEnvironment } from './identify/identify-environment.ts';
import { projectHash } from './identify/project-of-environment.ts';
import { inParallel } from './in-parallel.ts';
import { condaLocator } from './locators/conda.ts';
import { containerVolumes } from './locators/containers.ts';
import { givenFolders, runningInterpreters } from './locators/given.ts';
import { hatchLocator } from './locators/hatch.ts';
import { jupyterKernels } from './locators/jupyter-kernels.ts';
import { pipxLocator } from './locators/pipx.ts';
import { pixiLocator } from './locators/pixi.ts';
import { poetryLocator } from './locators/poetry.ts';
import { installManager, portableApps } from './locators/portable-apps.ts';
import { createProjectLocator } from './locators/projects.ts';
import { pyenvLocator } from './locators/pyenv.ts';
import { systemLocator } from './locators/system.ts';
import { uvLocator } from './locators/uv.ts';
import { virtualEnvFolders } from './locators/virtual-env-folders.ts';
import { registryLocator, storeLocator, wslLocator } from './locators/windows.ts';
import { mergeCandidates } from './merge-candidates.ts';
import { parseSkippedMounts } from './mounts.ts';
import { makePlaces } from './places.ts';
import { createSearchContext, type SearchContext } from './search-context.ts';

export interface FindOptions {
  /** Called with every step: moves while the search moves. */
  readonly onStep?: () => void;
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  /** How long one folder may take to answer, ms. */
  readonly patienceMs?: number;
}

/** Environments beyond this are not listed: a machine of a person has tens, a build server hundreds. */
const MAX_ENVIRONMENTS = 2000;
const WIDTH = 8;

/**
 * Finds Python environments from files alone: no interpreter, no `.pth` and no other program is run. What is broken
 * is listed with its problems; what could not be read is said in `problems` and stops nothing.
 * @throws the reason of `signal` when it is aborted
 */
export async function findEnvironments(request: FindRequest, options: FindOptions = {}): Promise<FindReply> {
  const startMs = performance.now();
  const platform = options.platform ?? process.platform;
  const context = await makeContext(request, options, platform);
  const projects = createProjectLocator();
  const machine: readonly Locator[] = [
    virtualEnvFolders, uvLocator, condaLocator, pixiLocator, pyenvLocator, pipxLocator, poetryLocator, hatchLocator, jupyterKernels, systemLocator, portableApps,
    registryLocator(request.registryText), storeLocator, installManager, wslLocator(request.wslText), containerVolumes, projects,
  ];
  const locators = [givenFolders(request.folders), runningInterpreters(request.interpreters), ...(request.onlyGiven ? [] : machine)];
  const candidates = (await Promise.all(locators.map((locator) => search(context, locator)))).flat();
  const merged = (await mergeCandidates(context, candidates)).toSorted((a, b) => compare(a.candidate.prefix, b.candidate.prefix) || compare(a.candidate.variant ?? '', b.candidate.variant ?? ''));
  if (merged.length > MAX_ENVIRONMENTS) context.tell(makeProblem('env.unreadable', { path: request.home ?? context.places.home, detail: `there are more than ${MAX_ENVIRONMENTS} places that look like environments; the others were left out.` }));

  const byHash = new Map<string, string>();
  for (const project of projects.projects) {
    byHash.set(projectHash(project), project);
    const real = await context.realpath(project);
    if (real !== null) byHash.set(projectHash(real), project);
  }
  const found = await inParallel(merged.slice(0, MAX_ENVIRONMENTS), WIDTH, ({ candidate, foundBy }) => identify(context, candidate, foundBy, byHash));
  const environments = found.filter((environment) => environment !== null);
  return { environments, problems: [...context.problems], tookMs: performance.now() - startMs, foldersSeen: context.foldersSeen() };
}

/** By code units: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function makeContext(request: FindRequest, options: FindOptions, platform: NodeJS.Platform): Promise<SearchContext> {
  const env = options.env ?? process.env;
  const patience = options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs };
  const bare = createSearchContext({ places: makePlaces(request.home, env, platform, false), skippedMounts: new Map(), ...patience });
  const linux = platform === 'linux';
  const insideWsl = linux && request.home === null && /microsoft/i.test((await bare.readText('/proc/version')) ?? '');
  const mounts = linux ? ((await bare.readText('/proc/self/mountinfo', 1024 * 1024)) ?? '') : '';
  return createSearchContext({
    places: makePlaces(request.home, env, platform, insideWsl),
    skippedMounts: parseSkippedMounts(mounts),
    named: request.folders,
    ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...patience,
  });
}

/** One locator's mistake must not cost the others' findings. */
async function search(context: SearchContext, locator: Locator): Promise<readonly Candidate[]> {
  try {
    return await locator.find(context);
  } catch (error) {
    context.checkStopped();
    context.tell(makeProblem('env.unreadable', { path: locator.name, detail: describeFileError(error) }));
    return [];
  }
}

async function identify(context: SearchContext, candidate: Candidate, foundBy: readonly string[], byHash: ReadonlyMap<string, string>): Promise<FoundEnvironment | null> {
  try {
    return await identifyEnvironment(context, candidate, foundBy, byHash);
  } catch (error) {
    context.checkStopped();
    context.tell(makeProblem('env.unreadable', { path: candidate.prefix, detail: describeFileError(error) }));
    return null;
  }
}
