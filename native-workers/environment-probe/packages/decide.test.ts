import { describe, expect, test } from 'vitest';
import { decideComparable, decideRecordRoot, resolveRecorded } from './check-record.ts';
import { decideCudaLabel, decideNeededMajor, parseCudaMajor, parseCudaStatement } from './decide-cuda-label.ts';
import { decideLeftovers, decideLibraryMajor } from './decide-leftovers.ts';
import { isTorchRemains } from './decide-torch-layout.ts';
import { isPackageName, isVersion, normaliseName, showPath, showText } from './package-name.ts';
import { parseMetadata, parseWheelTag } from './parse-metadata.ts';
import { createFolderClaims, type RecordedFile, type RecordOwner } from './folder-claims.ts';
import { parseRecord, type RecordEntry } from './parse-record.ts';
import { isExact, isForExtra, parseRequirement } from './parse-requirement.ts';
import { decideBuildKind, parseVersionFile } from './parse-version-file.ts';
import { decideTorchRequirement } from './read-companions.ts';
import { parseCondaName } from './read-conda-packages.ts';
import { decideIdentity } from './read-distributions.ts';
import { parsePathFile } from './read-path-files.ts';
import { parseDirectUrl } from './read-torch-facts.ts';

test.each([
  ['torch', true], ['Flash_Attn', true], ['a', true], ['a.b-c', true], ['', false], ['-rf', false], ['a/b', false], ['a\nb', false], ['ünï', false], ['x'.repeat(201), false], ['a-', false],
])('package name %j: %s', (name, valid) => expect(isPackageName(name)).toBe(valid));

test('names and text', () => {
  expect(normaliseName('Flash__Attn.-X')).toBe('flash-attn-x');
  expect(isVersion('2.8.3+cu12torch2.8cxx11abiTRUE')).toBe(true);
  expect(isVersion('../1')).toBe(false);
  expect(showText('a\u001b[31m\n\u202eb')).toBe('a?[31m??b');
  expect(showText('y'.repeat(1_000_000))).toHaveLength(101);
  expect(showPath(`/x\n${'z'.repeat(4000)}`)).toHaveLength(301);
});

test('METADATA', () => {
  expect(parseMetadata('Name: x\r\nVersion: 1\r\nRequires-Dist: a\r\n (>=1)\r\nRequires-Dist: b\r\n\r\nName: not this\r\n')).toEqual({ name: 'x', version: '1', requires: ['a (>=1)', 'b'] });
  expect(parseMetadata('no header\n: odd\n  lost\nNAME : y')).toEqual({ name: 'y', version: null, requires: [] });
  expect(parseWheelTag('Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n')).toBe('py2-none-any py3-none-any');
  expect(parseWheelTag('')).toBeNull();
});

test('RECORD', () => {
  const entries: RecordEntry[] = [];
  const broken = parseRecord('a.py,sha256=x,3\r\n"b,""c"".py",,\nbad\nd.py,,x\nlast,sha256=y,0', (entry) => entries.push(entry));
  expect(entries).toEqual([{ path: 'a.py', hash: 'sha256=x', sizeBytes: 3 }, { path: 'b,"c".py', hash: null, sizeBytes: null }, { path: 'last', hash: 'sha256=y', sizeBytes: 0 }]);
  expect(broken).toBe(2);
});

test('folders that several packages have files in', () => {
  const file = (path: string, sizeBytes: number | null = 1): RecordedFile => ({ path, absolutePath: `/env/${path}`, sizeBytes, link: false });
  const [one, two, three] = ['one', 'two', 'three'].map((name): RecordOwner => ({ name, version: '1', folder: '/env' })) as [RecordOwner, RecordOwner, RecordOwner];
  const claims = createFolderClaims();
  for (const path of ['a/x.py', 'a/y.py', 'a/b/z.py', 'nvidia/lib/l.so']) claims.note(one, file(path));
  for (const path of ['b/x.py', 'nvidia/lib/m.so']) claims.note(two, file(path));
  // An empty file says nothing, and a folder of which another's name is only the beginning is not that one.
  claims.note(three, file('a/x.py', 0));
  claims.note(three, file('aa/x.py'));
  expect(['a/x.py', 'a/b/z.py', 'nvidia/lib/l.so', 'nvidia/lib/other.so', 'nvidia/x.so', 'b/x.py'].filter((path) => claims.isShared(file(path)))).toEqual(['nvidia/lib/l.so', 'nvidia/lib/other.so']);
  expect([...claims.rivals]).toEqual([one, two]);
});

test.each([
  ['torch==2.4.1', 'torch', '==2.4.1', null, true],
  ['torch (==2.4.1) ; extra == "gpu"', 'torch', '==2.4.1', 'extra == "gpu"', true],
  ['Torch[opt] >= 2.3, < 3', 'torch', '>=2.3,<3', null, false],
  ['torch~=2.4.0', 'torch', '~=2.4.0', null, true],
  ['torch!=2.0,==2.4.*', 'torch', '!=2.0,==2.4.*', null, true],
  ['torch @ https://a:b@c@x.org/t;v=1.whl ; os_name == "nt"', 'torch', '@ https://x.org/t;v=1.whl', 'os_name == "nt"', true],
  ['torch', 'torch', '', null, false],
])('requirement %s', (text, name, specifier, marker, exact) => {
  const requirement = parseRequirement(text);
  expect(requirement).toEqual({ name, specifier, marker });
  expect(requirement !== null && isExact(requirement)).toBe(exact);
  expect(requirement !== null && isForExtra(requirement)).toBe(marker?.includes('extra') ?? false);
});
test.each(['', './torch', '-e .', 'two words', 'a/b', '\0'])('%j is no requirement', (text) => expect(parseRequirement(text)).toBeNull());
test('requirement on torch', () => {
  expect(decideTorchRequirement(['numpy', 'torch>=2; extra == "x"', 'torch==2.4.1'])).toBe('torch==2.4.1');
  expect(decideTorchRequirement(['torchvision'])).toBeNull();
});

test('version.py', () => {
  const cpu = parseVersionFile("__version__ = '2.9.1+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n");
  expect(decideBuildKind(cpu)).toBe('cpu');
  expect(decideBuildKind(parseVersionFile('__version__ = "2.4.1+rocm6.1"\ncuda = None\nhip = "6.1.40091"'))).toBe('rocm');
  expect(decideBuildKind(parseVersionFile("__version__ = '2.8.0+xpu'\ncuda: Optional[str] = None\nxpu: Optional[str] = '20250101'"))).toBe('xpu');
  expect(decideBuildKind(parseVersionFile("__version__ = '2.8.0'"))).toBe('unknown');
  expect(decideBuildKind(null)).toBe('unknown');
  expect(parseVersionFile("__version__ = exec('x')\n    cuda = '1'\ncuda = '12.1' # c\n").cuda).toBe('12.1');
});

test.each([
  ['torchvision', '0.19.1+cu121', 'cu121', 12],
  ['flash-attn', '2.8.3+cu12torch2.8cxx11abiTRUE', 'cu12', 12],
  ['torch-scatter', '2.1.2+pt24cu121', 'cu121', 12],
  ['nvidia-cudnn-cu13', '9.19', 'cu13', 13],
  ['cupy-cuda12x', '13.4', 'cuda12x', 12],
  ['jax-cuda12-plugin', '0.5', 'cuda12', 12],
  ['xformers', '0.0.30', null, null],
])('CUDA label of %s %s', (name, version, label, major) => expect(decideCudaLabel(name, version)).toEqual({ label, major }));
test('CUDA majors', () => {
  expect(['cu92', 'cu80', 'cu102', 'cu118', 'cu13', 'cuda120', 'cpu'].map(parseCudaMajor)).toEqual([9, 8, 10, 11, 13, 12, null]);
  expect(parseCudaStatement('cuda_version = "12.4"')).toEqual({ label: 'cu124', major: 12 });
  expect(parseCudaStatement('{"version": {"cuda": 1300}}')).toEqual({ label: 'cu130', major: 13 });
  expect(parseCudaStatement("__version__ = '0.19.1+cpu'\n")).toEqual({ label: null, major: null });
  expect(decideNeededMajor(['libc.so.6', 'libcudart.so.12'])).toBe(12);
  expect(decideNeededMajor(['cudart64_110.dll'])).toBe(11);
  expect(decideNeededMajor(['libcublasLt.so.13'])).toBe(13);
  expect(decideNeededMajor([])).toBeNull();
  expect(decideNeededMajor(['libcudart.so.11.0', 'libcudart.so.12'])).toBeNull();
});

describe('left over', () => {
  test.each([
    ['nvidia-cudnn-cu12', '9.1', null, 12],
    ['nvidia-cuda-runtime-cu117', '11.7.99', null, 11],
    ['nvidia-cublas', '13.1', 13, 13],
    ['nvidia-cublas', '13.1', null, null],
    ['nvidia-ml-py', '12.5', 13, null],
    ['nvidia-dali-cuda120', '1', null, null],
    ['cuda-toolkit', '13.0.2', null, 13],
    ['numpy', '2', null, null],
  ])('%s %s', (name, version, recorded, major) => expect(decideLibraryMajor(name, version, recorded)).toBe(major));

  test('only what nothing else asks for, through others as well', () => {
    const library = (name: string, cudaMajor: number): { name: string; version: string; cudaMajor: number } => ({ name, version: '1', cudaMajor });
    const libraries = [library('nvidia-cudnn-cu12', 12), library('nvidia-cublas-cu12', 12), library('nvidia-nccl-cu12', 12), library('nvidia-nccl-cu13', 13)];
    const names = (packages: Parameters<typeof decideLeftovers>[1]): string[] => decideLeftovers(13, packages, libraries).map((one) => one.name);
    const own = [{ name: 'nvidia-cudnn-cu12', requires: ['nvidia-cublas-cu12'] }, { name: 'nvidia-cublas-cu12', requires: ['nvidia-cudnn-cu12'] }, { name: 'nvidia-nccl-cu12', requires: [] }];
    expect(names(own)).toEqual(['nvidia-cudnn-cu12', 'nvidia-cublas-cu12', 'nvidia-nccl-cu12']);
    expect(names([...own, { name: 'onnxruntime-gpu', requires: ['nvidia-cudnn-cu12~=9.0; extra == "cudnn"'] }])).toEqual(['nvidia-nccl-cu12']);
  });
});

test('remains of torch', () => {
  expect(['~orch', '~orch-2.4.1.dist-info', '~-rch', '~~rch-2.0.dist-info', '~torch'].map(isTorchRemains)).toEqual([true, true, true, true, true]);
  expect(['~orchvision', '~umpy', 'torch', '~', '~orchvision-0.19.dist-info'].map(isTorchRemains)).toEqual([false, false, false, false, false]);
});

test('identity', () => {
  expect(decideIdentity('six-1.16.0.dist-info', { name: 'six', version: '1.16.0' })).toEqual({ name: 'six', version: '1.16.0', details: [] });
  expect(decideIdentity('PyYAML-6.0-py3.11.egg-info', null)).toMatchObject({ name: 'PyYAML', version: '6.0' });
  expect(decideIdentity('torch-2.dist-info', { name: 'numpy', version: '2' }).details).toEqual(['its METADATA says that it is numpy']);
  expect(decideIdentity('.dist-info', null).name).toBeNull();
});

test('conda names', () => {
  expect(parseCondaName('pytorch-2.4.1-cuda120_py312h5e9e2e6_300.json')).toEqual({ name: 'pytorch', version: '2.4.1', build: 'cuda120_py312h5e9e2e6_300' });
  expect(parseCondaName('_openmp_mutex-4.5-2_gnu.json')?.name).toBe('openmp-mutex');
  expect(parseCondaName('history')).toBeNull();
  expect(parseCondaName('a-b.json')).toBeNull();
});

test('paths of a RECORD', () => {
  expect(decideRecordRoot('/e/lib/python3.12/site-packages', '/e')).toBe('/e');
  expect(decideRecordRoot('/home/u/.local/lib/python3.12/site-packages', '/e')).toBe('/home/u/.local');
  expect(decideRecordRoot('/usr/lib/python3/dist-packages', '/e')).toBe('/usr');
  expect(decideRecordRoot('/src/checkout', '/e')).toBe('/src/checkout');
  const at = (path: string): string | null => resolveRecorded('/e/lib/python3.12/site-packages', '/e', path);
  expect(at('a/b.py')).toBe('/e/lib/python3.12/site-packages/a/b.py');
  expect(at('../../../bin/x')).toBe('/e/bin/x');
  expect(at('../../../../x')).toBeNull();
  expect(at('a/../../../../../etc/passwd')).toBeNull();
  expect(at('/etc/passwd')).toBeNull();
  expect(at('/e/share/x')).toBe('/e/share/x');
});

test.each([
  ['pip', '/e/lib/python3.12/site-packages', false, true],
  [null, '/e/lib/python3.12/site-packages', false, true],
  ['conda', '/e/lib/python3.12/site-packages', false, false],
  ['pip', '/usr/local/lib/python3.12/dist-packages', true, true],
  [null, '/usr/lib/python3/dist-packages', true, false],
  [null, '/usr/lib/python3/dist-packages', false, false],
  [null, '/base/lib/python3.12/site-packages', false, false],
])('RECORD of %s in %s can be compared', (installer, folder, externallyManaged, comparable) => expect(decideComparable({ installer, folder }, { prefix: '/e', externallyManaged })).toBe(comparable));

test('.pth lines and direct_url.json', () => {
  expect(parsePathFile('\ufeff/a\nimport os\nimport\tos\n# c\n\n  rel/b  \r\nimportant\n\0x\n')).toEqual(['/a', 'rel/b', 'important']);
  expect(parseDirectUrl('{"url": "https://me:pw@x.org/t.whl"}')).toBe('https://x.org/t.whl');
  for (const text of [null, '', '[]', '{"url": 1}', 'null']) expect(parseDirectUrl(text)).toBeNull();
});
