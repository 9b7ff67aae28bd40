import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pythonTools } from '../../core/testing/python-tools.ts';

/** Real environments, made once in the user's cache by uv. */
export interface BenchPlaces {
  readonly folder: string;
  /** Both about 5 GB: one that uv linked to its cache, and one whose files are its own, as pip leaves them. */
  readonly big: readonly BigEnvironment[];
  /** A home with 50 environments in `.virtualenvs`. */
  readonly home: string;
  /** Of these 50: the files of torch are hard links of the same, or copies. */
  readonly linked: readonly string[];
  readonly copied: readonly string[];
  /** Small ones, without torch. */
  readonly plain: readonly string[];
  uv(args: readonly string[]): string;
}

export interface BigEnvironment {
  readonly prefix: string;
  readonly python: string;
  readonly torch: string;
  readonly how: 'hardlink' | 'copy';
}

const LINKED_TORCH = '2.4.1';
const COPIED_TORCH = '2.15.0';
const OF_EACH = 5;
const PLAIN = 40;
/** What people have besides: each of the small environments gets some of them, all of them are in the cache already. */
const SMALL_PACKAGES = ['numpy<2.3', 'sympy', 'networkx', 'jinja2', 'fsspec', 'filelock'];
/** Another number makes everything anew. */
const RECIPE = `1 ${LINKED_TORCH} ${COPIED_TORCH} ${OF_EACH} ${PLAIN}`;

/** The folder that all is in: one file system, so that uv and snapshots can link. */
export function benchFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'warpdeck-tests', 'bench-environments');
}

/** Makes what is missing (the first time some 6 GB of wheels are downloaded). `quick`: only the small environments. */
export function makeBenchPlaces(options: { readonly quick: boolean }): BenchPlaces {
  const tools = pythonTools();
  const folder = benchFolder();
  const wheels = join(folder, '..', 'wheels');
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, UV_CACHE_DIR: join(folder, 'uv-cache'), UV_NO_CONFIG: '1', UV_NO_PROGRESS: '1', VIRTUAL_ENV: '' };
  const uv = (args: readonly string[]): string => execFileSync(tools.uv, args, { env, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
  const makeVenv = (prefix: string): string => {
    rmSync(prefix, { recursive: true, force: true });
    uv(['venv', '--quiet', '--no-project', '--seed', '--python', tools.python, prefix]);
    return join(prefix, 'bin', 'python');
  };
  // Wheels that `npm run test:wheels` downloaded are not downloaded again.
  const install = (python: string, how: 'hardlink' | 'copy', ...what: readonly string[]): void => {
    uv(['pip', 'install', '--quiet', '--python', python, '--link-mode', how, ...(existsSync(wheels) ? ['--find-links', wheels] : []), ...what]);
  };
  const home = join(folder, 'home');
  const place = (name: string): string => join(home, '.virtualenvs', name);
  const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, i) => place(`${kind}-${String(i).padStart(2, '0')}`));
  const big: BigEnvironment[] = ([[LINKED_TORCH, 'hardlink'], [COPIED_TORCH, 'copy']] as const).map(([torch, how]) => {
    const prefix = join(folder, `torch-${torch}`);
    return { prefix, python: join(prefix, 'bin', 'python'), torch, how };
  });
  const places: BenchPlaces = { folder, big, home, linked: names('linked', OF_EACH), copied: names('copied', OF_EACH), plain: names('plain', PLAIN), uv };

  once(folder, 'small', () => {
    process.stderr.write(`Making ${PLAIN} small environments …\n`);
    for (const [i, prefix] of places.plain.entries()) install(makeVenv(prefix), 'hardlink', ...SMALL_PACKAGES.filter((_, k) => (i + k) % 3 !== 0));
  });
  if (options.quick) return places;
  once(folder, 'big', () => {
    for (const one of big) {
      process.stderr.write(`Installing torch ${one.torch} with all it needs …\n`);
      install(makeVenv(one.prefix), one.how, `torch==${one.torch}`, 'numpy<2.3');
    }
  });
  once(folder, 'fleet', () => {
    process.stderr.write(`Making ${2 * OF_EACH} environments with torch …\n`);
    for (const prefix of places.linked) install(makeVenv(prefix), 'hardlink', `torch==${LINKED_TORCH}`, 'numpy<2.3');
    for (const prefix of places.copied) {
      const python = makeVenv(prefix);
      install(python, 'hardlink', `torch==${COPIED_TORCH}`, 'numpy<2.3');
      // Files of its own, with the same contents.
      install(python, 'copy', '--no-deps', '--reinstall-package', 'torch', `torch==${COPIED_TORCH}`);
    }
  });
  return places;
}

/** Done when its mark is there: what was interrupted is made anew. */
function once(folder: string, part: string, make: () => void): void {
  const mark = join(folder, `made-${part}`);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === RECIPE) return;
  rmSync(mark, { force: true });
  make();
  writeFileSync(mark, RECIPE);
}

/** `…/lib/python3.11/site-packages` */
export function packageFolder(prefix: string): string {
  const [version = ''] = readdirSync(join(prefix, 'lib')).filter((name) => name.startsWith('python'));
  return join(prefix, 'lib', version, 'site-packages');
}

/** Bytes on the disk, every file counted once however many names it has. */
export function diskBytes(...folders: readonly string[]): number {
  const lines = execFileSync('du', ['--summarize', '--total', '--block-size=1', ...folders], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim().split('\n');
  return Number.parseInt(lines.at(-1) ?? '', 10);
}
