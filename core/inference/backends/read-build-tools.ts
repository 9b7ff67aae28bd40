import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { BuildTools } from './build-needs.ts';
import { readToolkits } from './find-runtime.ts';

const LIMIT_MS = 10_000;

async function findProgram(names: readonly string[], folders: readonly string[]): Promise<string | null> {
  const suffixes = process.platform === 'win32' ? ['.exe'] : [''];
  for (const name of names) for (const folder of folders) for (const suffix of suffixes) {
    const path = join(folder, `${name}${suffix}`);
    if (await stat(path).then((s) => s.isFile(), () => false) && await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
  return null;
}

async function readVersion(supervisor: Supervisor, program: string, pattern: RegExp, signal: AbortSignal): Promise<string | null> {
  let said = '';
  try {
    await supervisor.runProgram({ program, args: ['--version'], timeoutMs: LIMIT_MS, signal, onStdout: (text) => { if (said.length < 16_384) said += text; } }).done;
  } catch {
    signal.throwIfAborted();
    return null;
  }
  return pattern.exec(said)?.[1] ?? null;
}

/** ID and ID_LIKE of /etc/os-release (freedesktop.org), in lower case. */
export function parseDistribution(text: string): string[] {
  const value = (key: string): string[] => (new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '').replaceAll('"', '').toLowerCase().split(/\s+/).filter((id) => id !== '');
  return [...value('ID'), ...value('ID_LIKE')].slice(0, 16);
}

/** Looks for compilers in the search path, and for nvcc also where toolkits are. Runs only `--version` of what it finds. */
export async function readBuildTools(supervisor: Supervisor, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<BuildTools> {
  const path = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const windows = process.platform === 'win32';
  const toolkits = [env['CUDA_PATH'], env['CUDA_HOME'], ...(windows ? [] : await readToolkits())].filter((folder) => folder !== undefined && isAbsolute(folder)).map((folder) => join(folder ?? '', 'bin'));
  const own = env['CUDACXX'];
  const [git, cmake, compiler, generator, nvcc, os] = await Promise.all([
    findProgram(['git'], path), findProgram(['cmake'], path), findProgram(windows ? ['cl', 'clang-cl', 'g++'] : ['c++', 'g++', 'clang++'], path), findProgram(['ninja', 'make'], path),
    own !== undefined && isAbsolute(own) ? own : findProgram(['nvcc'], [...path, ...toolkits]),
    windows ? '' : readFile('/etc/os-release', 'utf8').catch(() => ''),
  ]);
  return {
    git, compiler, generator,
    cmake: cmake === null ? null : { path: cmake, version: await readVersion(supervisor, cmake, /cmake version (\d+(?:\.\d+)+)/, signal) },
    nvcc: nvcc === null ? null : { path: nvcc, version: await readVersion(supervisor, nvcc, /release (\d+\.\d+)/, signal) },
    distribution: windows ? ['windows'] : parseDistribution(os.slice(0, 16_384)),
  };
}
