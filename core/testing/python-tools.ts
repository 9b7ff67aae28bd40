import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Real tools for tests, pinned; installed once into the user's cache from the package index that pip is set to. */
const PINS = ['uv==0.13.9', 'virtualenv==21.15.8'] as const;

export interface PythonTools {
  /** The base interpreter that environments are made with. */
  readonly python: string;
  readonly uv: string;
  readonly virtualenv: string;
  /** pip of a recent version, run as `[python, '-m', 'pip']`. */
  readonly pipPython: string;
  readonly folder: string;
}

/** Installs the tools if they are not there (about ten seconds, once). Safe when several test files ask at once. */
export function pythonTools(): PythonTools {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-tests');
  const folder = join(cache, `python-tools-${PINS.join('-').replaceAll('==', '-')}`);
  if (!existsSync(join(folder, 'bin', 'uv'))) install(cache, folder);
  const python = execFileSync('python3', ['-c', 'import sys; print(sys._base_executable)'], { encoding: 'utf8' }).trim();
  return { python, uv: join(folder, 'bin', 'uv'), virtualenv: join(folder, 'bin', 'virtualenv'), pipPython: join(folder, 'bin', 'python'), folder };
}

function install(cache: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'making-'));
  try {
    execFileSync('python3', ['-m', 'venv', '--copies', work], { stdio: 'pipe' });
    execFileSync(join(work, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PINS], { stdio: 'pipe' });
    // The scripts name the folder that they were made in; uv is a binary, virtualenv is called through its own script.
    for (const script of ['virtualenv']) execFileSync('sed', ['-i', `1s|.*|#!${join(folder, 'bin', 'python')}|`, join(work, 'bin', script)]);
    renameSync(work, folder);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    // Another test file was faster.
    if (!existsSync(join(folder, 'bin', 'uv'))) throw error;
  }
}

/** An interpreter that has this package (`name==version`), made once in the user's cache. */
export function pythonWith(requirement: string): string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-tests');
  const folder = join(cache, `python-with-${requirement.replaceAll(/[^\w.-]+/g, '-')}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'complete'))) return python;
  const { uv } = pythonTools();
  execFileSync(uv, ['venv', '--quiet', '--allow-existing', '--python', 'python3', folder], { stdio: 'pipe' });
  execFileSync(uv, ['pip', 'install', '--quiet', '--python', python, requirement], { stdio: 'pipe' });
  writeFileSync(join(folder, 'complete'), requirement);
  return python;
}
