import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ReferencePrograms } from './make-llama-bench.ts';

/** A reference that can be run: programs in a folder with the libraries that they load. */
export interface StagedPrograms {
  readonly bench: string;
  readonly batchedBench: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** What is said with every figure. */
  readonly build: string;
  remove(): Promise<void>;
}

/** Shared libraries in the memory of a process, each once (Linux; elsewhere none is known). */
export function readMappedLibraries(pid: number): readonly string[] {
  if (process.platform !== 'linux') return [];
  const paths = readFileSync(`/proc/${String(pid)}/maps`, 'utf8').split('\n').map((line) => line.slice(line.indexOf('/'))).filter((path) => /\.(?:so(?:\.[\d.]+)?|node)$/.test(path));
  return [...new Set(paths)];
}

/**
 * The programs beside the libraries that the model's process has in memory right now, so that both sides run the same
 * files: also where a build of CUDA was made on this machine. The loader of ggml takes backends from the program's folder.
 */
export async function stageLlamaBench(programs: ReferencePrograms, workerPid: number | null): Promise<StagedPrograms> {
  if (programs.linked === 'own') return { bench: programs.bench, batchedBench: programs.batchedBench, env: {}, build: `llama.cpp ${programs.release}, compiled here with the same options`, remove: () => Promise.resolve() };
  const mapped = workerPid === null ? [] : readMappedLibraries(workerPid);
  const llama = mapped.find((path) => /^libllama\.[\w.]*so$/.test(basename(path)));
  if (llama === undefined) throw new Error('The libraries of the model’s process are not known: give --llama-bench PATH.');
  const bins = dirname(llama);
  const folder = await mkdtemp(join(tmpdir(), 'warpdeck-llama-bench-'));
  for (const name of await readdir(bins)) if (name.endsWith('.so')) await symlink(join(bins, name), join(folder, name));
  const [bench, batchedBench] = [join(folder, 'llama-bench'), join(folder, 'llama-batched-bench')];
  // Copies: a link would lead the loader back to where it points.
  await copyFile(programs.bench, bench);
  await copyFile(programs.batchedBench, batchedBench);
  const runtime = [...new Set(mapped.filter((path) => /^lib(?:cudart|cublas|cublasLt)\.so/.test(basename(path))).map((path) => dirname(path)))];
  return {
    bench, batchedBench, env: runtime.length === 0 ? {} : { LD_LIBRARY_PATH: runtime.join(':') },
    build: `llama.cpp ${programs.release}, linked with the libraries that the model's process has loaded`,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
