import { mkdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { BackendId } from './backend-parts.ts';
import { decideBuildNeeds, type BuildQuestion, type BuildTools } from './build-needs.ts';
import { findPrebuilt } from './find-installed.ts';
import { engineTarget } from './find-own.ts';
import type { System } from './library-names.ts';
import { makeEngineFolder } from './make-engine-folder.ts';

export interface BuildOptions {
  readonly supervisor: Supervisor;
  readonly kind: BuildQuestion['kind'];
  readonly tools: BuildTools;
  readonly computeCapabilities: readonly string[];
  readonly driverCuda: string | null;
  readonly packageFolder: string;
  readonly enginesFolder: string;
  readonly system: System;
  readonly job: JobContext;
}

/** Each compiler of CUDA kernels takes up to 2.5 GB, of C++ 1 GB. */
const BYTES_PER_COMPILER = { cuda: 2.5e9, cpu: 1e9 } as const;
/** A file of flash-attention kernels compiles for minutes, silently under ninja. */
const IDLE_MS = 45 * 60_000;
const TOTAL_MS = 6 * 3_600_000;

/** `[12/340]` of ninja, `[ 12%]` of make → 0 to 1; null: neither. */
export function parseBuildProgress(line: string): number | null {
  const ninja = /^\[(\d{1,6})\/(\d{1,6})\]/.exec(line);
  if (ninja !== null) return Number(ninja[2]) === 0 ? null : Math.min(1, Number(ninja[1]) / Number(ninja[2]));
  const make = /^\[\s*(\d{1,3})%\]/.exec(line);
  return make === null ? null : Math.min(1, Number(make[1]) / 100);
}

/** What cmake is told. Only ggml's library of the kind is built: the rest is what ships, of the same release. Pure. */
export function cmakeArguments(kind: BuildOptions['kind'], arch: string, architectures: readonly string[], generator: string | null, nvcc: string | null): string[] {
  const on = (name: string, value: boolean): string => `-D${name}=${value ? 'ON' : 'OFF'}`;
  return [
    ...(generator !== null && /^ninja/.test(basename(generator)) ? ['-G', 'Ninja'] : []),
    '-DCMAKE_BUILD_TYPE=Release', on('BUILD_SHARED_LIBS', true), on('GGML_BACKEND_DL', true), on('GGML_NATIVE', false), on('GGML_CCACHE', false),
    // What ships is built without OpenMP: one process, one pool of threads.
    on('GGML_OPENMP', false),
    on('LLAMA_BUILD_COMMON', false), on('LLAMA_BUILD_TESTS', false), on('LLAMA_BUILD_TOOLS', false), on('LLAMA_BUILD_EXAMPLES', false), on('LLAMA_BUILD_SERVER', false), on('LLAMA_BUILD_APP', false), on('LLAMA_CURL', false),
    // Names without a version, as the libraries have that ship: it is loaded among them.
    on('CMAKE_PLATFORM_NO_VERSIONED_SONAME', true), on('CMAKE_BUILD_WITH_INSTALL_RPATH', true), '-DCMAKE_INSTALL_RPATH=$ORIGIN',
    // As a library of its own the processor's backend refuses GGML_NATIVE: the compiler is told instead, and ggml's own
    // choice of instructions is left out.
    ...(kind === 'cpu' ? [...['SSE42', 'AVX', 'AVX2', 'BMI2', 'FMA', 'F16C'].map((set) => on(`GGML_${set}`, false)), ...['C', 'CXX'].map((language) => `-DCMAKE_${language}_FLAGS=${arch === 'x64' ? '-march=native' : '-mcpu=native'}`)] : []),
    ...(kind === 'cuda' ? [on('GGML_CUDA', true), on('GGML_CUDA_NCCL', false), `-DCMAKE_CUDA_ARCHITECTURES=${architectures.join(';')}`, ...(nvcc === null ? [] : [`-DCMAKE_CUDA_COMPILER=${nvcc}`])] : []),
  ];
}

/**
 * Builds llama.cpp's backend of a kind from the sources that the package ships, and makes a copy of the package that
 * loads it. Nothing in node_modules is changed; what an earlier build left stays until this one is whole.
 * @throws ProblemError `engine.build_needs`, `engine.build_failed`; the reason of the job's signal
 */
export async function buildLlama(options: BuildOptions): Promise<{ readonly library: string; readonly seconds: number }> {
  const { supervisor, kind, tools, packageFolder, enginesFolder, system, job } = options;
  const { needs, remedy, architectures } = decideBuildNeeds(options);
  const bundle = join(packageFolder, 'llama', 'gitRelease.bundle');
  const missing = needs.filter((n) => !n.met).map((n) => (n.detail === null ? n.text : `${n.text} (found: ${n.detail})`));
  if (system.platform === 'win32') missing.push('a way to build on Windows: it is built on Linux only so far');
  if (!(await stat(bundle).then((s) => s.isFile(), () => false))) missing.push('the sources of llama.cpp in the package node-llama-cpp');
  const shipped = await findPrebuilt(packageFolder, kind, system);
  if ('why' in shipped) missing.push(`the build that ships (${shipped.why.replace(/\.$/, '')})`);
  const { git, cmake } = tools;
  if (missing.length > 0 || git === null || cmake === null || 'why' in shipped) throw problemError('engine.build_needs', { missing: missing.join('; '), remedy: remedy === '' ? 'Install Warpdeck again, or use another system.' : remedy });

  const startedAt = performance.now();
  const id: BackendId = `${kind}-local`;
  const work = join(enginesFolder, `building-${id}`), source = join(work, 'source'), build = join(work, 'build');
  let said: string[] = [];
  const run = async (doing: string, program: string, args: readonly string[], share: readonly [number, number] | null): Promise<void> => {
    job.progress({ fraction: share?.[0] ?? 0, doing });
    job.log(`$ ${[program, ...args].join(' ')}`);
    let rest = '';
    const take = (text: string): void => {
      const lines = `${rest}${text}`.split(/\r?\n/);
      rest = (lines.pop() ?? '').slice(-4096);
      for (const line of lines) {
        job.log(line);
        // What is wrong stands in the line of the error or, with cmake, in those below.
        if (/\berror\b|fatal|not found/i.test(line)) said = [line.trim().slice(0, 300)];
        else if (said.length > 0 && said.length < 3 && line.trim() !== '') said.push(line.trim().slice(0, 300));
        const part = share === null ? null : parseBuildProgress(line);
        if (part !== null && share !== null) job.progress({ fraction: share[0] + (share[1] - share[0]) * part, doing });
      }
    };
    // Beside other work: compiling has time.
    const [program_, args_] = system.platform === 'linux' ? ['nice', ['-n', '10', program, ...args]] : [program, [...args]];
    const result = await supervisor.runProgram({ program: program_, args: args_, timeoutMs: TOTAL_MS, idleTimeoutMs: IDLE_MS, onStdout: take, onStderr: take, signal: job.signal }).done.catch((error: unknown) => {
      job.signal.throwIfAborted();
      throw problemError('engine.build_failed', { detail: `${doing}: ${problemOf(error)?.cause ?? String(error)}` }, { cause: error });
    });
    job.signal.throwIfAborted();
    if (result.exitCode !== 0) throw problemError('engine.build_failed', { detail: `${doing} ended with ${result.signal ?? `exit code ${result.exitCode ?? 'unknown'}`}${said.length === 0 ? '.' : `: ${said.join(' ')}`}` });
  };
  try {
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true, mode: 0o700 });
    await run('Unpacking the sources', git, ['-c', 'advice.detachedHead=false', 'clone', '--quiet', bundle, source], null);
    await run('Looking at the compilers', cmake.path, ['-S', source, '-B', build, ...cmakeArguments(kind, system.arch, architectures, tools.generator, tools.nvcc?.path ?? null)], [0.01, 0.02]);
    const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_COMPILER[kind])));
    await run(`Compiling with ${jobs} ${jobs === 1 ? 'process' : 'processes'}`, cmake.path, ['--build', build, '--target', `ggml-${kind}`, '--parallel', String(jobs)], [0.02, 0.98]);
    const name = `libggml-${kind}.so`;
    job.progress({ fraction: 0.98, doing: 'Putting it in place' });
    await makeEngineFolder({
      packageFolder, binsFolder: shipped.binsFolder, target: engineTarget(enginesFolder, id), put: { [name]: join(build, 'bin', name) },
      // The loader takes the best of the processor's variants; without them, the one that was made for this machine.
      leaveOut: kind === 'cpu' ? /^libggml-cpu-/ : null,
    });
    return { library: name, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    await rm(work, { recursive: true, force: true }).catch(() => undefined);
  }
}
