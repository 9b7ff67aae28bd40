import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { indexArgumentsOf, isPackage, lastWordOf, type ExactPackage, type PackageTools } from './package-tools.ts';

/** What pip or uv is to do with wheels of exact packages. */
export interface PackageRun {
  readonly packages: readonly ExactPackage[];
  /** The interpreter that they must fit; null: the best there is. */
  readonly python?: string | null;
  /** Made where it is not there. What the tools need besides lies in it meanwhile: on the disk that was looked at for room. */
  readonly folder: string;
  /** Who is asked first. */
  readonly first: 'pip' | 'uv';
  /** What pip does: `['download', '--dest', folder]`. */
  readonly pip: readonly string[];
  /** What `uv pip` does. */
  readonly uv: readonly string[];
  readonly signal: AbortSignal;
  /** Of one wheel; the whole is not known of every tool. */
  readonly onBytes?: (doneBytes: number, totalBytes: number | null) => void;
  readonly onLine?: (line: string) => void;
}

/**
 * Lets the first tool do it that can, as a program under the guard. Packages go by name: never by an address.
 * @returns which did it
 * @throws ProblemError `download.unknown` (no name of a package), `upgrade.no_tool`, `download.no_answer`; an error with
 * the code ENOSPC; the signal's reason
 */
export type RunPackageTool = (run: PackageRun) => Promise<'pip' | 'uv'>;

export interface PackageRunnerOptions {
  readonly supervisor: Pick<Supervisor, 'runProgram'>;
  readonly tools: PackageTools;
  readonly log: Logger;
}

/** Some gigabytes on a slow line. */
const LIMIT_MS = 4 * 3_600_000;
/** pip and uv try again by themselves after so long without a byte, s. */
const IDLE_S = '30';
const MAX_PYTHONS = 4;
const MAX_SAID = 16 * 1024;
const LOOK_EVERY_MS = 300;
const MAX_LOOKED_AT = 500;

interface Attempt {
  readonly tool: 'pip' | 'uv';
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Made only when the one before said this. */
  readonly onlyAfter: RegExp | null;
}
const TEMPORARY = '.temporary';
const nameExactly = ({ name, version }: ExactPackage): string => `${name}==${version}`;
const NO_RAW = /--progress-bar: invalid choice/;
/** Also one from before 22.3, which serves no other interpreter. */
const NO_PIP = /No module named pip|no such option: --python/;
/** In the folder for what is temporary. */
const REQUIREMENTS = 'requirements.txt';
const WHEELS_ONLY = ['--no-deps', '--only-binary', ':all:'];

export function createPackageRunner({ supervisor, tools, log }: PackageRunnerOptions): RunPackageTool {
  const listAttempts = async ({ packages, python: fits = null, folder, first, pip, uv }: PackageRun): Promise<Attempt[]> => {
    const access = tools.access();
    const listed = packages.some(({ sha256 }) => sha256 !== undefined) ? ['--require-hashes', '-r', join(folder, TEMPORARY, REQUIREMENTS)] : null;
    const exact = packages.map(nameExactly);
    const interpreters = [...new Set([...(fits === null ? [] : [fits]), ...(await tools.pythons())])].slice(0, MAX_PYTHONS);
    // `raw` came with pip 24.1: an older one says so and is asked again without.
    const byPip = interpreters.flatMap((python) => ['raw', 'off'].map((bar): Attempt => ({
      tool: 'pip', program: python, env: { ...access.env, NO_COLOR: '1' }, onlyAfter: bar === 'off' ? NO_RAW : null,
      args: ['-I', '-X', 'utf8', '-m', 'pip', '--disable-pip-version-check', '--no-input', ...(fits === null || fits === python ? [] : ['--python', fits]), ...pip, ...WHEELS_ONLY, '--progress-bar', bar, '--retries', '3', '--timeout', IDLE_S, ...indexArgumentsOf('pip', access), ...(listed ?? exact)],
    })));
    const program = await tools.uv();
    const [python] = interpreters;
    const byUv: Attempt[] = program === null ? [] : [{
      tool: 'uv', program, env: { ...access.env, NO_COLOR: '1', UV_HTTP_TIMEOUT: IDLE_S }, onlyAfter: null,
      args: ['--color', 'never', '--no-progress', '--no-python-downloads', 'pip', ...uv, ...(python === undefined ? [] : ['--python', python]), ...WHEELS_ONLY, ...indexArgumentsOf('uv', access), ...(listed ?? ['--', ...exact])],
    }];
    return first === 'pip' ? [...byPip, ...byUv] : [...byUv, ...byPip];
  };

  /** null: that program is not there. */
  const attemptIt = async (attempt: Attempt, { packages, folder, signal, onBytes, onLine }: PackageRun): Promise<{ readonly exitCode: number | null; readonly said: string } | null> => {
    let said = '';
    let rest = '';
    const take = (text: string): void => {
      said = `${said}${text}`.slice(-MAX_SAID);
      const lines = `${rest}${text}`.split(/\r?\n|\r/);
      rest = (lines.pop() ?? '').slice(-1000);
      for (const line of lines.map((one) => one.trim()).filter((one) => one !== '')) {
        // pip --progress-bar raw: `Progress 4096 of 98362432`.
        const found = /^Progress (\d{1,15}) of (\d{1,15})$/.exec(line);
        if (found === null) onLine?.(line.slice(0, 2000));
        else onBytes?.(Number(found[1]), Number(found[2]));
      }
    };
    const temporary = join(folder, TEMPORARY);
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    if (packages.some(({ sha256 }) => sha256 !== undefined)) await writeFile(join(temporary, REQUIREMENTS), packages.map((one) => `${nameExactly(one)}${(one.sha256 ?? []).map((hash) => ` --hash=sha256:${hash}`).join('')}\n`).join(''));
    // What is downloaded grows where it can be seen, whatever the tool says.
    const look = (): void => void largestFileIn(temporary).then((bytes) => { if (bytes > 0) onBytes?.(bytes, null); });
    const watch = onBytes === undefined ? undefined : setInterval(look, LOOK_EVERY_MS);
    try {
      const result = await supervisor.runProgram({ program: attempt.program, args: attempt.args, env: { ...attempt.env, TMPDIR: temporary }, cwd: folder, timeoutMs: LIMIT_MS, signal, onStdout: take, onStderr: take }).done;
      signal.throwIfAborted();
      return { exitCode: result.exitCode, said };
    } catch (error) {
      signal.throwIfAborted();
      const problem = problemOf(error);
      if (problem?.code === 'program.not_found' || problem?.code === 'program.not_executable') return null;
      throw error;
    } finally {
      clearInterval(watch);
      await rm(temporary, { recursive: true, force: true });
    }
  };

  return async (run) => {
    const what = run.packages.map(({ name, version }) => `${name} ${version}`).join(', ').slice(0, 200);
    if (run.packages.length === 0 || !run.packages.every(isPackage)) throw problemError('download.unknown', { what, detail: 'This is not the name of a package.' });
    await mkdir(run.folder, { recursive: true, mode: 0o700 });
    let failed: { readonly tool: string; readonly said: string } | null = null;
    let before = '';
    for (const attempt of await listAttempts(run)) {
      if (attempt.onlyAfter?.test(before) === false) continue;
      const outcome = await attemptIt(attempt, run);
      before = outcome?.said ?? '';
      if (outcome === null) continue;
      if (outcome.exitCode === 0) return attempt.tool;
      log.info('Packages could not be fetched', { tool: attempt.tool, packages: what, exitCode: outcome.exitCode, detail: lastWordOf(outcome.said) });
      // An interpreter without pip says nothing of the index.
      if (!NO_PIP.test(outcome.said)) failed = { tool: attempt.tool, said: outcome.said };
      if (/ENOSPC|No space left on device/i.test(outcome.said)) throw Object.assign(new Error('No space left on device'), { code: 'ENOSPC' });
    }
    if (failed === null) throw problemError('upgrade.no_tool', { tool: 'pip or uv', detail: `To fetch ${what} from a package index one of the two is needed.` });
    throw problemError('download.no_answer', { host: 'The package index', detail: `${failed.tool}: ${lastWordOf(failed.said)}` });
  };
}

/** Bytes of the largest file below; 0 where nothing is to be seen. */
async function largestFileIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  const sizes = await Promise.all(names.slice(0, MAX_LOOKED_AT).map((name) => stat(join(folder, name)).then((file) => (file.isFile() ? file.size : 0), () => 0)));
  return Math.max(0, ...sizes);
}
