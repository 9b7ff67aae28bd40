import { describe, expect, it } from 'vitest';
import { threadVariables } from '../runner/thread-variables.ts';
import { findLink } from './fetch-wheel-directly.ts';
import { listNumpyCandidates, listPythonCandidates, type ReportOfPackages } from './list-candidates.ts';
import { decidePinned, nameVersions, readMeasuringPackages } from './measuring-packages.ts';

const releases = await readMeasuringPackages(new URL('../../../resources', import.meta.url).pathname);

it.each([
  ['cp311', 'linux', 'x64', false, /^numpy-2\.3\.5-cp311-cp311-manylinux_2_27_x86_64\..*whl$/],
  ['cp38', 'linux', 'arm64', false, /^numpy-1\.24\.4-cp38-cp38-manylinux_2_17_aarch64\..*whl$/],
  ['cp312', 'linux', 'x64', true, /^numpy-2\.3\.5-cp312-cp312-musllinux_1_2_x86_64\.whl$/],
  ['cp313t', 'win32', 'x64', false, /^numpy-2\.3\.5-cp313-cp313t-win_amd64\.whl$/],
  ['cp313', 'darwin', 'arm64', false, /^numpy-2\.3\.5-cp313-cp313-macosx_11_0_arm64\.whl$/],
  ['cp39', 'darwin', 'x64', false, /^numpy-2\.0\.2-cp39-cp39-macosx_10_9_x86_64\.whl$/],
] as const)('%s on %s %s: one wheel', (abi, platform, arch, musl, file) => {
  const pinned = decidePinned(releases, abi, { platform, arch, musl });
  expect(pinned?.wheel.file).toMatch(file);
  expect(pinned?.sha256).toContain(pinned?.wheel.sha256);
  expect(pinned?.sha256.length).toBeGreaterThan(2);
});

it('what is not pinned', () => {
  const here = { platform: 'linux', arch: 'x64', musl: false } as const;
  for (const abi of ['cp37m', 'cp316', 'pp310', null]) expect(decidePinned(releases, abi, here)).toBeNull();
  expect(decidePinned(releases, 'cp38', { ...here, musl: true })).toBeNull();
  expect(decidePinned(releases, 'cp311', { ...here, arch: 'riscv64' })).toBeNull();
  expect(decidePinned(releases, 'cp311', { ...here, platform: 'freebsd' })).toBeNull();
  expect(nameVersions(releases)).toBe('3.8 to 3.15');
});

const report = (name: string, abi: string | null, more: { readonly base?: string; readonly numpy?: string; readonly path?: string | null; readonly implementation?: 'cpython' | 'pypy' } = {}): ReportOfPackages => ({
  environment: { id: name, name, prefix: `/${name}`, basePrefix: more.base ?? `/${name}`, python: { path: more.path === undefined ? `/${name}/bin/python` : more.path, realPath: null, version: '3', implementation: more.implementation ?? 'cpython', abi, freeThreaded: abi?.endsWith('t') ?? false } },
  xray: more.numpy === undefined ? null : { packages: [{ name: 'numpy', version: more.numpy }] },
});

describe('of many environments', () => {
  it('the newest NumPy first, and only where there is an interpreter', () => {
    const found = listNumpyCandidates([report('a', 'cp39', { numpy: '1.26.4' }), report('b', 'cp312', { numpy: '2.10.0' }), report('c', null, { numpy: '2.9.1' }), report('d', 'cp312', { numpy: '3.0.0', path: null }), report('e', 'cp312')]);
    expect(found.map((one) => `${one.name} ${one.version}`)).toEqual(['b 2.10.0', 'c 2.9.1', 'a 1.26.4']);
    expect(found[0]?.environment).toMatchObject({ prefix: '/b', numpy: { packages: null } });
    expect(listNumpyCandidates(Array.from({ length: 9 }, (_, i) => report(`e${i}`, 'cp312', { numpy: `2.${i}` })))).toHaveLength(4);
  });

  it('a Python that stays before one of a project, the newest first, once for each ABI', () => {
    const found = listPythonCandidates([
      report('project', 'cp314', { base: '/usr' }), report('old', 'cp310'), report('threads', 'cp313t'), report('pypy', 'cp311', { implementation: 'pypy' }), report('new', 'cp312'), report('same', 'cp312'), report('unknown', null), report('gone', 'cp311', { path: null }), report('strange', 'cp399'),
    ], (abi) => abi !== 'cp399');
    expect(found.map((one) => one.name)).toEqual(['new', 'old', 'threads', 'project']);
  });
});

it('a file in a page of an index', () => {
  const file = 'numpy-2.3.5-cp311-cp311-win_amd64.whl';
  expect(findLink(JSON.stringify({ files: [{ filename: 'other.whl', url: 'a' }, null, 3, { filename: file, url: 'https://files.example/x' }] }), file)).toBe('https://files.example/x');
  expect(findLink(`<a href="../../f/other.whl#sha256=1">other</a><a rel="x" href="../../f/${file}#sha256=2">${file}</a>`, file)).toBe(`../../f/${file}`);
  for (const page of ['', '<html>Welcome to the guest network</html>', '{}', '{"files":3}', '[1]', 'null', JSON.stringify({ files: [{ filename: file, url: 7 }] })]) expect(findLink(page, file), page).toBeNull();
});

it('threads are set for every library', () => {
  expect(threadVariables('half', 8)).toEqual({ OMP_NUM_THREADS: '4', MKL_NUM_THREADS: '4', OPENBLAS_NUM_THREADS: '4', VECLIB_MAXIMUM_THREADS: '4' });
  expect(threadVariables(null, 8, 6)['OPENBLAS_NUM_THREADS']).toBe('6');
  expect(threadVariables('one', 8, 6)['OPENBLAS_NUM_THREADS']).toBe('1');
  expect(threadVariables(null, 8)).toEqual({});
});
