import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { createPythonTool, neededNames, type PythonToolDialect, type Resolved } from './create-python-tool.ts';
import { indexArguments } from './index-access.ts';
import type { InstallTool } from './install-tool.ts';
import { parsePipReport } from './parse-pip-report.ts';
import type { ToolSurroundings } from './run-tool-step.ts';

/** `--dry-run --report` came with 22.2, `--progress-bar raw` with 24.1. */
const CAN_PLAN = '22.2';
const CAN_TELL_PROGRESS = '24.1';
const atLeast = (version: string, least: string): boolean => version.localeCompare(least, 'en', { numeric: true }) >= 0;
export const pipCanPlan = (version: string): boolean => atLeast(version, CAN_PLAN);

/** The environment's own pip, run as `PYTHON -I -m pip`. @param version of that pip. */
export function createPipTool(surroundings: ToolSurroundings, version: string): InstallTool {
  const dialect: PythonToolDialect = {
    name: 'pip',
    title: `pip ${version}`,
    command(environment) {
      return { program: pythonOf(environment), args: ['-I', '-X', 'utf8', '-m', 'pip', '--disable-pip-version-check', '--no-input'] };
    },
    // `-I` hides PYTHON* but not PIP_*; the user's own PIP_NO_DEPS and the like are not let through.
    env: () => ({ PIP_ROOT_USER_ACTION: 'ignore', NO_COLOR: '1' }),
    async resolveExact(question): Promise<Resolved> {
      if (!pipCanPlan(version)) throw problemError('upgrade.no_tool', { tool: `A pip that can plan (${CAN_PLAN} or newer)`, detail: `${question.environment.prefix} has pip ${version}, and uv is not there either.` });
      const report = join(question.cwd, 'report.json');
      // Wheels only: resolving must not run the build script of a package.
      await question.run(['install', '--dry-run', '--report', report, '--progress-bar', 'off', '--only-binary', ':all:', '--retries', '3', '--timeout', '15', '--constraint', question.constraintsFile, ...indexArguments('pip', question.sources, question.access), ...question.requirements]);
      const items = parsePipReport(await readFile(report, 'utf8'));
      const asks = (name: string): string | null => {
        const by = items.find((item) => item.requirements.some((line) => !/;.*\bextra\s*==/.test(line) && line.toLowerCase().replaceAll(/[-_.]+/g, '-').startsWith(name)));
        const line = by?.requirements.find((text) => text.toLowerCase().replaceAll(/[-_.]+/g, '-').startsWith(name));
        return by === undefined || line === undefined ? null : `${by.name} ${by.version} needs ${line.split(';')[0]?.trim() ?? line}`;
      };
      return {
        arriving: items.map((item) => ({ name: item.name, version: item.version, url: item.url, bytes: null, why: item.requested ? null : asks(item.name) })),
        needed: neededNames(question.family, question.installed, new Map(items.map((item) => [item.name, item.requirements]))),
      };
    },
    steps(_environment, { exact, remove, fetchFolder, index, idleMs }) {
      const bar = atLeast(version, CAN_TELL_PROGRESS) ? 'raw' : 'off';
      // All is downloaded before anything is taken away: a network that fails leaves the environment as it was. What
      // goes is removed before anything comes, so that nobody's uninstallation deletes a file that another brought.
      return [
        { phase: 'fetch', doing: 'Downloading', args: ['download', '--no-deps', '--only-binary', ':all:', '--dest', fetchFolder, '--progress-bar', bar, '--retries', '3', '--timeout', String(Math.max(1, Math.ceil(idleMs / 2000))), ...index, ...exact] },
        ...(remove.length === 0 ? [] : [{ phase: 'remove' as const, doing: 'Removing the old packages', args: ['uninstall', '--yes', ...remove] }]),
        { phase: 'install', doing: 'Installing', args: ['install', '--no-deps', '--no-index', '--find-links', fetchFolder, '--progress-bar', 'off', ...exact] },
      ];
    },
    checkArgs: () => ['check'],
    parseCheck: (output) => output.split(/\r?\n/).filter((line) => /^\S+ \S+ (?:requires |has requirement |is not supported)/.test(line)),
  };
  return createPythonTool(dialect, surroundings);
}

/** @throws ProblemError `upgrade.no_tool` where there is no interpreter. */
export function pythonOf(environment: FoundEnvironment): string {
  if (environment.python.path === null) throw problemError('upgrade.no_tool', { tool: 'The interpreter of this environment', detail: `${environment.prefix} has none.` });
  return environment.python.path;
}
