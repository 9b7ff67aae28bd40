import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { PACKAGE_INDEX } from '../advice/decide-targets.ts';
import { createUvTool } from './create-uv-tool.ts';
import { showSteps, withPrivateFolder } from './create-python-tool.ts';
import { decideChanges, decideOrphans, decideRequests } from './decide-change-set.ts';
import { decideToolProblem } from './decide-tool-problem.ts';
import { troubleToProblem } from './explain-missing.ts';
import type { FoundProgram } from './find-tools.ts';
import { torchIndexOf } from './index-access.ts';
import type { IndexAccess, InstallTool, Resolution, ToolStep } from './install-tool.ts';
import { normaliseName } from './parse-wheel-name.ts';
import { parseUvPlan } from './parse-uv-output.ts';
import { readInstalledPackages, readSmallFile } from './read-installed-packages.ts';
import { createRedactor } from './redact-url.ts';
import { runSteps } from './run-steps.ts';
import { quoteArgument, runTool, type ToolOutcome, type ToolSurroundings } from './run-tool-step.ts';

const MAX_FILE = 32 * 1024 * 1024;
const BASE = ['--color', 'never', '--no-progress', '--no-python-downloads'];

/**
 * A uv project: its pyproject.toml and uv.lock are changed with it, else the next `uv sync` would undo the change. Both
 * are made by uv itself in a copy when this is planned, and put in place when it is installed.
 */
export function createUvProjectTool(surroundings: ToolSurroundings, uv: FoundProgram): InstallTool {
  const { limits } = surroundings;
  const plain = createUvTool(surroundings, uv);
  const title = `uv ${uv.version ?? ''}`.trim();
  const env = (environment: FoundEnvironment): Record<string, string> => ({ UV_PROJECT_ENVIRONMENT: environment.prefix, UV_HTTP_TIMEOUT: String(Math.max(1, Math.ceil(limits.idleMs / 2000))), UV_HTTP_RETRIES: '3' });
  const judge = async (outcome: ToolOutcome, environment: FoundEnvironment, indexUrl: string | null, access: IndexAccess, signal: AbortSignal): Promise<void> => {
    if (outcome.exitCode === 0) return;
    const output = `${outcome.stdout}\n${outcome.stderr}`;
    // Packages of the project itself may need its sources to say what they are, and a copy has only its two files.
    if (/Failed to build|build backend|Distribution not found at|workspace/i.test(output)) throw problemError('upgrade.manual_route', { route: 'A change of the uv project', detail: 'Its packages have to be built to be resolved, which is not done without you.' }, { chain: [output.slice(-600)] });
    throw await troubleToProblem(decideToolProblem({ tool: title, exitCode: outcome.exitCode, signal: outcome.signal, output, path: environment.prefix, index: createRedactor(access)(indexUrl ?? 'the index that is set'), idleSeconds: limits.idleMs / 1000 }), indexUrl, environment, access, signal);
  };

  const resolveProject: InstallTool['resolve'] = async (environment, wish, access, signal) => {
    // Damaged files are replaced by the same versions: the project's files stay as they are.
    if (wish.kind === 'reinstall') return plain.resolve(environment, wish, access, signal);
    const started = performance.now();
    const folder = environment.projectFolder;
    const { target } = wish.route;
    if (folder === null || target === null) throw problemError('upgrade.manual_route', { route: wish.route.title, detail: 'It names no build of PyTorch, or no project.' });
    const paths = [join(folder, 'pyproject.toml'), join(folder, 'uv.lock')] as const;
    const [project, lock] = await Promise.all(paths.map((path) => readSmallFile(path, MAX_FILE)));
    if (project === null || project === undefined || lock === null || lock === undefined) throw problemError('upgrade.manual_route', { route: wish.route.title, detail: `${folder} has no readable pyproject.toml and uv.lock.` });
    const why = whyByHand(project);
    if (why !== null) throw problemError('upgrade.manual_route', { route: wish.route.title, detail: why });
    return withPrivateFolder(surroundings, async (copy) => {
      await writeFile(join(copy, 'pyproject.toml'), project);
      await writeFile(join(copy, 'uv.lock'), lock);
      await copyFile(join(folder, '.python-version'), join(copy, '.python-version')).catch(() => undefined);
      const installed = await readInstalledPackages(environment);
      const indexUrl = target.indexUrl === PACKAGE_INDEX ? null : torchIndexOf(target, access);
      const requests = decideRequests(target, wish.also, installed);
      const wanted = [...requests.family, ...requests.also];
      const name = indexUrl === null ? null : `pytorch-${target.label}`;
      const add = ['add', '--frozen', ...(indexUrl === null ? [] : ['--index', `${name ?? ''}=${indexUrl}`]), '--', ...wanted];
      const upgrade = ['lock', ...wanted.flatMap((line) => ['--upgrade-package', normaliseName(/^[A-Za-z0-9._-]+/.exec(line)?.[0] ?? '')])];
      const run = async (args: readonly string[]): Promise<ToolOutcome> => {
        const outcome = await runTool({ program: uv.path, args: [...BASE, ...args], env: { ...access.env, ...env(environment) }, cwd: copy, redact: createRedactor(access), signal, timeoutMs: limits.resolveMs }, surroundings.runProgram);
        await judge(outcome, environment, indexUrl, access, signal);
        return outcome;
      };
      await run(add);
      if (name !== null) await writeFile(join(copy, 'pyproject.toml'), makeExplicit(await readFile(join(copy, 'pyproject.toml'), 'utf8'), name));
      await run(upgrade);
      const planned = await run(['sync', '--dry-run', '--frozen', '--inexact', '--no-install-project', '--no-install-local']);
      const after = [await readFile(join(copy, 'pyproject.toml'), 'utf8'), await readFile(join(copy, 'uv.lock'), 'utf8')] as const;
      const arriving = parseUvPlan(`${planned.stderr}\n${planned.stdout}`);
      const needed = new Set([...after[1].matchAll(/^name = "([^"]+)"$/gm)].map((match) => normaliseName(match[1] ?? '')));
      const orphans = arriving.length === 0 ? [] : decideOrphans(installed, arriving, needed);
      const sizes = readLockSizes(after[1]);
      const step = (args: readonly string[], phase: ToolStep['phase'], doing: string): ToolStep => ({ program: uv.path, args: [...BASE, ...args], env: env(environment), phase, doing });
      const steps = [
        ...(orphans.length === 0 ? [] : [step(['pip', 'uninstall', '--python', environment.python.path ?? environment.prefix, '--', ...orphans], 'remove', 'Removing the old packages')]),
        // Not exact: what somebody put into the environment besides the project stays.
        step(['sync', '--project', folder, '--frozen', '--inexact', '--link-mode', 'copy'], 'install', 'Installing'),
      ];
      const redact = createRedactor(access);
      const shown = [add, upgrade].map((args) => redact([uv.path, args[0] ?? '', '--project', folder, ...args.slice(1)].map(quoteArgument).join(' ')));
      const result: Resolution = {
        changes: decideChanges(installed, arriving, orphans, [], new Map(), new Map(arriving.map((one) => [one.name, sizes.get(`${one.name}==${one.version}`) ?? null]))),
        unchanged: [...installed.keys()].filter((one) => !orphans.includes(one) && !arriving.some((a) => a.name === one)).length,
        downloadBytes: null, installBytes: null, resolvedWith: title, tookMs: performance.now() - started, commands: [...shown, ...showSteps(steps, access)], steps, extraPaths: [...paths],
        files: [{ path: paths[0], before: project, after: after[0] }, { path: paths[1], before: lock, after: after[1] }],
      };
      return result;
    });
  };

  return {
    name: 'uv',
    resolve: resolveProject,
    async install(environment, wish, resolution, access, context) {
      if (resolution.files.length === 0) {
        await plain.install(environment, wish, resolution, access, context);
        return;
      }
      for (const file of resolution.files) {
        if ((await readSmallFile(file.path, MAX_FILE)) !== file.before) throw problemError('upgrade.changed_meanwhile', { prefix: file.path, between: 'plan and application', example: 'its content is another', remedy: 'Plan again.' });
      }
      context.progress({ fraction: 0, doing: 'Changing pyproject.toml and uv.lock' });
      for (const file of resolution.files) await writeFileAtomic(file.path, file.after, { mode: 0o644 });
      await withPrivateFolder(surroundings, (cwd) => runSteps({ environment, resolution, access, context, cwd, surroundings, judge: (outcome, indexUrl) => judge(outcome, environment, indexUrl, access, context.signal) }));
    },
    check: plain.check,
  };
}

/** What uv's own edit of a project's file cannot do in a copy; null: nothing. */
export function whyByHand(project: string): string | null {
  if (/^\s*\[tool\.uv\.workspace\]/m.test(project) || /\bworkspace\s*=\s*true/.test(project)) return 'The project is part of a workspace, whose other members would change as well.';
  if (/^\s*[\w."-]+\s*=\s*\{[^}]*\bpath\s*=/m.test(project)) return 'The project uses packages by their path, which a plan in a copy would not find.';
  return null;
}

/** The index serves only the packages that name it: no other package can be taken from it by a higher version. */
export function makeExplicit(project: string, name: string): string {
  const parts = project.split(/^(?=\[)/m);
  return parts.map((part) => (part.startsWith('[[tool.uv.index]]') && part.includes(`name = "${name}"`) && !/^explicit\s*=/m.test(part) ? part.replace(/^(url = .*)$/m, '$1\nexplicit = true') : part)).join('');
}

/** `name==version` → size of its largest wheel, as uv.lock tells. */
function readLockSizes(lock: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const part of lock.split(/^\[\[package\]\]\s*$/m).slice(1)) {
    const name = /^name = "([^"]+)"/m.exec(part)?.[1];
    const version = /^version = "([^"]+)"/m.exec(part)?.[1];
    const bytes = [...part.matchAll(/\.whl"[^}]*\bsize = (\d{1,15})/g)].map((match) => Number(match[1]));
    // Wheels for several platforms stand there: only one alone is surely the one.
    if (name !== undefined && version !== undefined && bytes.length === 1 && bytes[0] !== undefined) sizes.set(`${normaliseName(name)}==${version}`, bytes[0]);
  }
  return sizes;
}
