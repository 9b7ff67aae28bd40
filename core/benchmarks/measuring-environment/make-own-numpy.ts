import { mkdir, mkdtemp, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf } from '../../../contract/problem.ts';
import type { IndexAccess } from '../../environments/install/install-tool.ts';
import type { RunPackageTool } from '../../inference/packages/create-package-runner.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { fetchWheelDirectly, WrongBytes, type AskIndex } from './fetch-wheel-directly.ts';
import type { PythonCandidate } from './list-candidates.ts';
import type { PinnedChoice } from './measuring-packages.ts';

export interface OwnNumpyOptions {
  /** Holds nothing but what is made here. */
  readonly folder: string;
  /** pip or uv, for the interpreter. */
  readonly fetchPackages: RunPackageTool;
  /** Without both. */
  readonly ask: AskIndex;
  readonly access: () => IndexAccess;
  readonly supervisor: Pick<Supervisor, 'runProgram'>;
}
type Job = Pick<JobContext, 'signal' | 'progress' | 'log'>;

const MAKING = '.making-';
/** A wheel of NumPy 2.3 has 16.6 MB and unpacked 63 MB; both lie there for a moment. */
const ROOM_FACTOR = 6;
const UNPACK_MS = 300_000;
/** How pip and uv say that what came is not what was published: uv unpacks while it loads, and finds that first. */
const WRONG_BYTES = /hash|checksum|extract archive|uncompressed size/i;
const PUBLIC_INDEX = 'https://pypi.org/simple';

export const formatMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
export const ownFolder = (folder: string, abi: string, { version }: Pick<PinnedChoice, 'version'>): string => join(folder, `numpy-${version}-${abi}`);

/** Removes what an engine that was killed had begun. Only one of them works in a data folder. */
export async function clearHalfMade(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  await Promise.all(names.filter((name) => name.includes(MAKING)).map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

/**
 * A folder with NumPy and nothing else, for one interpreter: fetched by pip or uv with its published hashes, without
 * them straight from the index; made beside, tried, and put in its place by one rename. No venv: the interpreter is
 * told where to look, and so neither venv nor ensurepip is needed.
 * @param trial throws where this NumPy does not start
 * @throws ProblemError `bench.numpy_fetch`, and what `trial` throws; on abort the signal's reason. Nothing is left then.
 */
export async function makeOwnNumpy(python: PythonCandidate, pinned: PinnedChoice, options: OwnNumpyOptions, job: Job, trial: (packages: string) => Promise<void>): Promise<string> {
  const { folder } = options;
  const { version, wheel } = pinned;
  const target = ownFolder(folder, python.abi, pinned);
  const needBytes = wheel.bytes * ROOM_FACTOR;
  const what = `NumPy ${version} (${formatMegabytes(wheel.bytes)})`;
  const fail = (detail: string, remedy: string, cause: unknown): ProblemError => new ProblemError(makeProblem('bench.numpy_fetch', { what, detail, remedy }), { cause });
  const noRoom = (cause: unknown): ProblemError => fail(`${folder} has too little room: ${formatMegabytes(needBytes)} are needed.`, 'Make room there, then run this again.', cause);
  let making: string | null = null;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await clearHalfMade(folder);
    const disk = await statfs(folder).catch(() => null);
    if (disk !== null && disk.bavail * disk.bsize < needBytes) throw Object.assign(new Error('No room'), { code: 'ENOSPC' });
    making = await mkdtemp(`${target}${MAKING}`);
    job.log(`No environment with PyTorch or NumPy was found: ${what} is fetched into ${folder}, once.`);
    await fetchInto(making, python, pinned, options, job);
    job.progress({ fraction: null, doing: `Trying NumPy ${version}` });
    await trial(making);
    await rm(target, { recursive: true, force: true });
    await rename(making, target);
    return target;
  } catch (error) {
    job.signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noRoom(error);
    // Of a file, not of a connection.
    if (error instanceof Error && 'path' in error) throw fail(`${folder} cannot be written to: ${error.message}`, 'Give the engine another data folder (--data-dir), then run this again.', error);
    const problem = problemOf(error);
    const detail = problem?.cause ?? (error instanceof Error ? error.message : String(error));
    if (error instanceof WrongBytes || (problem?.code === 'download.no_answer' && WRONG_BYTES.test(detail))) throw fail(detail, 'What came was thrown away. Look at the package index that is set, then run this again.', error);
    if (problem === null || problem.code === 'download.no_answer') throw fail(detail, 'Check the network and the package index in the settings, then run this again. Or install NumPy or PyTorch into an environment.', error);
    throw error;
  } finally {
    if (making !== null) await rm(making, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function fetchInto(making: string, python: PythonCandidate, { version, wheel, sha256 }: PinnedChoice, options: OwnNumpyOptions, { signal, progress }: Job): Promise<void> {
  const total = formatMegabytes(wheel.bytes);
  const tell = (bytes: number): void => progress({ fraction: null, doing: `Fetching NumPy ${version}: ${bytes === 0 ? '' : `${formatMegabytes(Math.min(bytes, wheel.bytes))} of `}${total}, once` });
  const interpreter = python.environment.python.path ?? '';
  tell(0);
  const target = ['install', '--target', making];
  try {
    // A copy, not a link: the cache of uv stays its own.
    await options.fetchPackages({ packages: [{ name: 'numpy', version, sha256 }], python: interpreter, folder: making, first: 'uv', pip: target, uv: [...target, '--link-mode', 'copy'], signal, onBytes: tell });
    return;
  } catch (error) {
    if (problemOf(error)?.code !== 'upgrade.no_tool') throw error;
  }
  const access = options.access();
  const index = access.packageIndexUrl ?? access.env['PIP_INDEX_URL'] ?? access.env['UV_DEFAULT_INDEX'] ?? access.env['UV_INDEX_URL'] ?? PUBLIC_INDEX;
  const bytes = access.wheelFolder === null ? await fetchWheelDirectly(index, wheel, options.ask, signal) : await readWheel(join(access.wheelFolder, basename(wheel.file)), wheel.sha256);
  const file = join(making, basename(wheel.file));
  await writeFile(file, bytes);
  progress({ fraction: null, doing: `Unpacking NumPy ${version}` });
  const { exitCode, stderr } = await options.supervisor.runProgram({ program: interpreter, args: ['-I', '-X', 'utf8', '-m', 'zipfile', '-e', file, making], cwd: making, timeoutMs: UNPACK_MS, signal }).done;
  signal.throwIfAborted();
  if (/ENOSPC|No space left on device/i.test(stderr)) throw Object.assign(new Error('No room'), { code: 'ENOSPC' });
  if (exitCode !== 0) throw problemError('bench.numpy_fails', { environment: interpreter, detail: `it could not unpack ${wheel.file}: ${stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''}`, remedy: 'Install another Python, or install NumPy or PyTorch into an environment.' });
  await rm(file);
}

async function readWheel(path: string, sha256: string): Promise<Buffer> {
  const bytes = await readFile(path).catch(() => { throw new Error(`The folder of wheels that is set has no ${basename(path)}.`); });
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) throw new WrongBytes(`${path} is not what was published: its SHA-256 is ${found}, and ${sha256} was expected.`);
  return bytes;
}
