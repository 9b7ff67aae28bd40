import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeArguments, parseBuildProgress } from '../../core/inference/backends/build-llama.ts';
import { findPrebuilt, readRelease } from '../../core/inference/backends/find-installed.ts';

export type ReferenceKind = 'cpu' | 'cuda';

/** llama.cpp's own benchmarks, made here once. */
export interface ReferencePrograms {
  readonly folder: string;
  readonly bench: string;
  readonly batchedBench: string;
  /** `package`: linked with the libraries that the package ships, so that the code that is compared is the same file. `own`: all of it compiled here. */
  readonly linked: 'package' | 'own';
  readonly release: string;
}

const TOOLS = [{ name: 'llama-bench', source: 'llama-bench' }, { name: 'llama-batched-bench', source: 'batched-bench' }] as const;
const packageFolder = fileURLToPath(new URL('../../node_modules/node-llama-cpp', import.meta.url));
/** One file of the tool compiles for half a minute; a whole build for a quarter of an hour on two cores. */
const LIMIT_MS = 3_600_000;

const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-harness', 'llama-bench');

/** Runs a program beside other work (nice), says its progress on stderr. @throws with the end of what it wrote */
async function runProgram(program: string, args: readonly string[]): Promise<void> {
  const child = spawn('nice', ['-n', '10', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS });
  let said = '';
  let shown = -1;
  const take = (chunk: Buffer): void => {
    const text = chunk.toString('utf8');
    said = (said + text).slice(-4000);
    for (const line of text.split('\n')) {
      const percent = Math.floor(10 * (parseBuildProgress(line) ?? -1)) * 10;
      if (percent <= shown) continue;
      shown = percent;
      process.stderr.write(`    ${String(percent)} %\n`);
    }
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code === null ? 'a signal' : `exit code ${String(code)}`}: ${said.trim().slice(-1500)}`);
}

/** Two files for each tool, linked with the libraries that ship: half a minute, and the reference is the very same build. */
async function linkWithPackage(source: string, binsFolder: string, target: string): Promise<void> {
  const libraries = (await readdir(binsFolder)).filter((name) => /^lib(?:llama|ggml)[\w.-]*\.so$/.test(name) && !/^libggml-(?!base)/.test(name));
  const include = ['include', 'ggml/include', 'common', 'vendor'].map((folder) => `-I${join(source, folder)}`);
  for (const tool of TOOLS) {
    const folder = join(source, 'tools', tool.source);
    process.stderr.write(`  Compiling ${tool.name} for the libraries that ship\n`);
    await runProgram('c++', ['-std=c++17', '-O2', '-DNDEBUG', ...include, `-I${folder}`, join(folder, 'main.cpp'), join(folder, `${tool.source}.cpp`), '-o', join(target, tool.name), `-L${binsFolder}`, ...libraries.map((name) => `-l:${name}`), '-Wl,-rpath,$ORIGIN', `-Wl,-rpath-link,${binsFolder}`, '-pthread']);
  }
}

/** All of llama.cpp with the options of the builds that ship, for a compiler that cannot link with theirs. */
async function buildWhole(source: string, kind: ReferenceKind, target: string): Promise<void> {
  const build = join(source, 'build');
  const on = ['LLAMA_BUILD_COMMON', 'LLAMA_BUILD_TOOLS', 'LLAMA_TOOLS_INSTALL'].map((name) => `-D${name}=ON`);
  process.stderr.write(`  Compiling all of llama.cpp (${kind}); this takes minutes\n`);
  await runProgram('cmake', ['-S', source, '-B', build, ...cmakeArguments(kind, process.arch, ['native'], null, null), ...on]);
  const backends = kind === 'cpu' ? ['ggml-cpu'] : ['ggml-cuda', 'ggml-cpu'];
  await runProgram('cmake', ['--build', build, '--parallel', String(availableParallelism()), '--target', ...TOOLS.map((t) => t.name), ...backends]);
  for (const name of await readdir(join(build, 'bin'))) await rename(join(build, 'bin', name), join(target, name));
}

/**
 * llama-bench and llama-batched-bench of the release that ships, made once from the package's own sources into the
 * harness's cache. @throws when neither way works, with what the compiler said
 */
export async function makeLlamaBench(kind: ReferenceKind): Promise<ReferencePrograms> {
  const shipped = await findPrebuilt(packageFolder, kind, { platform: process.platform, arch: process.arch });
  if ('why' in shipped) throw new Error(`llama-bench cannot be made: ${shipped.why}`);
  const release = (await readRelease(shipped.binsFolder)) ?? 'unknown';
  const ways = ['package', 'own'] as const;
  const programsOf = (linked: (typeof ways)[number]): ReferencePrograms => {
    const folder = join(cacheFolder(), `${release}-${shipped.name}-${linked}`);
    return { folder, bench: join(folder, 'llama-bench'), batchedBench: join(folder, 'llama-batched-bench'), linked, release };
  };
  const forced = process.env['WARPDECK_BENCH_REFERENCE'];
  const wanted = ways.filter((way) => forced === undefined || way === forced);
  for (const way of wanted) if (existsSync(programsOf(way).bench)) return programsOf(way);
  process.stderr.write(`Making llama-bench ${release} (${kind}) from the sources in the package; done once\n`);
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'making-'));
  const failures: string[] = [];
  try {
    const source = join(work, 'source');
    await runProgram('git', ['-c', 'advice.detachedHead=false', 'clone', '--quiet', join(packageFolder, 'llama', 'gitRelease.bundle'), source]);
    for (const way of wanted) {
      const made = join(work, way);
      await mkdir(made);
      try {
        await (way === 'package' ? linkWithPackage(source, shipped.binsFolder, made) : buildWhole(source, kind, made));
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
        process.stderr.write(`  That did not work: ${failures.at(-1)?.slice(0, 400) ?? ''}\n`);
        continue;
      }
      const programs = programsOf(way);
      await rm(programs.folder, { recursive: true, force: true });
      await rename(made, programs.folder);
      return programs;
    }
    throw new Error(`llama-bench cannot be made: ${failures.join('\n')}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
