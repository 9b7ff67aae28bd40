import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { PACKAGE_INDEX } from '../advice/decide-targets.ts';
import { closure, decideChanges, decideOrphans, decideReinstalls, decideRequests, type Arriving } from './decide-change-set.ts';
import { decideToolProblem } from './decide-tool-problem.ts';
import { troubleToProblem } from './explain-missing.ts';
import { indexArguments, torchIndexOf, torchIndexOfLabel, type IndexSources } from './index-access.ts';
import type { IndexAccess, InstallProgress, InstallTool, InstallWish, Resolution, ToolStep } from './install-tool.ts';
import { normaliseName } from './parse-wheel-name.ts';
import { readInstalledPackages, readRecordPaths, type InstalledPackage } from './read-installed-packages.ts';
import { readWheelSizes } from './read-wheel-sizes.ts';
import { createRedactor } from './redact-url.ts';
import { runSteps } from './run-steps.ts';
import { quoteArgument, runTool, type ToolOutcome, type ToolSurroundings } from './run-tool-step.ts';

/** What comes, exactly, with where it comes from. */
export interface ResolvedPackage extends Arriving {
  readonly url: string | null;
  readonly bytes: number | null;
  /** Who asks for it, as `torch needs sympy>=1.13.3`. */
  readonly why: string | null;
}
export interface Resolved {
  readonly arriving: readonly ResolvedPackage[];
  /** Names of everything that the new torch needs; null: not known. */
  readonly needed: ReadonlySet<string> | null;
}
export interface ResolveQuestion {
  readonly environment: FoundEnvironment;
  /** Requirements in their own words. */
  readonly requirements: readonly string[];
  readonly family: readonly string[];
  /** A constraints file. */
  readonly constraintsFile: string;
  readonly sources: IndexSources;
  readonly access: IndexAccess;
  readonly installed: ReadonlyMap<string, InstalledPackage>;
  /** An empty folder of its own. */
  readonly cwd: string;
  /** Runs the tool; throws the Problem unless it ended well. */
  readonly run: (args: readonly string[]) => Promise<ToolOutcome>;
  /** As `run`, but how it ended is given. */
  readonly tryRun: (args: readonly string[]) => Promise<ToolOutcome>;
}

/** How pip and uv differ. */
export interface PythonToolDialect {
  readonly name: 'pip' | 'uv';
  /** `pip 26.0`. */
  readonly title: string;
  command(environment: FoundEnvironment): { readonly program: string; readonly args: readonly string[] };
  env(idleMs: number): Readonly<Record<string, string>>;
  resolveExact(question: ResolveQuestion): Promise<Resolved>;
  /** The steps that change `remove` and `exact`; `fetchFolder` is a folder that exists while they run. */
  steps(environment: FoundEnvironment, change: { readonly exact: readonly string[]; readonly remove: readonly string[]; readonly fetchFolder: string; readonly index: readonly string[]; readonly idleMs: number }): readonly { readonly args: readonly string[]; readonly phase: ToolStep['phase']; readonly doing: string }[];
  checkArgs(environment: FoundEnvironment): readonly string[];
  /** Lines of `check` that say what is not met. */
  parseCheck(output: string): readonly string[];
}

const pinned = (one: Arriving): string => `${one.name}==${one.version}`;

/** pip and uv behind one face: the same question, the same order of work, the same words for trouble. */
export function createPythonTool(dialect: PythonToolDialect, surroundings: ToolSurroundings): InstallTool {
  const { limits } = surroundings;

  const runOnce = async (environment: FoundEnvironment, args: readonly string[], access: IndexAccess, cwd: string, signal: AbortSignal, timeoutMs: number): Promise<ToolOutcome> => {
    const command = dialect.command(environment);
    return runTool({ program: command.program, args: [...command.args, ...args], env: { ...access.env, ...dialect.env(limits.idleMs) }, cwd, redact: createRedactor(access), signal, timeoutMs }, surroundings.runProgram);
  };
  const judge = async (outcome: ToolOutcome, environment: FoundEnvironment, indexUrl: string | null, access: IndexAccess, signal: AbortSignal): Promise<void> => {
    if (outcome.exitCode === 0) return;
    const trouble = decideToolProblem({ tool: dialect.title, exitCode: outcome.exitCode, signal: outcome.signal, output: `${outcome.stdout}\n${outcome.stderr}`, path: environment.prefix, index: createRedactor(access)(indexUrl ?? access.packageIndexUrl ?? 'the index that is set'), idleSeconds: limits.idleMs / 1000 });
    throw await troubleToProblem(trouble, indexUrl ?? access.packageIndexUrl, environment, access, signal);
  };

  const resolveRoute = async (environment: FoundEnvironment, wish: Extract<InstallWish, { kind: 'route' }>, access: IndexAccess, signal: AbortSignal, cwd: string): Promise<Omit<Resolution, 'tookMs'>> => {
    const { target } = wish.route;
    if (target === null) throw problemError('upgrade.manual_route', { route: wish.route.title, detail: 'It names no build of PyTorch that could be installed.' });
    const installed = await readInstalledPackages(environment);
    const requests = decideRequests(target, wish.also, installed);
    // A build that the index of all packages gives is asked for there, without a label.
    const torchIndex = target.indexUrl === PACKAGE_INDEX ? null : torchIndexOf(target, access);
    const constraintsFile = join(cwd, 'constraints.txt');
    await writeFile(constraintsFile, `${requests.constraints.join('\n')}\n`);
    const attempt = async (sources: IndexSources): Promise<Resolved> => dialect.resolveExact({
      environment, requirements: [...requests.family, ...requests.also], family: requests.family, constraintsFile, sources, access, installed, cwd,
      tryRun: (args) => runOnce(environment, args, access, cwd, signal, limits.resolveMs),
      run: async (args) => {
        const outcome = await runOnce(environment, args, access, cwd, signal, limits.resolveMs);
        await judge(outcome, environment, torchIndex, access, signal);
        return outcome;
      },
    });
    let sources: IndexSources = { torch: torchIndex, packages: torchIndex === null || requests.also.length > 0 };
    let resolved: Resolved;
    try {
      resolved = await attempt(sources);
    } catch (error) {
      // A mirror may carry torch without what it needs: then the index of all packages is asked as well.
      const problem = problemOf(error);
      if (sources.packages || problem?.code !== 'upgrade.no_wheel' || /\btorch(?:vision|audio)?\b/.test(problem.cause) || access.wheelFolder !== null) throw error;
      sources = { torch: torchIndex, packages: true };
      resolved = await attempt(sources);
    }
    return describe(environment, installed, resolved, sources, access, signal);
  };

  const resolveReinstall = async (environment: FoundEnvironment, packages: readonly string[], access: IndexAccess): Promise<Omit<Resolution, 'tookMs'>> => {
    const installed = await readInstalledPackages(environment);
    const groups = new Map<string | null, ResolvedPackage[]>();
    for (const name of [...new Set(packages.map(normaliseName))]) {
      const one = installed.get(name);
      if (one === undefined) throw problemError('upgrade.no_wheel', { detail: `${name} has no readable description in ${environment.prefix}, so its version is not known. Reinstall it by hand or remove its folder.` });
      if (one.direct !== null) throw problemError('upgrade.manual_route', { route: `Reinstalling ${name}`, detail: `It was installed from ${createRedactor(access)(one.direct.url)}, not from an index.` });
      const index = torchIndexOfLabel(one.version, access);
      groups.set(index, [...(groups.get(index) ?? []), { name, version: one.version, url: null, bytes: null, why: 'Its files are damaged; the same version is put there again.' }]);
    }
    const all = [...groups.values()].flat();
    const fetchFolder = newFetchFolder(surroundings);
    // Every group is fetched before anything is taken away, and everything is taken away before anything is put there.
    const parts = [...groups].map(([torch, ones], i) => toolSteps(environment, { exact: ones.map(pinned), remove: i === 0 ? all.map((one) => one.name) : [], fetchFolder: `${fetchFolder}-${i}`, index: indexArguments(dialect.name, { torch, packages: false }, access) }));
    const steps = (['fetch', 'remove', 'install'] as const).flatMap((phase) => parts.flat().filter((step) => step.phase === phase));
    return {
      changes: decideChanges(installed, [], [], all.map((one) => one.name), new Map(all.map((one) => [one.name, one.why ?? ''])), new Map()),
      unchanged: installed.size - all.length, downloadBytes: null, installBytes: null, resolvedWith: dialect.title, commands: showSteps(steps, access), steps, extraPaths: [], files: [],
    };
  };

  const describe = async (environment: FoundEnvironment, installed: ReadonlyMap<string, InstalledPackage>, resolved: Resolved, asked: IndexSources, access: IndexAccess, signal: AbortSignal): Promise<Omit<Resolution, 'tookMs'>> => {
    const { arriving } = resolved;
    const orphans = arriving.length === 0 ? [] : decideOrphans(installed, arriving, resolved.needed);
    const leaving = new Set([...orphans, ...arriving.map((one) => one.name).filter((name) => installed.has(name))]);
    const records = new Map(await Promise.all([...installed.values()].map(async (one) => [one.name, await readRecordPaths(one)] as const)));
    const again = decideReinstalls(leaving, installed, records);
    const exact = [...arriving, ...again.map((name) => ({ name, version: installed.get(name)?.version ?? '' }))];
    const urls = arriving.flatMap((one) => (one.url === null ? [] : [one.url]));
    const sizes = await readWheelSizes(urls, access, signal);
    const bytes = new Map(arriving.map((one) => [one.name, one.bytes ?? (one.url === null ? null : (sizes.get(one.url)?.downloadBytes ?? null))]));
    const unpacked = arriving.map((one) => (one.url === null ? null : (sizes.get(one.url)?.unpackedBytes ?? null)));
    // What is put there again may be of either index.
    const sources: IndexSources = again.length > 0 ? { ...asked, packages: true } : asked;
    const steps = exact.length === 0 ? [] : toolSteps(environment, { exact: exact.map(pinned), remove: [...leaving, ...again].sort(), fetchFolder: newFetchFolder(surroundings), index: indexArguments(dialect.name, sources, access) });
    const changes = decideChanges(installed, arriving, orphans, again, new Map(arriving.flatMap((one) => (one.why === null ? [] : [[one.name, one.why] as const]))), bytes);
    return {
      changes, unchanged: [...installed.keys()].filter((name) => !leaving.has(name) && !again.includes(name)).length,
      downloadBytes: again.length > 0 ? null : sum([...bytes.values()]), installBytes: again.length > 0 ? null : sum(unpacked),
      resolvedWith: dialect.title, commands: showSteps(steps, access), steps, extraPaths: [], files: [],
    };
  };

  const toolSteps = (environment: FoundEnvironment, change: { readonly exact: readonly string[]; readonly remove: readonly string[]; readonly fetchFolder: string; readonly index: readonly string[] }): ToolStep[] => {
    const command = dialect.command(environment);
    return dialect.steps(environment, { ...change, idleMs: limits.idleMs }).map((step) => ({ program: command.program, args: [...command.args, ...step.args], env: dialect.env(limits.idleMs), phase: step.phase, doing: step.doing }));
  };

  return {
    name: dialect.name,
    async resolve(environment, wish, access, signal) {
      const started = performance.now();
      return withPrivateFolder(surroundings, async (cwd) => {
        const found = wish.kind === 'route' ? await resolveRoute(environment, wish, access, signal, cwd) : await resolveReinstall(environment, wish.packages, access);
        return { ...found, tookMs: performance.now() - started };
      });
    },
    async install(environment, _wish, resolution, access, context: InstallProgress) {
      await checkRoom(environment.prefix, resolution);
      await withPrivateFolder(surroundings, async (cwd) => {
        await runSteps({ environment, resolution, access, context, cwd, surroundings, judge: (outcome, indexUrl) => judge(outcome, environment, indexUrl, access, context.signal) });
      });
    },
    async check(environment, signal) {
      return withPrivateFolder(surroundings, async (cwd) => {
        const access: IndexAccess = { torchIndexUrl: '', packageIndexUrl: null, wheelFolder: null, env: {} };
        const outcome = await runOnce(environment, dialect.checkArgs(environment), access, cwd, signal, limits.checkMs);
        const found = dialect.parseCheck(`${outcome.stdout}\n${outcome.stderr}`);
        if (outcome.exitCode !== 0 && found.length === 0) await judge(outcome, environment, null, access, signal);
        return found;
      });
    },
  };
}

/** All of them, or not known. */
const sum = (values: readonly (number | null)[]): number | null => values.reduce<number | null>((all, value) => (all === null || value === null ? null : all + value), 0);

export const showSteps = (steps: readonly ToolStep[], access: IndexAccess): string[] => {
  const redact = createRedactor(access);
  return steps.map((step) => redact([...Object.entries(step.env).filter(([name]) => name.startsWith('CONDA_')).map(([name, value]) => `${name}=${value}`), step.program, ...step.args].map(quoteArgument).join(' ')));
};

const newFetchFolder = (surroundings: ToolSurroundings): string => join(surroundings.workFolder, `fetch-${randomBytes(6).toString('hex')}`);

/** An empty folder of our own as the working folder: no project file, module or config of somebody else is picked up. */
export async function withPrivateFolder<T>(surroundings: ToolSurroundings, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(surroundings.workFolder, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(surroundings.workFolder, 'run-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws ProblemError `upgrade.no_space` when what comes cannot fit. */
async function checkRoom(prefix: string, resolution: Resolution): Promise<void> {
  const need = (resolution.downloadBytes ?? 0) + (resolution.installBytes ?? 0);
  const disk = await statfs(prefix).catch(() => null);
  if (disk === null) return;
  const free = disk.bavail * disk.bsize;
  if (free < need) throw problemError('upgrade.no_space', { path: prefix, free: gigabytes(free), need: gigabytes(need), freeBytes: free, needBytes: need });
}
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** For dialects: everything that these names need, among installed and arriving packages. */
export function neededNames(family: readonly string[], installed: ReadonlyMap<string, InstalledPackage>, arriving: ReadonlyMap<string, readonly string[]>): Set<string> {
  const merged = new Map(installed);
  for (const [name, requirements] of arriving) {
    merged.set(name, { name, version: '', installer: null, requires: [], requirements, direct: null, infoFolder: '', packageFolder: '' });
  }
  return closure(family.map((line) => normaliseName(/^[A-Za-z0-9._-]+/.exec(line)?.[0] ?? '')), merged, 'generous');
}
