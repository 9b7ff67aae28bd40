import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { IndexAccess } from '../../environments/install/install-tool.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';

/**
 * Gets one wheel by the name and version of its package into a folder of ours.
 * @returns the wheel, or a folder with its content where only uv is there, which unpacks what it fetches
 * @throws ProblemError `upgrade.no_tool`, `download.no_answer`; the signal's reason
 */
export type FetchWheel = (name: string, version: string, folder: string, signal: AbortSignal, onProgress: (doneBytes: number, totalBytes: number | null) => void) => Promise<string>;

export interface WheelFetcherOptions {
  readonly supervisor: Pick<Supervisor, 'runProgram'>;
  /** How this user gets to package indexes. */
  readonly access: () => IndexAccess;
  /** Interpreters that may have pip, best first. */
  readonly pythons: () => Promise<readonly string[]>;
  /** uv, where it is. */
  readonly uv: () => Promise<string | null>;
  readonly log: Logger;
}

/** PEP 508 names and PEP 440 versions, without what a command line could misread. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const VERSION = /^[0-9][0-9A-Za-z.+!]{0,60}$/;
/** A wheel of some hundred megabytes on a slow line. */
const LIMIT_MS = 60 * 60_000;
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
const NO_RAW = /--progress-bar: invalid choice/;
const NO_PIP = /No module named pip/;

/** The index that is set, and nothing else. */
export function indexArgumentsOf(tool: 'pip' | 'uv', access: Pick<IndexAccess, 'packageIndexUrl' | 'wheelFolder'>): string[] {
  if (access.wheelFolder !== null) return ['--no-index', '--find-links', access.wheelFolder];
  return access.packageIndexUrl === null ? [] : [tool === 'pip' ? '--index-url' : '--default-index', access.packageIndexUrl];
}

/** What is worth telling of a tool's output: its last word of an error, without credentials and secrets. Pure. */
export function lastWordOf(output: string): string {
  const lines = output.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@').split(/\r?\n/).map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim()).filter((line) => line !== '');
  const said = lines.findLast((line) => /^(?:ERROR|error|×)/.test(line)) ?? lines.at(-1) ?? 'It said nothing.';
  return said.replace(/^(?:ERROR|error|×)[: ]*/, '').slice(0, 300);
}

/** Gets wheels through pip, else through uv, as programs under the guard. Packages go by name: never by an address. */
export function createWheelFetcher({ supervisor, access, pythons, uv, log }: WheelFetcherOptions): FetchWheel {
  const run = async (attempt: Attempt, folder: string, signal: AbortSignal, onProgress: Parameters<FetchWheel>[4]): Promise<{ readonly exitCode: number | null; readonly said: string } | null> => {
    let said = '';
    let line = '';
    const take = (text: string): void => {
      said = `${said}${text}`.slice(-MAX_SAID);
      const lines = `${line}${text}`.split(/\r?\n|\r/);
      line = (lines.pop() ?? '').slice(-1000);
      for (const one of lines) {
        // pip --progress-bar raw: `Progress 4096 of 98362432`.
        const found = /^Progress (\d{1,15}) of (\d{1,15})$/.exec(one.trim());
        if (found !== null) onProgress(Number(found[1]), Number(found[2]));
      }
    };
    // The download lies on the disk that was looked at for room, where its growth can be seen whatever the tool says.
    const temporary = join(folder, 'temporary');
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const watch = setInterval(() => {
      void largestFileIn(temporary).then((bytes) => { if (bytes > 0) onProgress(bytes, null); });
    }, LOOK_EVERY_MS);
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

  const attempts = async (name: string, version: string, folder: string): Promise<Attempt[]> => {
    const to = access();
    const exact = `${name}==${version}`;
    const interpreters = (await pythons()).slice(0, MAX_PYTHONS);
    // `raw` came with pip 24.1: an older one says so and is asked again without.
    const list = interpreters.flatMap((python) => ['raw', 'off'].map((bar): Attempt => ({
      tool: 'pip', program: python, env: { ...to.env, NO_COLOR: '1' }, onlyAfter: bar === 'off' ? NO_RAW : null,
      args: ['-I', '-X', 'utf8', '-m', 'pip', '--disable-pip-version-check', '--no-input', 'download', '--no-deps', '--only-binary', ':all:', '--no-cache-dir', '--dest', folder, '--progress-bar', bar, '--retries', '3', '--timeout', IDLE_S, ...indexArgumentsOf('pip', to), exact],
    })));
    const program = await uv();
    const [python] = interpreters;
    if (program !== null) {
      list.push({
        tool: 'uv', program, env: { ...to.env, NO_COLOR: '1', UV_HTTP_TIMEOUT: IDLE_S }, onlyAfter: null,
        // A copy, not a link: the file becomes ours, and the cache of uv stays its own.
        args: ['--color', 'never', '--no-progress', '--no-python-downloads', 'pip', 'install', ...(python === undefined ? [] : ['--python', python]), '--target', join(folder, 'unpacked'), '--link-mode', 'copy', '--no-deps', '--only-binary', ':all:', ...indexArgumentsOf('uv', to), '--', exact],
      });
    }
    return list;
  };

  return async (name, version, folder, signal, onProgress) => {
    if (!NAME.test(name) || !VERSION.test(version)) throw problemError('download.unknown', { what: `${name} ${version}`.slice(0, 200), detail: 'This is not the name of a package.' });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let failed: { readonly tool: string; readonly said: string } | null = null;
    let before = '';
    for (const attempt of await attempts(name, version, folder)) {
      if (attempt.onlyAfter?.test(before) === false) continue;
      const outcome = await run(attempt, folder, signal, onProgress);
      before = outcome?.said ?? '';
      if (outcome === null) continue;
      if (outcome.exitCode === 0) {
        const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
        return attempt.tool === 'uv' ? join(folder, 'unpacked') : join(folder, wheel ?? '');
      }
      log.info('A wheel could not be fetched', { tool: attempt.tool, package: name, exitCode: outcome.exitCode, detail: lastWordOf(outcome.said) });
      // An interpreter without pip says nothing of the index.
      if (!NO_PIP.test(outcome.said)) failed = { tool: attempt.tool, said: outcome.said };
      if (/ENOSPC|No space left on device/i.test(outcome.said)) throw Object.assign(new Error('No space left on device'), { code: 'ENOSPC' });
    }
    if (failed === null) throw problemError('upgrade.no_tool', { tool: 'pip or uv', detail: `${name} ${version} is a Python package, and one of the two is needed to fetch it.` });
    throw problemError('download.no_answer', { host: 'The package index', detail: `${failed.tool}: ${lastWordOf(failed.said)}` });
  };
}

/** Bytes of the largest file below; 0 where nothing is to be seen. */
async function largestFileIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  const sizes = await Promise.all(names.slice(0, MAX_LOOKED_AT).map((name) => stat(join(folder, name)).then((file) => (file.isFile() ? file.size : 0), () => 0)));
  return Math.max(0, ...sizes);
}
