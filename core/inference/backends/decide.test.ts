import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { BackendId, DevicePromise, Trial } from './backend-parts.ts';
import { decideBuildNeeds, decideToolkit, type BuildTools } from './build-needs.ts';
import { cmakeArguments, parseBuildProgress } from './build-llama.ts';
import { decideChoice, type Candidate } from './decide-choice.ts';
import { decideOffers } from './decide-offers.ts';
import { decidePromise } from './decide-promise.ts';
import { decideTrialNeed } from './decide-trial-need.ts';
import { foreignLibraries, prebuiltName, runtimeMajor } from './library-names.ts';
import { parseDistribution } from './read-build-tools.ts';
import { decideTrialOutcome, isLasting } from './run-trial.ts';
import { decideRuntimePlaces } from './runtime-places.ts';
import { trialKey } from './trial-store.ts';

const linux = { platform: 'linux', arch: 'x64' } as const, windows = { platform: 'win32', arch: 'x64' } as const;
const kindOf = (id: BackendId): Candidate['kind'] => (id.startsWith('cuda') ? 'cuda' : id.startsWith('cpu') ? 'cpu' : 'vulkan');
const candidate = (id: BackendId, state: Trial['state'], detail: string | null = null, promises: DevicePromise[] = []): Candidate => ({
  id, kind: kindOf(id), promises,
  trial: { state, detail, seconds: null, problem: state === 'fails' ? makeProblem('engine.backend_fails', { kind: kindOf(id), detail, remedy: 'Update the driver.' }) : null },
});
const h200 = { uuid: 'GPU-a', name: 'NVIDIA H200' }, old = { uuid: 'GPU-b', name: 'Tesla V100' };

describe('the choice', () => {
  const auto = { backend: 'auto' as const, devices: [] as string[] };
  it.each<[string, Parameters<typeof decideChoice>[0], object]>([
    ['no GPU: the processor, and nothing else is tried', { wish: auto, gpus: [], candidates: [candidate('cuda', 'untried'), candidate('vulkan', 'untried'), candidate('cpu', 'works')] }, { t: 'chosen', id: 'cpu', why: expect.stringContaining('No NVIDIA GPU answers') }],
    ['no GPU: the processor must be tried first', { wish: auto, gpus: [], candidates: [candidate('cuda', 'works'), candidate('cpu', 'untried')] }, { t: 'try', id: 'cpu' }],
    ['a GPU: CUDA is tried first', { wish: auto, gpus: [h200], candidates: [candidate('cpu', 'works'), candidate('vulkan', 'works'), candidate('cuda', 'untried')] }, { t: 'try', id: 'cuda' }],
    ['a build that was given goes before the one that ships', { wish: auto, gpus: [h200], candidates: [candidate('cuda', 'works'), candidate('cuda-given', 'works')] }, { t: 'chosen', id: 'cuda-given' }],
    ['CUDA fails: Vulkan, and it is said why', { wish: auto, gpus: [h200], candidates: [candidate('cuda', 'fails', 'It aborts.'), candidate('vulkan', 'works'), candidate('cpu', 'works')] }, { t: 'chosen', id: 'vulkan', why: expect.stringContaining('The CUDA build that ships is not used: It aborts.') }],
    ['both fail: the processor, and both are named', { wish: auto, gpus: [h200], candidates: [candidate('cuda', 'fails', 'A'), candidate('vulkan', 'missing', 'B'), candidate('cpu', 'works')] }, { t: 'chosen', id: 'cpu', why: expect.stringMatching(/not used: A\. .*not used: B\./) }],
    ['a GPU named: never the processor', { wish: { backend: 'auto', devices: ['GPU-a'] }, gpus: [h200], candidates: [candidate('cuda', 'fails', 'A'), candidate('cpu', 'works')] }, { t: 'none', problem: { code: 'engine.no_backend' } }],
    ['a GPU named that is not there', { wish: { backend: 'auto', devices: ['GPU-x'] }, gpus: [h200], candidates: [candidate('cuda', 'works')] }, { t: 'none', problem: { code: 'engine.no_backend', cause: expect.stringContaining('GPU-x') } }],
    ['CUDA by name never falls to another', { wish: { backend: 'cuda', devices: [] }, gpus: [h200], candidates: [candidate('cuda', 'fails', 'It aborts.'), candidate('vulkan', 'works'), candidate('cpu', 'works')] }, { t: 'none', problem: { code: 'engine.backend_fails', cause: 'It aborts.' } }],
    ['Vulkan by name without a GPU of NVIDIA is tried', { wish: { backend: 'vulkan', devices: [] }, gpus: [], candidates: [candidate('vulkan', 'untried')] }, { t: 'try', id: 'vulkan' }],
    ['the processor by name beside a GPU', { wish: { backend: 'cpu', devices: [] }, gpus: [h200], candidates: [candidate('cuda', 'works'), candidate('cpu', 'works')] }, { t: 'chosen', id: 'cpu', why: expect.stringContaining('Asked for by name') }],
    ['works on one GPU, not on the named one', { wish: { backend: 'cuda', devices: ['GPU-b'] }, gpus: [h200, old], candidates: [candidate('cuda', 'works', null, [{ ...h200, promise: 'native', why: '' }, { ...old, promise: 'incompatible', why: 'none of it runs' }])] }, { t: 'none', problem: { code: 'engine.backend_fails', cause: expect.stringContaining('Tesla V100') } }],
    ['nothing is installed', { wish: auto, gpus: [], candidates: [] }, { t: 'none', problem: { code: 'engine.no_backend' } }],
  ])('%s', (_name, question, expected) => { expect(decideChoice(question)).toMatchObject(expected); });
});

describe('what the bytes promise', () => {
  const code = [{ arch: 'sm_86', kind: 'sass' as const, containers: 1, entries: 1, ptxIsa: null }, { arch: 'compute_90', kind: 'ptx' as const, containers: 1, entries: 1, ptxIsa: '9.1' }];
  const ask = (over: object): DevicePromise => decidePromise({ backend: { kind: 'cuda' }, facts: { code, troubles: [] }, gpu: { ...h200, computeCapability: '9.0' }, judgement: { state: 'native', by: 'sm_90', needCuda: null }, runtimeMajor: 13, driverCuda: '13.0', ...over });
  it.each<[string, object, string, RegExp]>([
    ['native', {}, 'native', /sm_90/],
    ['PTX of a newer toolkit would abort', { judgement: { state: 'ptx_too_new', by: 'compute_90', needCuda: '13.1' } }, 'incompatible', /CUDA 13\.1.*CUDA 13\.0/],
    ['a driver that is too old for the runtime', { driverCuda: '12.4' }, 'incompatible', /made for CUDA 13; the driver takes CUDA 12\.4/],
    ['none fits', { judgement: { state: 'missing', by: null, needCuda: null } }, 'incompatible', /none of it runs on a GPU of compute capability 9\.0/],
    ['compiled by the driver', { judgement: { state: 'jit', by: 'compute_90', needCuda: '13.1' } }, 'jit', /compiles compute_90/],
    ['capability not reported', { judgement: null }, 'unknown', /not reported/],
    ['a library without code', { facts: { code: [], troubles: ['It is cut off.'] } }, 'unknown', /cut off/],
    ['Vulkan', { backend: { kind: 'vulkan' } }, 'unknown', /only a trial/],
  ])('%s', (_name, over, promise, why) => {
    const answer = ask(over);
    expect(answer.promise).toBe(promise);
    expect(answer.why).toMatch(why);
  });
});

describe('whether a trial is needed', () => {
  const file = (library: string, path: string | null = null) => ({ library, path, from: path });
  const all = ['libcudart.so.13', 'libcublas.so.13', 'libcuda.so.1'].map((name) => file(name, `/x/${name}`));
  const promise = (p: DevicePromise['promise']): DevicePromise => ({ ...h200, promise: p, why: 'because' });
  it.each<[string, Partial<Parameters<typeof decideTrialNeed>[0]>, object]>([
    ['the processor always', { kind: 'cpu' }, { need: 'try' }],
    ['everything there', {}, { need: 'try' }],
    ['one of two GPUs is served', { promises: [promise('incompatible'), promise('native')] }, { need: 'try' }],
    ['no GPU is served: not run, for it may abort', { promises: [promise('incompatible')] }, { need: 'fails', problem: { code: 'engine.backend_fails', cause: expect.stringContaining('because') } }],
    ['no GPU', { gpus: 0 }, { need: 'missing', problem: null }],
    ['no driver', { runtime: [file('libcuda.so.1')] }, { need: 'missing', problem: { code: 'engine.backend_fails' } }],
    ['no runtime', { runtime: [file('libcudart.so.13'), file('libcublas.so.13')] }, { need: 'missing', problem: { code: 'engine.cuda_runtime_missing', cause: expect.stringContaining('libcudart.so.13 and libcublas.so.13'), remedy: 'Fetch it (0.40 GB).' } }],
    ['no NCCL', { runtime: [file('libnccl.so.2')] }, { need: 'missing', problem: { code: 'engine.backend_fails', cause: expect.stringContaining('libnccl') } }],
    ['no Vulkan loader', { kind: 'vulkan', runtime: [file('libvulkan.so.1')] }, { need: 'missing', problem: { code: 'engine.backend_fails', remedy: expect.stringContaining('libvulkan1') } }],
  ])('%s', (_name, over, expected) => { expect(decideTrialNeed({ kind: 'cuda', gpus: 1, runtime: all, promises: [promise('native')], runtimeSize: '0.40 GB', ...over })).toMatchObject(expected); });

  it.each<[string, Parameters<typeof decideTrialOutcome>, boolean]>([
    ['on the GPU', ['cuda', { backend: 'cuda', deviceNames: ['NVIDIA H200'], gpuLayers: 3, layers: 3 }, [900]], true],
    ['another backend answered', ['cuda', { backend: 'cpu', deviceNames: [], gpuLayers: 0, layers: 3 }, [900]], false],
    ['a processor that plays a GPU', ['vulkan', { backend: 'vulkan', deviceNames: ['llvmpipe (LLVM 15)'], gpuLayers: 3, layers: 3 }, [900]], false],
    ['no GPU', ['vulkan', { backend: 'vulkan', deviceNames: [], gpuLayers: 3, layers: 3 }, [900]], false],
    ['not all layers', ['cuda', { backend: 'cuda', deviceNames: ['a'], gpuLayers: 2, layers: 3 }, [900]], false],
    ['no token', ['cpu', { backend: 'cpu', deviceNames: [], gpuLayers: 0, layers: 3 }, []], false],
  ])('a decode: %s', (_name, args, works) => { expect(decideTrialOutcome(...args).works).toBe(works); });

  it('a verdict that memory or time made is not kept', () => {
    expect(['CUDA error: out of memory', 'load.no_memory: x', 'worker.unresponsive: x'].map((text) => isLasting([text]))).toEqual([false, false, false]);
    expect(isLasting(['The system cannot load it: invalid ELF header', 'engine.backend_fails: NoBinaryFoundError'])).toBe(true);
  });

  it('a verdict depends on everything that it was made with', () => {
    const base = { id: 'cuda', libraryHash: 'a', driverVersion: '580', gpus: ['x', 'y'], runtime: ['r'], release: 'v' };
    expect(trialKey({ ...base, gpus: ['y', 'x'] })).toBe(trialKey(base));
    for (const change of [{ libraryHash: 'b' }, { driverVersion: '590' }, { driverVersion: null }, { gpus: ['x'] }, { runtime: ['s'] }, { release: 'w' }]) expect(trialKey({ ...base, ...change })).not.toBe(trialKey(base));
  });
});

describe('names and places', () => {
  it('the packages that ship', () => {
    expect([prebuiltName(linux, 'cuda'), prebuiltName(linux, 'cpu'), prebuiltName({ platform: 'win32', arch: 'arm64' }, 'cpu'), prebuiltName({ platform: 'darwin', arch: 'arm64' }, 'cpu'), prebuiltName({ platform: 'darwin', arch: 'arm64' }, 'cuda'), prebuiltName({ platform: 'aix', arch: 'ppc' }, 'cpu')]).toEqual(['linux-x64-cuda', 'linux-x64', 'win-arm64', 'mac-arm64-metal', null, null]);
  });
  it('what is foreign of what a library needs', () => {
    expect(foreignLibraries(['libggml-base.so', 'libcudart.so.13', 'libcublas.so.13', 'libcuda.so.1', 'libnccl.so.2', 'libstdc++.so.6', 'libm.so.6', 'libc.so.6', 'libgcc_s.so.1'], 'cuda', linux)).toEqual(['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcuda.so.1', 'libnccl.so.2']);
    expect(foreignLibraries([], 'cuda', windows)).toContain('cublasLt64_13.dll');
    expect([runtimeMajor(['libcudart.so.12']), runtimeMajor(['cudart64_13.dll']), runtimeMajor(['libm.so'])]).toEqual([12, 13, null]);
  });
  it('places in order: fetched, environments, toolkits, the system', () => {
    const around = { environments: [{ prefix: '/e', sitePackages: ['/e/lib/python3.12/site-packages'] }], fetchedFolder: '/f', env: { CUDA_HOME: '/opt/cuda', LD_LIBRARY_PATH: '/l:relative' }, loaderFolders: ['/extra'], toolkits: ['/usr/local/cuda-13.0'], ownFolders: ['/own'] };
    const places = decideRuntimePlaces(around, linux);
    expect(places.map((p) => p.from)).toEqual(['beside the library', 'fetched by Warpdeck', 'environment /e', 'LD_LIBRARY_PATH', 'CUDA toolkit /opt/cuda', 'CUDA toolkit /usr/local/cuda-13.0', 'the system', 'the system’s driver']);
    expect(places[2]?.folders).toContain('/e/lib/python3.12/site-packages/nvidia/cu13/lib');
    expect(places[3]?.folders).toEqual(['/l']);
  });
});

describe('building', () => {
  const tools: BuildTools = { git: '/usr/bin/git', cmake: { path: '/usr/bin/cmake', version: '3.25.1' }, compiler: '/usr/bin/c++', generator: '/usr/bin/ninja', nvcc: { path: '/usr/local/cuda/bin/nvcc', version: '13.0' }, distribution: ['ubuntu', 'debian'] };
  it.each<[string, string[], string | null, { atLeast: string; below: string | null; wish: string }]>([
    ['H100, driver of CUDA 13.0', ['9.0'], '13.0', { atLeast: '11.8', below: '14.0', wish: '13.0' }],
    ['RTX 5090, driver of CUDA 12.8', ['12.0'], '12.8', { atLeast: '12.8', below: '13.0', wish: '12.9' }],
    ['V100: CUDA 13 has left it', ['7.0'], '13.0', { atLeast: '9.0', below: '13.0', wish: '12.9' }],
    ['an old and a new one', ['8.6', '12.1'], null, { atLeast: '12.9', below: null, wish: '13.0' }],
    ['a GPU newer than the table', ['13.0'], null, { atLeast: '13.0', below: null, wish: '13.0' }],
  ])('toolkit for %s', (_name, capabilities, driver, expected) => { expect(decideToolkit(capabilities, driver)).toEqual(expected); });

  it('all there', () => {
    const needs = decideBuildNeeds({ kind: 'cuda', tools, computeCapabilities: ['9.0', '12.0', '9.0'], driverCuda: '13.0' });
    expect(needs.needs.every((n) => n.met)).toBe(true);
    expect(needs).toMatchObject({ remedy: '', architectures: ['90-real', '120a-real'] });
  });
  it('says what is missing with the distribution’s names', () => {
    const bare: BuildTools = { ...tools, cmake: { path: '/usr/bin/cmake', version: '3.10' }, compiler: null, nvcc: null };
    const ask = (distribution: string[]) => decideBuildNeeds({ kind: 'cuda', tools: { ...bare, distribution }, computeCapabilities: ['9.0'], driverCuda: '13.0' });
    expect(ask(['ubuntu']).remedy).toMatch(/^sudo apt install cmake g\+\+ cuda-toolkit-13-0 /);
    expect(ask(['fedora']).remedy).toMatch(/^sudo dnf install cmake gcc-c\+\+ cuda-toolkit-13-0 /);
    expect(ask(['arch']).remedy).toMatch(/^sudo pacman -S cmake gcc cuda /);
    expect(ask(['unheard']).remedy).toMatch(/^Install cmake 3\.18 or newer, a C\+\+ compiler, CUDA toolkit 11\.8 or newer, below 14\.0/);
    expect(ask(['ubuntu']).needs.filter((n) => !n.met).map((n) => n.text)).toEqual(['cmake 3.18 or newer', 'a C++ compiler', 'CUDA toolkit 11.8 or newer, below 14.0']);
  });
  it('a toolkit that is too new for the driver does not serve', () => {
    const { needs } = decideBuildNeeds({ kind: 'cuda', tools, computeCapabilities: ['9.0'], driverCuda: '12.4' });
    expect(needs.find((n) => n.text.startsWith('CUDA toolkit'))).toMatchObject({ met: false, detail: '/usr/local/cuda/bin/nvcc (13.0)' });
  });
  it('reads progress of ninja and make', () => {
    expect(['[12/340] Building CUDA object', '[ 12%] Building', '[100%] Built', 'nothing', '[1/0] x'].map(parseBuildProgress)).toEqual([12 / 340, 0.12, 1, null, null]);
  });
  it('tells cmake only what it needs', () => {
    expect(cmakeArguments('cuda', 'x64', ['90-real', '120a-real'], '/usr/bin/ninja', '/c/nvcc')).toEqual(expect.arrayContaining(['-G', 'Ninja', '-DGGML_CUDA=ON', '-DCMAKE_CUDA_ARCHITECTURES=90-real;120a-real', '-DCMAKE_CUDA_COMPILER=/c/nvcc', '-DGGML_CUDA_NCCL=OFF']));
    expect(cmakeArguments('cpu', 'arm64', [], '/usr/bin/make', null)).toEqual(expect.arrayContaining(['-DCMAKE_C_FLAGS=-mcpu=native']));
  });
  it('reads the distribution', () => {
    expect(parseDistribution('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n')).toEqual(['ubuntu', 'debian']);
    expect(parseDistribution('ID="rocky"\nID_LIKE="rhel centos fedora"')).toEqual(['rocky', 'rhel', 'centos', 'fedora']);
    expect(parseDistribution('garbage')).toEqual([]);
  });

  const runtimeMissing = { state: 'missing' as const, detail: 'libcudart.so.13 was not found.', problem: makeProblem('engine.cuda_runtime_missing', { libraries: 'libcudart.so.13', size: '0.40 GB' }) };
  const fails = { state: 'fails' as const, detail: 'It aborts.', problem: null };
  const base = { gpus: [h200], cuda: [fails], runtimeBytes: 403e6, runtimeCuda: '13.1', build: decideBuildNeeds({ kind: 'cuda', tools, computeCapabilities: ['9.0'], driverCuda: '13.0' }) };
  it('offers what helps, and nothing where nothing would', () => {
    expect(decideOffers({ ...base, gpus: [] })).toEqual([]);
    expect(decideOffers({ ...base, cuda: [fails, { state: 'works', detail: null, problem: null }] })).toEqual([]);
    expect(decideOffers(base)).toMatchObject([{ kind: 'build_cuda', possible: true, why: 'It aborts.' }]);
    expect(decideOffers({ ...base, cuda: [runtimeMissing] })).toMatchObject([{ kind: 'fetch_cuda_runtime', bytes: 403e6, title: 'Fetch the CUDA 13.1 runtime (403 MB)' }]);
    const without = decideBuildNeeds({ kind: 'cuda', tools: { ...tools, nvcc: null }, computeCapabilities: ['9.0'], driverCuda: '13.0' });
    expect(decideOffers({ ...base, build: without })).toMatchObject([{ kind: 'build_cuda', possible: false, why: expect.stringContaining('cuda-toolkit-13-0') }]);
  });
});
