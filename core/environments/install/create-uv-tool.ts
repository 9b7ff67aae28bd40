import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPythonTool, type PythonToolDialect, type Resolved, type ResolveQuestion } from './create-python-tool.ts';
import { pythonOf } from './create-pip-tool.ts';
import type { FoundProgram } from './find-tools.ts';
import { indexArguments } from './index-access.ts';
import type { InstallTool } from './install-tool.ts';
import { parsePylock, parseUvAnnotations, parseUvPlan } from './parse-uv-output.ts';
import type { ToolSurroundings } from './run-tool-step.ts';

/** uv, told which interpreter to change. */
export function createUvTool(surroundings: ToolSurroundings, uv: FoundProgram): InstallTool {
  const base = ['--color', 'never', '--no-progress', '--no-python-downloads'];
  const dialect: PythonToolDialect = {
    name: 'uv',
    title: `uv ${uv.version ?? ''}`.trim(),
    command: () => ({ program: uv.path, args: base }),
    // uv's limit is for the time between two bytes; it tries again by itself.
    env: (idleMs) => ({ UV_HTTP_TIMEOUT: String(Math.max(1, Math.ceil(idleMs / 2000))), UV_HTTP_RETRIES: '3', NO_COLOR: '1' }),
    async resolveExact(question): Promise<Resolved> {
      const python = ['--python', pythonOf(question.environment)];
      const index = indexArguments('uv', question.sources, question.access);
      // Wheels only: resolving must not run the build script of a package.
      const planned = await question.run(['pip', 'install', '--dry-run', ...python, '--only-binary', ':all:', '--constraints', question.constraintsFile, ...index, '--', ...question.requirements]);
      const arriving = parseUvPlan(`${planned.stderr}\n${planned.stdout}`);
      if (arriving.length === 0) return { arriving: [], needed: null };
      const [locked, annotations] = [await readLocked(question, python, index, arriving), await readNeeded(question, python, index)];
      const places = new Map(locked.map((one) => [one.name, one]));
      const asked = new Set(question.requirements.map((line) => (/^[A-Za-z0-9._-]+/.exec(line)?.[0] ?? '').toLowerCase()));
      return {
        arriving: arriving.map((one) => {
          const by = annotations?.get(one.name)?.[0];
          return { ...one, url: places.get(one.name)?.url ?? null, bytes: places.get(one.name)?.bytes ?? null, why: by === undefined || asked.has(one.name) ? null : `${by} needs it.` };
        }),
        needed: annotations === null ? null : new Set(annotations.keys()),
      };
    },
    steps(environment, { exact, remove, fetchFolder, index }) {
      const python = ['--python', pythonOf(environment)];
      const wheels = ['--no-deps', '--only-binary', ':all:', ...index, '--', ...exact];
      // The first fills uv's cache by unpacking into a folder of ours, so that a network that fails leaves the
      // environment as it was. What goes is removed before anything comes: see create-pip-tool.ts. Files of the
      // environment are its own (a copy, which the system makes a reflink where the disk can): who writes into one would
      // otherwise change the cache, and so every environment that is linked to it.
      return [
        { phase: 'fetch', doing: 'Downloading', args: ['pip', 'install', ...python, '--target', fetchFolder, '--link-mode', 'hardlink', ...wheels] },
        ...(remove.length === 0 ? [] : [{ phase: 'remove' as const, doing: 'Removing the old packages', args: ['pip', 'uninstall', ...python, '--', ...remove] }]),
        { phase: 'install', doing: 'Installing', args: ['pip', 'install', ...python, '--link-mode', 'copy', ...wheels] },
      ];
    },
    checkArgs: (environment) => ['pip', 'check', '--python', pythonOf(environment)],
    parseCheck: (output) => output.split(/\r?\n/).filter((line) => /^The package `/.test(line)),
  };
  return createPythonTool(dialect, surroundings);
}

/** Addresses, sizes and hashes of exact versions. A uv that cannot write pylock.toml gives none. */
async function readLocked(question: ResolveQuestion, python: readonly string[], index: readonly string[], exact: readonly { readonly name: string; readonly version: string }[]): Promise<ReturnType<typeof parsePylock>> {
  const file = join(question.cwd, 'exact.in');
  await writeFile(file, exact.map((one) => `${one.name}==${one.version}\n`).join(''));
  const outcome = await question.tryRun(['pip', 'compile', ...python, '--no-deps', '--only-binary', ':all:', '--format', 'pylock.toml', '--no-header', ...index, file]);
  return outcome.exitCode === 0 ? parsePylock(outcome.stdout) : [];
}

/** Everything that the new family needs, whatever is installed: what is not in it may be left over. Null: not known. */
async function readNeeded(question: ResolveQuestion, python: readonly string[], index: readonly string[]): Promise<Map<string, string[]> | null> {
  const file = join(question.cwd, 'family.in');
  await writeFile(file, question.family.map((line) => `${line}\n`).join(''));
  const outcome = await question.tryRun(['pip', 'compile', ...python, '--only-binary', ':all:', '--no-header', ...index, file]);
  return outcome.exitCode === 0 ? parseUvAnnotations(outcome.stdout) : null;
}
