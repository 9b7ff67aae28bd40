import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BackendsState } from '../../../contract/inference.ts';
import { isUnderWay, type Job } from '../../../contract/jobs.ts';
import { createMemoryLogger, problemFrom, until } from '../../supervisor/fixtures/test-support.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { tinyModel } from '../../testing/models.ts';
import type { InstalledBackend } from './backend-parts.ts';
import { createBackends, type Backends, type BackendsOptions } from './create-backends.ts';
import { findPrebuilt, findShipped } from './find-installed.ts';
import { findRuntime } from './find-runtime.ts';
import { enginePackage, makeEngineFolder } from './make-engine-folder.ts';
import { runTrial } from './run-trial.ts';
import { backendsFixture, packageFolder, type TestGpu, type TestMachine } from './fixtures/backends-fixture.ts';

const ends: (() => Promise<void>)[] = [];
afterAll(async () => { for (const end of ends.splice(0)) await end(); });

const system = { platform: process.platform, arch: process.arch };
const h200: TestGpu = { uuid: 'GPU-h200', name: 'NVIDIA H200', capability: '9.0' };
const rtx: TestGpu = { uuid: 'GPU-4090', name: 'NVIDIA GeForce RTX 4090', capability: '8.9' };
const auto = { backend: 'auto' as const, devices: [] };
const cuda = { backend: 'cuda' as const, devices: [] };

interface Made { backends: Backends; options: BackendsOptions; folder: string; machine: { current: TestMachine }; tried: () => string[] }
function make(current: TestMachine, more: Partial<BackendsOptions> = {}, folder = makeTestFolder('backends')): Made {
  const machine = { current };
  const log = createMemoryLogger();
  const { options, end } = backendsFixture(folder, machine, { log, ...more });
  const backends = createBackends(options);
  ends.push(async () => { await backends.stop(); await end(); });
  return { backends, options, folder, machine, tried: () => log.lines.filter((line) => line.message === 'a build of llama.cpp was tried').map((line) => String(line.fields['id'])) };
}
/** A folder of files that are no libraries, found through LD_LIBRARY_PATH. */
function garbageLibraries(names: readonly string[]): string {
  const folder = makeTestFolder('libraries');
  for (const name of names) writeFileSync(join(folder, name), 'this is no library\n');
  return folder;
}
const searchPath = (folder: string): Partial<BackendsOptions> => ({ env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: folder } });
const one = (state: BackendsState, id: string): BackendsState['backends'][number] => {
  const found = state.backends.find((b) => b.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  return found;
};
async function ended(options: BackendsOptions, job: Job): Promise<Job> {
  await until(() => !isUnderWay(options.jobs.get(job.id)), 60_000);
  return options.jobs.get(job.id);
}

describe('a machine without a GPU', () => {
  it('chooses the processor after a real decode, says why, and judges the others without running them', async () => {
    const { backends, tried, options } = make({});
    const chosen = await backends.choose(auto);
    expect(chosen).toMatchObject({ id: 'cpu', kind: 'cpu', engineFolder: null, env: {}, release: 'v0.5.0' });
    expect(chosen.why).toMatch(/No NVIDIA GPU answers.*16 tokens were decoded/);
    const state = await backends.tryAgain();
    expect(one(state, 'cuda')).toMatchObject({ release: 'v0.5.0', sass: ['sm_86', 'sm_89', 'sm_120a', 'sm_121a'], ptx: ['compute_75 (PTX 9.1)', 'compute_80 (PTX 9.1)', 'compute_90 (PTX 9.1)'], devices: [], trial: { state: 'missing' }, chosen: false });
    expect(one(state, 'cuda').runtime.map((file) => file.library)).toEqual(['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcuda.so.1']);
    expect(['missing', 'fails']).toContain(one(state, 'vulkan').trial.state);
    expect(one(state, 'cpu')).toMatchObject({ chosen: true, trial: { state: 'works', problem: null } });
    expect(state).toMatchObject({ offers: [], problems: [], looking: false });
    expect(tried().filter((id) => id === 'cuda')).toEqual([]);
    expect(options.supervisor.statuses().filter((s) => s.name.includes('trial'))).toEqual([]);
    expect(await problemFrom(backends.choose(cuda))).toMatchObject({ code: 'engine.backend_fails', cause: expect.stringContaining('No NVIDIA GPU answers') });
    expect(await problemFrom(backends.choose({ backend: 'auto', devices: ['GPU-x'] }))).toMatchObject({ code: 'engine.no_backend' });
  });

  it('looks and tries by itself when somebody asks for the state, once', async () => {
    const { backends, tried } = make({});
    expect(backends.state().backends).toEqual([]);
    await until(() => backends.state().backends.some((b) => b.chosen) && !backends.state().looking, 60_000);
    expect(tried()).toEqual(['cpu']);
  });

  it('keeps a verdict over engines; another driver or a changed library makes it void', async () => {
    const first = make({});
    await Promise.all([first.backends.choose(auto), first.backends.choose(auto), first.backends.choose({ backend: 'cpu', devices: [] })]);
    expect(first.tried()).toEqual(['cpu']);
    const second = make({}, {}, first.folder);
    await second.backends.choose(auto);
    expect(second.tried()).toEqual([]);
    second.machine.current = { driver: '999.1' };
    await second.backends.choose(auto);
    expect(second.tried()).toEqual(['cpu']);
    writeFileSync(join(first.folder, 'trials.json'), '{"schemaVersion":1,"trials":"no"}');
    const third = make({}, {}, first.folder);
    expect((await third.backends.choose(auto)).id).toBe('cpu');
    expect(third.tried()).toEqual(['cpu']);
  });

  it('gives up waiting at once, and ends in mid-trial', async () => {
    const { backends } = make({});
    const abort = new AbortController();
    const waiting = backends.choose(auto, abort.signal);
    await until(() => backends.gauge.get()?.backends.some((b) => b.trial.state === 'running') === true, 30_000);
    abort.abort(new Error('called off'));
    await expect(waiting).rejects.toThrow('called off');
    await backends.stop();
    expect(backends.gauge.get()?.backends.find((b) => b.id === 'cpu')?.trial.state).not.toBe('running');
  });
});

describe('a machine with a GPU', () => {
  const everything = ['libcuda.so.1', 'libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13'];

  it('does not run a build whose PTX is too new for the driver: it would abort', async () => {
    const { backends, tried } = make({ gpus: [h200], cuda: '13.0' }, searchPath(garbageLibraries(everything)));
    const problem = await problemFrom(backends.choose(cuda));
    expect(problem).toMatchObject({ code: 'engine.backend_fails' });
    expect(problem.cause).toMatch(/NVIDIA H200: .*CUDA 13\.1.*driver takes CUDA 13\.0/);
    expect(tried()).toEqual([]);
    const state = await backends.tryAgain();
    expect(one(state, 'cuda').devices).toMatchObject([{ uuid: 'GPU-h200', promise: 'incompatible' }]);
    expect(state.offers).toMatchObject([{ kind: 'build_cuda' }]);
    const newer = make({ gpus: [h200], cuda: '13.1' }, searchPath(garbageLibraries(everything)));
    expect(one(await newer.backends.tryAgain(), 'cuda').devices).toMatchObject([{ promise: 'jit' }]);
  });

  it('says that the runtime is missing, fetches it, shows which file is used, and survives that it is garbage', async () => {
    const fetched: string[] = [];
    const { backends, options, folder, tried } = make({ gpus: [rtx], cuda: '13.0' }, {
      ...searchPath(garbageLibraries(['libcuda.so.1'])),
      unpackWheels: (packages, target) => {
        fetched.push(...packages.map((p) => `${p.name}==${p.version}`));
        mkdirSync(join(target, 'nvidia', 'cu13', 'lib'), { recursive: true });
        for (const name of everything.slice(1)) writeFileSync(join(target, 'nvidia', 'cu13', 'lib', name), 'this is no library\n');
        return Promise.resolve();
      },
    });
    expect(await problemFrom(backends.choose(cuda))).toMatchObject({ code: 'engine.cuda_runtime_missing', cause: expect.stringContaining('libcudart.so.13'), remedy: 'Fetch it (403 MB).' });
    expect(backends.state().offers).toMatchObject([{ kind: 'fetch_cuda_runtime', bytes: 403_383_393, possible: true }]);
    const job = await ended(options, backends.fetchRuntime());
    expect(job).toMatchObject({ kind: 'download', state: 'done' });
    expect(fetched).toEqual(['nvidia-cuda-runtime==13.1.80', 'nvidia-cublas==13.2.1.1']);
    const state = backends.state();
    expect(one(state, 'cuda').runtime.find((file) => file.library === 'libcublas.so.13')).toEqual({ library: 'libcublas.so.13', path: join(folder, 'cuda-runtime', 'nvidia', 'cu13', 'lib', 'libcublas.so.13'), from: 'fetched by Warpdeck' });
    // The bytes promise that it runs; only the trial shows that it does not, in a process of its own.
    expect(one(state, 'cuda').devices).toMatchObject([{ promise: 'native' }]);
    expect(one(state, 'cuda').trial).toMatchObject({ state: 'fails', problem: { code: 'engine.backend_fails' } });
    expect(one(state, 'cuda').trial.detail).toMatch(/cannot load it: .*(?:too short|invalid ELF header)/);
    expect(tried()).toContain('cuda');
    const chosen = await backends.choose(auto);
    expect(chosen.id).toBe('cpu');
    expect(chosen.why).toContain('The CUDA build that ships is not used:');
    expect(await problemFrom(backends.choose({ backend: 'auto', devices: ['GPU-4090'] }))).toMatchObject({ code: 'engine.no_backend' });
  });

  it('a fetch that brings something else, or fails, leaves nothing', async () => {
    const { backends, options, folder } = make({ gpus: [rtx], cuda: '13.0' }, { unpackWheels: () => Promise.resolve() });
    expect(await ended(options, backends.fetchRuntime())).toMatchObject({ state: 'failed', problem: { code: 'download.unknown' } });
    expect([existsSync(join(folder, 'cuda-runtime')), existsSync(join(folder, 'cuda-runtime.part'))]).toEqual([false, false]);
  });

  it('survives a Vulkan loader that is none', async () => {
    const { backends } = make({ gpus: [rtx], cuda: '13.0' }, searchPath(garbageLibraries(['libvulkan.so.1'])));
    expect(await problemFrom(backends.choose({ backend: 'vulkan', devices: [] }))).toMatchObject({ code: 'engine.backend_fails' });
    expect((await backends.choose({ backend: 'cpu', devices: [] })).id).toBe('cpu');
  });
});

describe('a library that is given', () => {
  const given = (path: string): Partial<BackendsOptions> => ({ env: { PATH: process.env['PATH'], WARPDECK_LLAMA_CUDA: path } });

  it('is put into a copy of the package, again when it changed, and its trial cannot harm', async () => {
    const library = join(makeTestFolder('given'), 'libggml-cuda.so');
    writeFileSync(library, 'first');
    const { backends, folder } = make({ gpus: [rtx], cuda: '13.0' }, given(library));
    const entry = one(await backends.tryAgain(), 'cuda-given');
    const copy = join(folder, 'engines', 'cuda-given', 'node_modules', 'node-llama-cpp', 'bins', 'linux-x64-cuda');
    expect(entry).toMatchObject({ kind: 'cuda', release: 'v0.5.0', path: join(copy, 'libggml-cuda.so'), trial: { state: 'fails' } });
    expect(readFileSync(join(copy, 'libggml-cuda.so'), 'utf8')).toBe('first');
    expect(existsSync(join(copy, 'llama-addon.node'))).toBe(true);
    writeFileSync(library, 'second');
    utimesSync(library, new Date(), new Date(Date.now() + 5000));
    await backends.tryAgain();
    expect(readFileSync(join(copy, 'libggml-cuda.so'), 'utf8')).toBe('second');
    expect(readFileSync(join(packageFolder, '..', '@node-llama-cpp', 'linux-x64-cuda', 'bins', 'linux-x64-cuda', 'libggml-cuda.so')).length).toBeGreaterThan(1e8);
  });

  it.each([['no/whole/path.so', 'give a whole path'], ['/nowhere/libggml-cuda.so', 'no such file']])('says what is wrong with %s', async (path, why) => {
    const { backends } = make({}, given(path));
    expect(one(await backends.tryAgain(), 'cuda-given')).toMatchObject({ path: null, trial: { state: 'missing', detail: expect.stringContaining(why) } });
  });
});

describe('a copy of the package', () => {
  it('is what the worker loads: with whole libraries it decodes, with a broken one it fails, and nothing else breaks', async () => {
    const { options, end } = backendsFixture(makeTestFolder('copy'), { current: {} });
    ends.push(end);
    const shipped = await findPrebuilt(packageFolder, 'cpu', system);
    if ('why' in shipped) throw new Error(shipped.why);
    const root = makeTestFolder('engines'), modelPath = await tinyModel(root), broken = join(root, 'broken.so');
    writeFileSync(broken, 'this is no library');
    const tryCopy = async (name: string, put: Record<string, string>): ReturnType<typeof runTrial> => {
      const target = join(root, name);
      await makeEngineFolder({ packageFolder, binsFolder: shipped.binsFolder, leaveOut: null, put, target });
      const backend: InstalledBackend = { id: 'cpu-local', kind: 'cpu', release: null, library: join(enginePackage(target), 'bins', shipped.name, Object.keys(put)[0] ?? 'llama-addon.node'), engineFolder: enginePackage(target) };
      return runTrial({ supervisor: options.supervisor, log: options.log, backend, env: {}, modelPath, limitMs: 60_000, signal: new AbortController().signal });
    };
    expect(await tryCopy('whole', {})).toMatchObject({ state: 'works' });
    expect(await tryCopy('broken', { 'libllama.v0.5.0.so': broken })).toMatchObject({ state: 'fails', problem: { code: 'engine.backend_fails', cause: expect.stringMatching(/cannot load it/) } });
  });

  it('a package of another version is passed over and told', async () => {
    const root = makeTestFolder('versions');
    for (const [folder, version] of [['node-llama-cpp', '3.22.1'], ['@node-llama-cpp/linux-x64-cuda', '3.0.0'], ['@node-llama-cpp/linux-x64', '3.22.1']] as const) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ version }));
    }
    expect(await findShipped(join(root, 'node-llama-cpp'), { platform: 'linux', arch: 'x64' })).toEqual([
      { id: 'cuda', kind: 'cuda', why: '@node-llama-cpp/linux-x64-cuda is 3.0.0, node-llama-cpp is 3.22.1: both must be of one version.' },
      { id: 'vulkan', kind: 'vulkan', why: 'The package @node-llama-cpp/linux-x64-vulkan is not installed.' },
      { id: 'cpu', kind: 'cpu', why: '@node-llama-cpp/linux-x64 is installed without its library llama-addon.node.' },
    ]);
  });
});

describe('a trial', () => {
  const tryPackage = async (source: string, limitMs: number): ReturnType<typeof runTrial> => {
    const { options, end } = backendsFixture(makeTestFolder('dying'), { current: {} });
    ends.push(end);
    const root = makeTestFolder('package');
    mkdirSync(join(root, 'dist'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(join(root, 'dist', 'index.js'), source);
    const backend: InstalledBackend = { id: 'cuda-local', kind: 'cuda', release: null, library: join(root, 'dist', 'index.js'), engineFolder: root };
    return runTrial({ supervisor: options.supervisor, log: options.log, backend, env: {}, modelPath: await tinyModel(root), limitMs, signal: new AbortController().signal });
  };
  const LEVELS = 'export const LlamaLogLevel = { info: "info" };';

  it('that kills its process says what it said last', async () => {
    const outcome = await tryPackage(`${LEVELS} export async function getLlama() { process.stderr.write('CUDA error: the provided PTX was compiled with an unsupported toolchain.\\n'); process.abort(); }`, 60_000);
    expect(outcome).toMatchObject({ state: 'fails', lasting: true, problem: { code: 'engine.backend_fails' } });
    expect(outcome.detail).toContain('SIGABRT');
    expect(outcome.detail).toContain('unsupported toolchain');
  });

  it('that does not come to an end is given up, and tried again another time', async () => {
    expect(await tryPackage(`${LEVELS} export function getLlama() { return new Promise(() => setInterval(() => undefined, 1000)); }`, 2000)).toMatchObject({ state: 'fails', lasting: false, problem: { code: 'engine.backend_fails' } });
  });
});

describe('looking for the runtime', () => {
  it('takes all of one place where it can, and tells the loader only of folders that it does not know', async () => {
    const half = garbageLibraries(['libcudart.so.13']), whole = garbageLibraries(['libcudart.so.13', 'libcublas.so.13']), own = garbageLibraries(['libcuda.so.1']);
    const found = await findRuntime(['libcudart.so.13', 'libcublas.so.13', 'libcuda.so.1', 'libnccl.so.2'], [
      { from: 'half', folders: [half], system: false }, { from: 'whole', folders: [join(whole, 'missing'), whole], system: false }, { from: 'the system', folders: [own], system: true },
    ]);
    expect(found.files.map((file) => file.from)).toEqual(['whole', 'whole', 'the system', null]);
    expect(found.folders).toEqual([whole]);
  });
});

describe('building', () => {
  it('says what it needs where nothing is there, and builds nothing for Vulkan', async () => {
    const { backends, options } = make({ gpus: [h200], cuda: '13.0' }, { env: { PATH: makeTestFolder('empty') } });
    const job = await ended(options, backends.build('cuda'));
    expect(job).toMatchObject({ kind: 'build', state: 'failed', problem: { code: 'engine.build_needs' } });
    expect(job.problem?.cause).toMatch(/git; cmake 3\.18 or newer; a C\+\+ compiler; ninja or make; CUDA toolkit 11\.8 or newer, below 14\.0/);
    expect(await ended(options, backends.build('vulkan'))).toMatchObject({ state: 'failed', problem: { code: 'engine.build_needs' } });
  });

  it('says what the compiler said, and leaves nothing', async () => {
    const bin = makeTestFolder('bin');
    const real = (name: string): string => execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    symlinkSync(real('git'), join(bin, 'git'));
    for (const [name, script] of [['cmake', 'case "$1" in --version) echo "cmake version 3.30.0";; *) echo "CMake Error at CMakeLists.txt:7 (message):"; echo "  The compiler is broken"; exit 1;; esac'], ['c++', 'exit 1'], ['make', 'exit 1']] as const) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const { backends, options, folder } = make({}, { env: { PATH: bin } });
    const job = await ended(options, backends.build('cpu'));
    expect(job).toMatchObject({ state: 'failed', problem: { code: 'engine.build_failed', cause: expect.stringContaining('CMake Error at CMakeLists.txt:7 (message): The compiler is broken') } });
    expect(existsSync(join(folder, 'engines', 'building-cpu-local'))).toBe(false);
  });
});
