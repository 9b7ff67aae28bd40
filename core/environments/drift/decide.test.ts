import { describe, expect, it } from 'vitest';
import type { Drift, VerdictWord } from '../../../contract/verdict.ts';
import { decideDrift, hashPackages, mergeDrifts, MERGE_WITHIN_MS, stateOfReport, type EnvironmentState } from './decide-drift.ts';
import { decideInstaller, parseInstallerCommand, type SeenProcess } from './name-installer.ts';

const state = (torch: string | null, worst: VerdictWord, packagesHash = torch ?? 'none'): EnvironmentState => ({ torch, worst, packagesHash });
const context = { id: 'd1', environmentId: 'abc', environmentName: 'chat', atMs: 5000, ours: false, by: 'uv sync', upgradeId: 'u1' };

describe('decideDrift', () => {
  it.each<[string, EnvironmentState, EnvironmentState, boolean]>([
    ['torch became a CPU build', state('2.14.0+cu130', 'native'), state('2.14.0', 'cpu_only'), true],
    ['torch went', state('2.14.0', 'native'), state(null, 'no_torch'), true],
    ['torch came', state(null, 'no_torch'), state('2.14.0', 'native'), true],
    ['a better torch', state('2.4.1', 'incompatible'), state('2.14.0', 'native'), true],
    ['same torch, a package broke it', state('2.14.0', 'native', 'a'), state('2.14.0', 'broken', 'b'), true],
    ['same torch, damage was mended', state('2.14.0', 'broken', 'a'), state('2.14.0', 'native', 'b'), true],
    ['other packages only', state('2.14.0', 'native', 'a'), state('2.14.0', 'native', 'b'), false],
    ['the driver changed', state('2.14.0', 'native', 'a'), state('2.14.0', 'driver_too_old', 'a'), false],
    ['no GPU to judge for any more', state('2.14.0', 'native', 'a'), state('2.14.0', 'unknown', 'b'), false],
    ['native or compiled is both fine', state('2.14.0', 'native', 'a'), state('2.14.0', 'jit', 'b'), false],
    ['nothing', state('2.14.0', 'native'), state('2.14.0', 'native'), false],
  ])('%s', (_, before, after, is) => {
    const drift = decideDrift(before, after, context);
    expect(drift !== null).toBe(is);
    if (drift !== null) expect(drift).toEqual({ id: 'd1', environmentId: 'abc', environmentName: 'chat', atMs: 5000, fromTorch: before.torch, toTorch: after.torch, fromWorst: before.worst, toWorst: after.worst, by: 'uv sync', upgradeId: 'u1', seen: false });
    expect(decideDrift(before, after, { ...context, ours: true })).toBeNull();
  });

  it('an environment that could not be read has no state; the order of packages is none', () => {
    expect(stateOfReport({ xray: null, worst: 'broken' })).toBeNull();
    expect(hashPackages([{ name: 'a', version: '1' }, { name: 'b', version: '2' }])).toBe(hashPackages([{ name: 'b', version: '2' }, { name: 'a', version: '1' }]));
    expect(hashPackages([{ name: 'a', version: '1' }])).not.toBe(hashPackages([{ name: 'a', version: '2' }]));
  });
});

describe('mergeDrifts', () => {
  const drift = (more: Partial<Drift>): Drift => ({ id: 'd1', environmentId: 'abc', environmentName: 'chat', atMs: 1000, fromTorch: '2.4.1', toTorch: null, fromWorst: 'native', toWorst: 'no_torch', by: null, upgradeId: 'u1', seen: false, ...more });
  const later = drift({ id: 'd2', atMs: 2000, fromTorch: null, toTorch: '2.14.0', fromWorst: 'no_torch', toWorst: 'cpu_only', by: 'pip install', upgradeId: null });
  it.each<[string, Drift, Drift, Drift | null | 'separate']>([
    ['removed, then put', drift({}), later, drift({ atMs: 2000, toTorch: '2.14.0', toWorst: 'cpu_only', by: 'pip install' })],
    ['removed, then put back', drift({}), { ...later, toTorch: '2.4.1', toWorst: 'native' }, null],
    ['seen meanwhile', drift({ seen: true }), later, 'separate'],
    ['long after', drift({}), { ...later, atMs: 1001 + MERGE_WITHIN_MS }, 'separate'],
    ['another environment', drift({}), { ...later, environmentId: 'x' }, 'separate'],
  ])('%s', (_, earlier, after, merged) => {
    expect(mergeDrifts(earlier, after)).toEqual(merged);
  });
});

describe('who did it', () => {
  it.each<[string, string | null]>([
    ['uv sync', 'uv sync'],
    ['/home/a/.local/bin/uv --quiet pip install --index-url https://user:secret@host/simple torch', 'uv pip install'],
    ['/env/bin/python -m pip install torch', 'pip install'],
    ['/env/bin/python3.12 -X utf8 -I -m pip uninstall -y torch', 'pip uninstall'],
    ['/env/bin/python /env/bin/pip3.11 install torch', 'pip3 install'],
    ['/opt/conda/bin/python /opt/conda/bin/conda env update -f environment.yml', 'conda env update'],
    ['micromamba install -n chat pytorch', 'micromamba install'],
    ['poetry -vv update', 'poetry update'],
    ['C:\\Users\\a\\uv.exe add torch', 'uv add'],
    ['uv pip list', null],
    ['pip --version', null],
    ['conda info', null],
    ['/env/bin/python train.py install', null],
    ['vim pip', null],
    ['', null],
  ])('%s → %s', (line, text) => {
    expect(parseInstallerCommand(line.split(' '))?.text ?? null).toBe(text);
  });

  const place = { prefix: '/home/a/chat/.venv', projectFolder: null };
  const process = (line: string, more: Partial<SeenProcess> = {}): SeenProcess => ({ args: line.split(' '), cwd: '/', prefixes: [], ...more });
  it.each<[string, SeenProcess, boolean]>([
    ['its own pip', process('/home/a/chat/.venv/bin/python -m pip install x'), true],
    ['named by path', process('uv pip install --python /home/a/chat/.venv x'), true],
    ['named by path with =', process('uv pip install --python=/home/a/chat/.venv/bin/python x'), true],
    ['in its project', process('uv sync', { cwd: '/home/a/chat/src' }), true],
    ['activated', process('uv pip install x', { prefixes: ['/home/a/chat/.venv'] }), true],
    ['another project', process('uv sync', { cwd: '/home/a/chatter' }), false],
    ['another environment whose name begins alike', process('/home/a/chat/.venv2/bin/python -m pip install x'), false],
    ['activated, but another is named', process('conda install -n other x', { prefixes: ['/home/a/chat/.venv'] }), false],
    ['only looking', process('uv pip list', { prefixes: ['/home/a/chat/.venv'] }), false],
  ])('%s', (_, one, is) => {
    expect(decideInstaller([process('bash'), one], place) !== null).toBe(is);
  });
});
