import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentXray, type EnvironmentXray, type FoundEnvironment } from '../../../contract/environments.ts';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { createCensusCache } from '../library/census-cache.ts';
import { makeFakeEnvironment, type FakeEnvironment } from './testing/make-fake-environment.ts';
import { xrayEnvironment } from './xray-environment.ts';

const make = (): FakeEnvironment => makeFakeEnvironment(makeTestFolder('xray'));
const xray = async (fake: FakeEnvironment, changes: Partial<FoundEnvironment> = {}): Promise<EnvironmentXray> => {
  const result = await xrayEnvironment({ environment: fake.found(changes), record: true, pins: true });
  // What the worker answers with has to pass the contract and JSON.
  return environmentXray.parse(JSON.parse(JSON.stringify(result)));
};
const codes = (result: EnvironmentXray): string[] => result.problems.map((problem) => problem.code);
const problem = (result: EnvironmentXray, code: string): string => result.problems.filter((one) => one.code === code).map((one) => one.cause).join('\n');

describe('torch', () => {
  test.each([
    ['1.13.1', '1.13.1+cu117', '11.7', ['sm_37', 'sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86']],
    ['2.4.1', '2.4.1+cu121', '12.1', ['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90']],
    ['2.8.0', '2.8.0+cu128', '12.8', ['sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120']],
    ['2.11.0', '2.11.0+cu130', '13.0', ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120']],
  ] as const)('%s as pip lays it', async (version, labelled, cuda, archs) => {
    const fake = make();
    fake.addTorch(version);
    const result = await xray(fake);
    expect(result.torch).toMatchObject({ path: join(fake.site, 'torch'), version: labelled, metadataVersion: version, build: 'cuda', cuda, hip: null, installer: 'pip', condaBuild: null, directUrl: null, flags: archs, census: archs });
    expect(result.torch?.wheelTag).toMatch(/^cp311-cp311-.*x86_64$/);
    expect(result.torch?.requires).toContainEqual(expect.stringMatching(/^typing-extensions/));
    expect(result.packages).toEqual([{ name: 'torch', version }]);
    expect(result.record).toMatchObject({ packages: 1, missing: 0, changed: 0, sharedCount: 0 });
    expect(result.problems).toEqual([]);
    expect(result.bytesRead).toBeGreaterThan(1000);
  });

  test('conda keeps the libraries in PREFIX/lib, with or without links', async () => {
    const fake = make();
    fake.addCondaTorch('2.4.1', 'cuda120_py312h5e9e2e6_300');
    const linked = await xray(fake);
    expect(linked.torch).toMatchObject({ version: '2.4.1+cu121', installer: 'conda', condaBuild: 'cuda120_py312h5e9e2e6_300', flags: expect.arrayContaining(['sm_90']) });
    expect(linked.torch?.census).toContain('sm_90');
    expect(linked.packages).toContainEqual({ name: 'libtorch', version: '2.4.1' });
    rmSync(join(fake.site, 'torch', 'lib'), { recursive: true });
    expect((await xray(fake)).torch?.census).toEqual(linked.torch?.census);
    expect(codes(linked)).toEqual([]);
  });

  test('pip over conda: conda still believes that its own is there', async () => {
    const fake = make();
    fake.addConda({ name: 'pytorch', version: '2.4.1', build: 'py312_0' });
    fake.addTorch('2.8.0');
    const result = await xray(fake);
    expect(result.torch).toMatchObject({ version: '2.8.0+cu128', installer: 'pip', condaBuild: null });
    expect(result.otherTorch).toEqual([{ path: join(fake.prefix, 'conda-meta', 'pytorch-2.4.1-py312_0.json'), version: '2.4.1', why: expect.stringContaining('conda') }]);
    expect(codes(result)).toEqual(['env.duplicate_torch']);
  });

  test('a CPU build is one by version.py, whatever METADATA requires', async () => {
    const fake = make();
    fake.addPackage({ name: 'torch', version: '2.11.0', requires: ['nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"'], files: { 'torch/__init__.py': '#', 'torch/version.py': "__version__ = '2.11.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n" } });
    expect((await xray(fake)).torch).toMatchObject({ version: '2.11.0+cpu', build: 'cpu', cuda: null, flags: null, census: null, libraries: [] });
  });

  test('two records in one folder', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    fake.addPackage({ name: 'torch', version: '2.4.1' });
    const result = await xray(fake);
    expect(result.torch).toMatchObject({ version: '2.8.0+cu128', metadataVersion: '2.8.0' });
    expect(result.otherTorch.map((other) => other.version)).toEqual(['2.4.1']);
    expect(problem(result, 'env.duplicate_torch')).toContain('torch-2.4.1.dist-info');
  });

  test('a second torch behind the first, in the user’s own folder and in the base', async () => {
    const fake = make();
    const user = join(fake.prefix, '..', 'user', 'site-packages');
    const base = join(fake.prefix, '..', 'base', 'lib', 'python3.12', 'site-packages');
    fake.addTorch('2.8.0');
    fake.addTorch('2.4.1', { into: user });
    fake.addTorch('1.13.1', { into: base });
    const before = await xray(fake, { packageFolders: [user, fake.site] });
    expect(before.torch?.version).toBe('2.4.1+cu121');
    expect(problem(before, 'env.duplicate_torch')).toContain('outside of the environment');
    // A venv that shares the base's packages is made to have its own torch before the base's.
    const shared = await xray(fake, { packageFolders: [fake.site, base], sharesBasePackages: true, basePrefix: join(fake.prefix, '..', 'base') });
    expect(shared.torch?.version).toBe('2.8.0+cu128');
    expect(shared.otherTorch.map((other) => other.version)).toEqual(['1.13.1+cu117']);
    expect(codes(shared)).toEqual([]);
  });

  test('record without folder, folder without record, remains of a removal', async () => {
    const gone = make();
    gone.addTorch('2.8.0');
    rmSync(join(gone.site, 'torch'), { recursive: true });
    const first = await xray(gone);
    expect(first.torch).toMatchObject({ version: null, metadataVersion: '2.8.0', build: 'unknown' });
    expect(problem(first, 'env.files_missing')).toContain('PyTorch itself is incomplete');
    const quick = await xrayEnvironment({ environment: gone.found(), record: false, pins: false });
    expect(problem(quick, 'env.files_missing')).toContain('only its record is left');

    const orphan = make();
    const info = orphan.addTorch('2.8.0');
    renameSync(info, join(orphan.site, '~orch-2.8.0.dist-info'));
    mkdirSync(join(orphan.site, '~orch'));
    const second = await xray(orphan);
    expect(second.torch).toMatchObject({ version: '2.8.0+cu128', metadataVersion: null });
    expect(second.otherTorch.map((other) => other.version)).toEqual([null, '2.8.0']);
    expect(problem(second, 'env.metadata_broken')).toMatch(/no installed package[^]*removal of PyTorch|removal of PyTorch[^]*no installed package/);
  });

  test('version.py and METADATA of different versions', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    writeFileSync(join(fake.site, 'torch', 'version.py'), "__version__ = '2.4.1+cu121'\ncuda = '12.1'\n");
    const result = await xray(fake);
    expect(problem(result, 'env.metadata_broken')).toContain('it says version 2.8.0, but the version.py of the package says 2.4.1+cu121');
    expect(problem(result, 'env.files_changed')).toContain('torch/version.py');
  });

  test('identical torch files are read once', async () => {
    const cache = createCensusCache();
    const first = make();
    first.addTorch('2.8.0');
    const libraries = ['libtorch_cuda.so', 'libtorch_cuda_linalg.so', 'libtorch_python.so'];
    const environments = [first, make(), make()];
    for (const fake of environments.slice(1)) {
      fake.addTorch('2.8.0');
      // As uv and conda lay them from their caches.
      for (const name of libraries) {
        rmSync(join(fake.site, 'torch', 'lib', name));
        linkSync(join(first.site, 'torch', 'lib', name), join(fake.site, 'torch', 'lib', name));
      }
    }
    const answers: EnvironmentXray[] = [];
    for (const fake of environments) answers.push(await xrayEnvironment({ environment: fake.found(), record: false, pins: false }, { cache }));
    expect(cache.counts()).toEqual({ read: libraries.length, shared: 2 * libraries.length });
    expect(new Set(answers.map((answer) => JSON.stringify([answer.torch?.flags, answer.torch?.census]))).size).toBe(1);
  });

  test('editable sources: by a path line, and by what direct_url.json says', async () => {
    const byPath = make();
    const sources = join(byPath.prefix, '..', 'sources');
    byPath.addTorch('2.8.0', { into: sources });
    writeFileSync(join(byPath.site, '__editable__.torch.pth'), `${sources}\n`);
    expect((await xray(byPath)).torch).toMatchObject({ version: '2.8.0+cu128', metadataVersion: '2.8.0' });

    const byUrl = make();
    const checkout = join(byUrl.prefix, '..', 'check out');
    byUrl.addTorch('2.8.0', { into: checkout });
    byUrl.addPackage({ name: 'torch', version: '2.8.0', directUrl: { url: `file://${encodeURI(checkout)}`, dir_info: { editable: true } } });
    const result = await xray(byUrl);
    expect(result.torch).toMatchObject({ path: join(checkout, 'torch'), metadataVersion: '2.8.0', directUrl: expect.stringContaining('check%20out') });
    expect(codes(result)).toEqual([]);
  });
});

describe('shadows', () => {
  test('torch.py in an earlier folder, and a folder that is no torch', async () => {
    const fake = make();
    const early = join(fake.prefix, '..', 'early');
    fake.addTorch('2.8.0');
    mkdirSync(early);
    writeFileSync(join(early, 'torch.py'), 'raise SystemExit\n');
    const file = await xray(fake, { packageFolders: [early, fake.site] });
    expect(file.torch?.version).toBe('2.8.0+cu128');
    expect(file.shadows).toEqual([{ module: 'torch', path: join(early, 'torch.py'), why: expect.stringContaining(fake.site) }]);
    expect(codes(file)).toContain('env.shadowed');

    rmSync(join(early, 'torch.py'));
    mkdirSync(join(early, 'torch'));
    // Without __init__.py Python goes on to the real one.
    expect((await xray(fake, { packageFolders: [early, fake.site] })).shadows).toEqual([]);
    writeFileSync(join(early, 'torch', '__init__.py'), '');
    expect((await xray(fake, { packageFolders: [early, fake.site] })).shadows.map((shadow) => shadow.path)).toEqual([join(early, 'torch')]);
    // Beside the package in the same folder it hides nothing.
    writeFileSync(join(fake.site, 'torch.py'), '');
    expect((await xray(fake)).shadows).toEqual([]);
  });

  test('torch.py in the project', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    const project = join(fake.prefix, '..', 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'torch.py'), '');
    expect(problem(await xray(fake, { projectFolder: project }), 'env.shadowed')).toContain(`Programs that are started in ${project} find it first.`);
  });
});

describe('packages of other CUDA versions', () => {
  const cudnn = (major: number, content: string): Parameters<FakeEnvironment['addPackage']>[0] => ({ name: `nvidia-cudnn-cu${major}`, version: `9.${major}.0`, files: { 'nvidia/__init__.py': '', 'nvidia/cudnn/lib/libcudnn.so.9': content } });

  test('orphans of CUDA 12 behind a CUDA 13 torch: named, and the files that were overwritten are no damage', async () => {
    const fake = make();
    fake.addPackage(cudnn(12, 'twelve'));
    fake.addPackage({ name: 'nvidia-cublas-cu12', version: '12.8.4.1', requires: ['nvidia-cuda-nvrtc-cu12'] });
    fake.addTorch('2.11.0');
    fake.addPackage(cudnn(13, 'thirteen'));
    const result = await xray(fake);
    expect(result.leftovers).toEqual([{ name: 'nvidia-cublas-cu12', version: '12.8.4.1', cudaMajor: 12 }, { name: 'nvidia-cudnn-cu12', version: '9.12.0', cudaMajor: 12 }]);
    expect(result.record).toMatchObject({ missing: 0, changed: 1, sharedCount: 1, shared: [{ path: 'nvidia/cudnn/lib/libcudnn.so.9', packages: ['nvidia-cudnn-cu12', 'nvidia-cudnn-cu13'] }] });
    expect(codes(result)).toEqual(['env.leftovers']);
  });

  test('the files of the one in use were overwritten by the orphan: damage', async () => {
    const fake = make();
    fake.addTorch('2.11.0');
    fake.addPackage(cudnn(13, 'thirteen'));
    fake.addPackage(cudnn(12, 'twelve'));
    expect(codes(await xray(fake))).toEqual(['env.files_changed', 'env.leftovers']);
  });

  test('removing one deleted files of the other: the reason is said', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    fake.addPackage(cudnn(12, 'twelve'));
    rmSync(join(fake.site, 'nvidia', 'cudnn', 'lib', 'libcudnn.so.9'));
    const result = await xray(fake);
    expect(problem(result, 'env.files_missing')).toMatch(/1 of \d+ recorded files.*libcudnn\.so\.9 of nvidia-cudnn-cu12\. .*same paths/);
    expect(result.record?.examples).toEqual([{ package: 'nvidia-cudnn-cu12', path: 'nvidia/cudnn/lib/libcudnn.so.9', what: 'missing' }]);
  });

  test('what another package requires is not left over; packages of CUDA 13 have no suffix', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    fake.addPackage({ name: 'xgboost', version: '3.0', requires: ['nvidia-nccl-cu11; platform_system == "Linux"'] });
    fake.addPackage({ name: 'nvidia-nccl-cu11', version: '2.21' });
    fake.addPackage({ name: 'nvidia-cublas', version: '13.1.0', files: { 'nvidia/cu13/lib/libcublas.so.13': 'x' } });
    fake.addPackage({ name: 'nvidia-ml-py', version: '13.580', files: { 'pynvml.py': 'x' } });
    fake.addPackage({ name: 'cuda-toolkit', version: '13.0.2', requires: ['nvidia-cublas==13.*; extra == "cublas"'] });
    const result = await xray(fake);
    expect(result.leftovers.map((one) => `${one.name} ${one.cudaMajor}`)).toEqual(['cuda-toolkit 13', 'nvidia-cublas 13']);
    expect(result.companions.map((one) => `${one.name} ${one.cudaMajor}`)).toContain('nvidia-nccl-cu11 11');
  });
});

describe('companions', () => {
  test('versions, requirements, labels, and their own kernels', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    const kernels = readFileSync(join(fake.site, 'torch', 'lib', 'libtorch_cuda_linalg.so'));
    fake.addPackage({ name: 'torchvision', version: '0.23.0', requires: ['numpy', 'torch (==2.8.0)'], files: { 'torchvision/version.py': "__version__ = '0.23.0+cu128'\n", 'torchvision/_C.so': kernels, 'torchvision.libs/libjpeg.so.8': kernels, 'torchvision/image.so': Buffer.alloc(8192) } });
    fake.addPackage({ name: 'flash_attn', version: '2.8.3+cu12torch2.8cxx11abiTRUE', requires: ['torch', 'einops'], files: { 'flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so': kernels } });
    fake.addPackage({ name: 'xformers', version: '0.0.32', requires: ['torch>=2.8'], files: { 'xformers/cpp_lib.json': '{"version": {"cuda": 1208, "torch": "2.8.0+cu128"}}' } });
    fake.addPackage({ name: 'cupy-cuda12x', version: '13.4' });
    fake.addPackage({ name: 'triton', version: '3.4.0' });
    const result = await xray(fake);
    const facts = Object.fromEntries(result.companions.map((one) => [one.name, one]));
    expect(facts['torchvision']).toMatchObject({ version: '0.23.0', installer: 'pip', torchRequirement: 'torch==2.8.0', cudaLabel: 'cu128', cudaMajor: 12 });
    expect(facts['torchvision']?.libraries.map((library) => library.path)).toEqual(['torchvision/_C.so']);
    expect(facts['torchvision']?.libraries[0]?.code.map((code) => code.arch)).toContain('sm_120');
    expect(facts['flash-attn']).toMatchObject({ torchRequirement: 'torch', cudaLabel: 'cu12', cudaMajor: 12 });
    expect(facts['flash-attn']?.libraries).toHaveLength(1);
    expect(facts['xformers']).toMatchObject({ torchRequirement: 'torch>=2.8', cudaLabel: 'cu128', libraries: [] });
    expect(facts['cupy-cuda12x']).toMatchObject({ cudaLabel: 'cuda12x', cudaMajor: 12, torchRequirement: null });
    expect(facts['triton']).toMatchObject({ cudaLabel: null, cudaMajor: null, libraries: [] });
    // It is a pin as well: an upgrade of torch alone breaks it.
    expect(result.pins).toContainEqual(expect.objectContaining({ source: 'package', package: 'torchvision', specifier: 'torch==2.8.0' }));
  });

  test('without a RECORD its folder is looked through; the same package twice is told', async () => {
    const fake = make();
    fake.addTorch('2.8.0');
    const info = fake.addPackage({ name: 'causal-conv1d', version: '1.5', files: { 'causal_conv1d/deep/_C.so': readFileSync(join(fake.site, 'torch', 'lib', 'libtorch_cuda_linalg.so')) } });
    rmSync(join(info, 'RECORD'));
    symlinkSync('.', join(fake.site, 'causal_conv1d', 'round'));
    const user = join(fake.prefix, '..', 'user');
    fake.addPackage({ name: 'causal-conv1d', version: '1.4' }, user);
    const result = await xray(fake, { packageFolders: [fake.site, user] });
    expect(result.companions.find((one) => one.name === 'causal-conv1d')?.libraries.map((library) => library.path)).toEqual(['causal_conv1d/deep/_C.so']);
    expect(result.shadows.map((shadow) => shadow.why)).toEqual([`Version 1.5 is found before 1.4 in ${user}.`]);
  });
});

describe('hostile and broken environments', () => {
  test('names that are none, METADATA of 1 MB, in Latin-1, as a pipe, as a loop, as a folder', async () => {
    const fake = make();
    fake.addPackage({ name: 'good', version: '1.0' });
    const broken = (entry: string, metadata: string | Buffer): void => {
      mkdirSync(join(fake.site, entry));
      writeFileSync(join(fake.site, entry, 'METADATA'), metadata);
    };
    broken('climber-1.dist-info', 'Name: ../../../etc/passwd\nVersion: 1\n\n');
    broken('lines-1.dist-info', 'Name: two\n lines\nVersion: 1\n\n');
    broken('long-1.dist-info', `Name: ${'x'.repeat(1024 * 1024)}\nVersion: 1\n\n`);
    broken('endless-1.dist-info', `Name: endless\nVersion: 1\n${'Classifier: x\n'.repeat(60_000)}`);
    broken('latin-1.dist-info', Buffer.concat([Buffer.from('Name: latin\nAuthor: Andr'), Buffer.from([0xe9]), Buffer.from('\nVersion: 1.5\n\n')]));
    broken('garbage-1.dist-info', Buffer.alloc(100_000, 0xff));
    broken('-rf.dist-info', '');
    broken('ünïcödé 🐍 "quoted"\n-1.0.dist-info', 'Name: ok\nVersion: ../1\n\n');
    mkdirSync(join(fake.site, 'folder-1.dist-info', 'METADATA'), { recursive: true });
    mkdirSync(join(fake.site, 'empty-1.dist-info'));
    mkdirSync(join(fake.site, 'loop-1.dist-info'));
    symlinkSync('METADATA', join(fake.site, 'loop-1.dist-info', 'METADATA'));
    symlinkSync('self-1.dist-info', join(fake.site, 'self-1.dist-info'));
    mkdirSync(join(fake.site, 'pipe-1.dist-info'));
    for (const file of ['METADATA', 'RECORD', 'INSTALLER']) execFileSync('mkfifo', [join(fake.site, 'pipe-1.dist-info', file)]);
    execFileSync('mkfifo', [join(fake.site, 'fifo.dist-info'), join(fake.site, 'fifo.pth'), join(fake.site, 'x.egg-info')]);
    symlinkSync('/dev/zero', join(fake.site, 'zero-1.egg-info'));
    const result = await xray(fake);
    expect(result.packages.map((one) => `${one.name} ${one.version}`)).toEqual(['climber 1', 'empty 1', 'endless 1', 'folder 1', 'garbage 1', 'good 1.0', 'latin 1.5', 'lines 1', 'long 1', 'loop 1', 'ok 1.0', 'pipe 1', 'self 1', 'zero 1']);
    expect(new Set(codes(result))).toEqual(new Set(['env.metadata_broken']));
    // Ten are named one by one, the rest is counted.
    expect(result.problems).toHaveLength(11);
    expect(result.problems.at(-1)?.cause).toMatch(/ \d more of its packages describe themselves wrongly\.$/);
    for (const one of result.problems) expect(one.cause).not.toMatch(/[\u0000-\u001f]/);
    expect(Math.max(...result.problems.map((one) => one.cause.length))).toBeLessThan(1000);
  });

  test.each([
    ['Name: ../../../etc/passwd\nVersion: 1\n\n', '"../../../etc/passwd" is none'],
    [`Name: ${'x'.repeat(1024 * 1024)}\nVersion: 1\n\n`, 'headers do not end'],
    ['Name: other\nVersion: 1\n\n', 'it says that it is other'],
    ['Version: 1\n\n', 'names no package'],
    ['Name: odd\nVersion: 1; rm\n\n', 'its version "1; rm" is none'],
    [null, 'has no METADATA'],
  ])('what is said of %#', async (metadata, said) => {
    const fake = make();
    mkdirSync(join(fake.site, 'odd-1.dist-info'));
    if (metadata !== null) writeFileSync(join(fake.site, 'odd-1.dist-info', 'METADATA'), metadata);
    expect(problem(await xray(fake), 'env.metadata_broken')).toContain(said.replace('it says', 'its METADATA says'));
  });

  test('METADATA that is a pipe, a folder, a loop; a folder name that says nothing', async () => {
    const fake = make();
    for (const entry of ['pipe-1', 'folder-1', 'loop-1', '-rf']) mkdirSync(join(fake.site, `${entry}.dist-info`));
    execFileSync('mkfifo', [join(fake.site, 'pipe-1.dist-info', 'METADATA')]);
    mkdirSync(join(fake.site, 'folder-1.dist-info', 'METADATA'));
    symlinkSync('METADATA', join(fake.site, 'loop-1.dist-info', 'METADATA'));
    const said = problem(await xray(fake), 'env.metadata_broken');
    for (const part of ['pipe-1.dist-info: its METADATA is no regular file', 'folder-1.dist-info: its METADATA is no regular file', 'loop-1.dist-info: its METADATA is a link that leads to itself', '-rf.dist-info: it has no METADATA; neither its folder']) expect(said).toContain(part);
  });

  test('a system’s packages: egg-info as one file, a RECORD from where it was built', async () => {
    const fake = make();
    const dist = join(fake.prefix, 'lib', 'python3', 'dist-packages');
    const info = fake.addPackage({ name: 'debianised', version: '1', installer: null }, dist);
    writeFileSync(join(info, 'RECORD'), 'scripts-3.12/tool,,5\n');
    writeFileSync(join(dist, 'old_one-2.0-py3.12.egg-info'), 'Metadata-Version: 1.1\nName: old-one\nVersion: 2.0\n');
    mkdirSync(join(dist, 'source.egg-info'));
    writeFileSync(join(dist, 'source.egg-info', 'PKG-INFO'), 'Name: source\nVersion: 3\n');
    writeFileSync(join(dist, 'source.egg-info', 'requires.txt'), 'torch==2.4.1\n\n[extra]\nnumpy\n');
    const result = await xray(fake, { packageFolders: [dist], externallyManaged: true });
    expect(result.packages.map((one) => `${one.name} ${one.version}`)).toEqual(['debianised 1', 'old-one 2.0', 'source 3']);
    expect(result.pins.map((pin) => pin.specifier)).toEqual(['torch==2.4.1']);
    expect(result.problems).toEqual([]);
  });

  test('a RECORD that points outside, lies, or is rubbish', async () => {
    const fake = make();
    const outside = join(fake.prefix, '..', 'secret');
    writeFileSync(outside, 'x');
    const climber = fake.addPackage({ name: 'climber', version: '1' });
    writeFileSync(join(climber, 'RECORD'), `../../../../secret,,1\n/etc/passwd,,1\n../../../bin/tool,,5\n`);
    const rubbish = fake.addPackage({ name: 'rubbish', version: '1' });
    writeFileSync(join(rubbish, 'RECORD'), `no commas\n"unclosed,,1\nx,,-1\nx,,1e99\n\0\0,,\n${'y'.repeat(5000)},,\nrubbish.py,,3\n`);
    writeFileSync(join(fake.site, 'rubbish.py'), 'abc');
    const result = await xray(fake);
    expect(result.record).toMatchObject({ files: 2, missing: 1, changed: 0, examples: [{ package: 'climber', path: '../../../bin/tool', what: 'missing' }] });
    expect(problem(result, 'env.metadata_broken')).toContain('claims files outside of the environment');
    expect(problem(result, 'env.metadata_broken')).toContain('6 lines of its RECORD cannot be understood');
  });

  test('a folder, a loop or a pipe where a file is recorded counts as missing', async () => {
    const fake = make();
    fake.addPackage({ name: 'odd', version: '1', files: { 'odd/a.py': 'a', 'odd/b.py': 'b', 'odd/c.py': 'c', 'odd/__pycache__/a.cpython-312.pyc': 'x' } });
    for (const file of ['a', 'b', 'c']) rmSync(join(fake.site, 'odd', `${file}.py`));
    mkdirSync(join(fake.site, 'odd', 'a.py'));
    symlinkSync('b.py', join(fake.site, 'odd', 'b.py'));
    execFileSync('mkfifo', [join(fake.site, 'odd', 'c.py')]);
    rmSync(join(fake.site, 'odd', '__pycache__'), { recursive: true });
    expect((await xray(fake)).record).toMatchObject({ missing: 3, changed: 0 });
  });

  test('code in .pth files is not run, their paths are followed, loops and duplicates end', async () => {
    const fake = make();
    const marker = join(fake.prefix, 'was-run');
    const extra = join(fake.prefix, 'extra');
    fake.addPackage({ name: 'outside', version: '3' }, extra);
    writeFileSync(join(fake.site, 'a.pth'), `import os; open(${JSON.stringify(marker)}, "w")\n# comment\n${extra}\n${extra}\n../site-packages\n/nowhere\n`);
    symlinkSync('loop.pth', join(fake.site, 'loop.pth'));
    symlinkSync('.', join(fake.site, 'again'));
    const result = await xray(fake, { packageFolders: [fake.site, join(fake.site, 'again')] });
    expect(result.packages).toEqual([{ name: 'outside', version: '3' }]);
    expect(existsSync(marker)).toBe(false);
    expect(problem(result, 'env.metadata_broken')).toContain('loop.pth');
  });

  test('no package folder', async () => {
    const fake = make();
    rmSync(fake.site, { recursive: true });
    const result = await xray(fake);
    expect(codes(result)).toEqual(['env.packages_missing']);
    expect(result).toMatchObject({ torch: null, packages: [], companions: [] });
    // The finder may have said so already.
    expect(codes(await xray(fake, { problems: result.problems }))).toEqual([]);
  });

  test('broken records of conda', async () => {
    const fake = make();
    fake.addConda({ name: 'zlib', version: '1.3', build: 'h1_0', files: { 'lib/libz.so': 'zzz', 'include/zlib.h': 'h' } });
    writeFileSync(join(fake.prefix, 'conda-meta', 'deep-1-0.json'), '['.repeat(100_000));
    writeFileSync(join(fake.prefix, 'conda-meta', 'noname.json'), '{}');
    execFileSync('mkfifo', [join(fake.prefix, 'conda-meta', 'pipe-1-0.json')]);
    writeFileSync(join(fake.prefix, 'lib', 'libz.so'), 'other');
    rmSync(join(fake.prefix, 'include', 'zlib.h'));
    const result = await xray(fake);
    expect(result.record).toMatchObject({ missing: 1, changed: 1 });
    expect(problem(result, 'env.metadata_broken')).toMatch(/not the JSON that conda writes[^]*NAME-VERSION-BUILD|NAME-VERSION-BUILD[^]*not the JSON/);
    expect(codes(result)).toEqual(expect.arrayContaining(['env.files_missing', 'env.files_changed']));
  });
});
