import { describe, expect, it } from 'vitest';
import type { EnvironmentMatrix, MatrixRow, VerdictCell } from '../../../contract/verdict.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { decideHeadline, decideWhy, orderCells, orderRows, placeText, shortPath, shownVerdicts, splitBuild, verdictWords } from './verdict-words.ts';

const missing = makeProblem('env.files_missing', { missing: 1, files: 2, example: 'a', package: 'b', why: '' });
const changed = makeProblem('env.files_changed', { changed: 1, files: 2, example: 'a', package: 'b' });
const cell = (verdict: VerdictCell['verdict'], text = ''): MatrixRow['cells'][number] => ({ gpuKey: 'g', verdict, text, repairable: false, proved: 'no' });
const row = (name: string, worst: MatrixRow['worst'], more: Partial<MatrixRow> = {}): MatrixRow => ({
  id: name, name, prefix: `/envs/${name}`, kind: 'venv', tool: 'pip', python: '3.12', torch: null, installer: null, changedAtMs: null, worst, cells: [cell(worst)], findings: [], inUse: 0, ...more,
});
const names = (rows: readonly MatrixRow[]): string[] => rows.map((r) => r.name);

describe('orderRows', () => {
  const rows = [row('b', 'native'), row('a', 'no_torch'), row('d', 'incompatible'), row('c', 'broken'), row('e', 'library_gap'), row('A2', 'native')];
  it('puts what cannot work first, and what has no torch last', () => expect(names(orderRows(rows, 'trouble'))).toEqual(['c', 'd', 'e', 'A2', 'b', 'a']));
  it('by name, whatever its case', () => expect(names(orderRows(rows, 'name'))).toEqual(['a', 'A2', 'b', 'c', 'd', 'e']));
  it('by change, the newest first, then by name', () => expect(names(orderRows([row('x', 'native'), row('y', 'native', { changedAtMs: 5 }), row('z', 'native', { changedAtMs: 9 })], 'changed'))).toEqual(['z', 'y', 'x']));
  it('a damaged environment is trouble although its torch would do', () => expect(names(orderRows([row('fine', 'cpu_only'), row('damaged', 'native', { findings: [missing] }), row('touched', 'native', { findings: [changed] })], 'trouble'))).toEqual(['damaged', 'fine', 'touched']));
  it('leaves what it was given as it was', () => {
    const given = [row('b', 'native'), row('a', 'native')];
    orderRows(given, 'name');
    expect(names(given)).toEqual(['b', 'a']);
  });
});

it('every verdict has a word and a meaning, and only no torch has no state', () => {
  for (const [verdict, said] of Object.entries(verdictWords)) {
    expect(said.word.length, verdict).toBeGreaterThan(2);
    expect(said.means.length, verdict).toBeGreaterThan(2);
    expect(said.kind === null, verdict).toBe(verdict === 'no_torch');
  }
  expect(new Set(Object.values(verdictWords).map((v) => v.word)).size).toBe(Object.keys(verdictWords).length);
});

it('the legend has what is shown, worst first; of rows without cells their worst', () => {
  const matrix = { rows: [row('a', 'native'), row('b', 'broken'), row('c', 'native'), row('d', 'no_torch', { cells: [] })] } as unknown as EnvironmentMatrix;
  expect(shownVerdicts(matrix)).toEqual(['broken', 'native', 'no_torch']);
});

describe('decideWhy', () => {
  it.each([
    ['nothing', row('a', 'native', { cells: [cell('native', 'has kernels')] }), ''],
    ['the worst of the GPUs', row('a', 'broken', { cells: [cell('library_gap', 'gap'), cell('incompatible', 'needs sm_120'), cell('native', 'has kernels')] }), 'needs sm_120'],
    ['the environment before its GPUs', row('a', 'incompatible', { cells: [cell('incompatible', 'needs sm_120')], findings: [changed, missing] }), 'installed files are missing'],
  ])('%s', (_, given, why) => expect(decideWhy(given)).toBe(why));
});

describe('shortPath', () => {
  it.each([['/home/ann/envs/x', '~/envs/x'], ['/root/x', '~/x'], ['/Users/ann/x', '~/x'], ['C:\\Users\\ann\\x', '~\\x'], ['/home/ann', '~'], ['/opt/x', '/opt/x'], ['/homes/x', '/homes/x']])('%s is %s', (path, short) => expect(shortPath(path)).toBe(short));
});

describe('placeText', () => {
  const environment = { prefix: '/home/ann/e', packageFolders: ['/home/ann/e/lib/python3.12/site-packages'] };
  it.each([
    ['/home/ann/e/lib/python3.12/site-packages/torch/version.py', 'torch/version.py'],
    ['/home/ann/e/pyvenv.cfg', 'pyvenv.cfg'],
    ['/home/ann/envs/other', '~/envs/other'],
    ['the driver itself', 'the driver itself'],
  ])('%s is %s', (place, text) => expect(placeText(place, environment)).toBe(text));
});

describe('splitBuild', () => {
  it.each([['2.4.1+cu121', '2.4.1', '+cu121'], ['2.4.1', '2.4.1', ''], ['', '', '']])('%j', (build, version, label) => expect(splitBuild(build)).toEqual({ version, label }));
});

describe('decideHeadline', () => {
  it.each([
    ['native', 'e uses the RTX 5090'], ['jit', 'e uses the RTX 5090 after compiling'], ['library_gap', 'e uses the RTX 5090, with a gap'], ['no_torch', 'e has no torch'], ['unknown', 'e: not known for the RTX 5090'],
    ['broken', 'e is broken'], ['incompatible', 'e cannot use the RTX 5090'], ['cpu_only', 'e cannot use the RTX 5090'], ['driver_too_old', 'e cannot use the RTX 5090'], ['driver_mismatch', 'e cannot use the RTX 5090'], ['gpu_unsupported', 'e cannot use the RTX 5090'],
  ] as const)('%s', (verdict, said) => expect(decideHeadline({ name: 'e', cell: { verdict }, gpu: 'RTX 5090' })).toBe(said));
  it('without a GPU it is the name', () => expect(decideHeadline({ name: 'e', cell: null, gpu: null })).toBe('e'));
});

it('cells are ordered worst first', () => {
  const full = (verdict: VerdictCell['verdict']): VerdictCell => ({ gpuKey: verdict, verdict, text: '', evidence: [], problem: null, forecast: null, repairable: false, gaps: [] });
  expect(orderCells([full('native'), full('unknown'), full('broken'), full('no_torch')]).map((c) => c.verdict)).toEqual(['broken', 'unknown', 'native', 'no_torch']);
});
