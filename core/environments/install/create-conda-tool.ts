import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../../contract/problem.ts';
import type { PackageChange, TorchTarget } from '../../../contract/upgrades.ts';
import { showSteps, withPrivateFolder } from './create-python-tool.ts';
import { decideToolProblem } from './decide-tool-problem.ts';
import { troubleToProblem } from './explain-missing.ts';
import type { FoundProgram } from './find-tools.ts';
import type { IndexAccess, InstallTool, InstallWish, ToolStep } from './install-tool.ts';
import { parseCondaAnswer, type CondaPlan } from './parse-conda-output.ts';
import { createRedactor } from './redact-url.ts';
import { runSteps } from './run-steps.ts';
import { runTool, type ToolOutcome, type ToolSurroundings } from './run-tool-step.ts';

/** conda-forge alone: its builds carry PTX and do not mix with those of other channels. */
const CHANNEL = ['--channel', 'conda-forge', '--override-channels'];

/** `12.9` of `cu129` or `cuda-12.9`; null where the label is no CUDA. */
const cudaOfLabel = (label: string): string | null => {
  const match = /^(?:cu(\d{2})(\d)|cuda-(\d+)\.(\d+))$/.exec(label);
  return match === null ? null : `${match[1] ?? match[3] ?? ''}.${match[2] ?? match[4] ?? ''}`;
};

/** What to ask conda for. A target of conda-forge holds a requirement (`>=2.10`), one of a wheel index a version. */
export function condaSpecs(target: TorchTarget): string[] {
  if (/^[<>=~!]/.test(target.version)) return [`pytorch-gpu${target.version}`, ...(cudaOfLabel(target.label) === null ? [] : [`cuda-version=${cudaOfLabel(target.label) ?? ''}`])];
  const [release = ''] = target.version.split('+');
  const cuda = cudaOfLabel(target.label);
  const line = release.split('.').slice(0, 2).join('.');
  return cuda === null ? [`pytorch=${line}`] : [`pytorch-gpu=${line}`, `cuda-version=${cuda}`];
}

/** conda, mamba or micromamba with conda packages. */
export function createCondaTool(surroundings: ToolSurroundings, conda: FoundProgram): InstallTool {
  const { limits } = surroundings;
  const title = `${conda.name} ${conda.version ?? ''}`.trim();
  const envFor = (target: TorchTarget | null): Record<string, string> => {
    const cuda = target === null ? null : cudaOfLabel(target.label);
    // Without a driver the solver would take the CPU build without a word.
    return cuda === null ? {} : { CONDA_OVERRIDE_CUDA: cuda };
  };
  const problemFor = async (outcome: ToolOutcome, environment: FoundEnvironment, access: IndexAccess, signal: AbortSignal): Promise<ProblemError> => {
    const answer = parseCondaAnswer(outcome.stdout);
    const words = answer.kind === 'error' ? `${answer.name}: ${answer.text}` : `${outcome.stdout.slice(-16_384)}\n${outcome.stderr}`;
    const trouble = decideToolProblem({ tool: title, exitCode: outcome.exitCode, signal: outcome.signal, output: words, path: environment.prefix, index: 'conda-forge', idleSeconds: limits.idleMs / 1000 });
    return troubleToProblem(trouble, null, environment, access, signal);
  };
  const specsOf = async (environment: FoundEnvironment, wish: InstallWish): Promise<{ readonly specs: readonly string[]; readonly target: TorchTarget | null; readonly more: readonly string[] }> => {
    if (wish.kind === 'reinstall') return { specs: await exactSpecs(environment, wish.packages), target: null, more: ['--force-reinstall'] };
    const { target } = wish.route;
    if (target === null) throw problemError('upgrade.manual_route', { route: wish.route.title, detail: 'It names no build of PyTorch that could be installed.' });
    return { specs: [...condaSpecs(target), ...wish.also], target, more: [] };
  };

  return {
    name: conda.name === 'mamba' || conda.name === 'micromamba' ? conda.name : 'conda',
    async resolve(environment, wish, access, signal) {
      const started = performance.now();
      const { specs, target, more } = await specsOf(environment, wish);
      const args = ['install', '--prefix', environment.prefix, ...CHANNEL, ...more];
      const outcome = await withPrivateFolder(surroundings, (cwd) => runTool({ program: conda.path, args: [...args, '--dry-run', '--json', ...specs], env: { ...access.env, ...envFor(target) }, cwd, redact: createRedactor(access), signal, timeoutMs: limits.resolveMs }, surroundings.runProgram));
      const answer = parseCondaAnswer(outcome.stdout);
      if (answer.kind !== 'plan') throw await problemFor(outcome, environment, access, signal);
      const cpu = target === null || cudaOfLabel(target.label) === null ? undefined : answer.plan.link.find((one) => one.name === 'pytorch' && /cpu/.test(one.build));
      if (cpu !== undefined) throw problemError('upgrade.conflict', { detail: `conda would install a CPU build (pytorch ${cpu.version} ${cpu.build}): no CUDA build fits the other packages of this environment.` });
      const steps: ToolStep[] = [
        { program: conda.path, args: [...args, '--download-only', '--yes', ...specs], env: envFor(target), phase: 'fetch', doing: 'Downloading' },
        { program: conda.path, args: [...args, '--yes', ...specs], env: envFor(target), phase: 'install', doing: 'Installing' },
      ];
      const changes = condaChanges(answer.plan);
      const sizes = answer.plan.fetch.map((one) => one.bytes);
      return {
        changes, unchanged: Math.max(0, (await condaNames(environment)).length - changes.filter((one) => one.from !== null).length),
        downloadBytes: sizes.includes(null) ? null : sizes.reduce<number>((all, bytes) => all + (bytes ?? 0), 0), installBytes: null,
        resolvedWith: title, tookMs: performance.now() - started, commands: showSteps(steps, access), steps, extraPaths: [], files: [],
      };
    },
    async install(environment, _wish, resolution, access, context) {
      await withPrivateFolder(surroundings, (cwd) => runSteps({
        environment, resolution, access, context, cwd, surroundings,
        judge: async (outcome) => { if (outcome.exitCode !== 0) throw await problemFor(outcome, environment, access, context.signal); },
      }));
    },
    async check(environment, signal) {
      // conda keeps its own packages consistent; what pip put beside them is checked by pip where it is there.
      const { path } = environment.python;
      if (path === null) return [];
      const outcome = await withPrivateFolder(surroundings, (cwd) => runTool({ program: path, args: ['-I', '-X', 'utf8', '-m', 'pip', '--disable-pip-version-check', 'check'], env: {}, cwd, redact: (text) => text, signal, timeoutMs: limits.checkMs }, surroundings.runProgram));
      return outcome.stdout.split(/\r?\n/).filter((line) => /^\S+ \S+ (?:requires |has requirement |is not supported)/.test(line));
    },
  };
}

/** Pairs what is linked with what is unlinked, sorted by name. */
function condaChanges(plan: CondaPlan): PackageChange[] {
  const before = new Map(plan.unlink.map((one) => [one.name, one]));
  const after = new Map(plan.link.map((one) => [one.name, one]));
  const bytes = new Map(plan.fetch.map((one) => [one.name, one.bytes]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().map((name) => {
    const from = before.get(name);
    const to = after.get(name);
    const sameVersion = from !== undefined && to !== undefined && from.version === to.version;
    // What is already in conda's package cache is not downloaded.
    return { name, from: from?.version ?? null, to: to?.version ?? null, why: sameVersion ? `Another build: ${from.build} → ${to.build}.` : null, downloadBytes: to === undefined ? null : (bytes.get(name) ?? (bytes.has(name) ? null : 0)) };
  });
}

const META = /^(.+)-([^-]+)-([^-]+)\.json$/;
const condaNames = async (environment: FoundEnvironment): Promise<string[]> => (await readdir(join(environment.prefix, 'conda-meta')).catch(() => [] as string[])).filter((name) => META.test(name));

/** `name=version=build` of what conda-meta says is installed. */
async function exactSpecs(environment: FoundEnvironment, packages: readonly string[]): Promise<string[]> {
  const files = await condaNames(environment);
  return packages.map((name) => {
    const match = files.map((file) => META.exec(file)).find((one) => one?.[1] === name);
    if (match === undefined || match === null) throw problemError('upgrade.no_wheel', { detail: `${name} has no record in conda-meta, so its version is not known.` });
    return `${name}=${match[2] ?? ''}=${match[3] ?? ''}`;
  });
}
