import { describe, expect, it } from 'vitest';
import type { EnvironmentMatrix, GpuTarget, MatrixRow, VerdictCell } from '../../../contract/verdict.ts';
import { decideChips } from './architecture-section.tsx';
import { describeScan } from './environments-page.tsx';
import { groupTargets, nameColumn, shortTarget } from './group-targets.ts';
import { decideRuntimeAxis, decideRuntimeWords } from './runtime-axis.ts';
import { findUnusedGpus } from './unused-banner.tsx';
import { decideFocus } from './walk-matrix.ts';

const gpu = (key: string, name: string, cc: string | null, index: number | null, more: Partial<GpuTarget> = {}): GpuTarget => ({ key, name, computeCapability: cc, index, tegra: false, source: 'driver', ...more });
const cell = (gpuKey: string, verdict: VerdictCell['verdict'], more: Partial<MatrixRow['cells'][number]> = {}): MatrixRow['cells'][number] => ({ gpuKey, verdict, text: '', repairable: false, proved: 'no', ...more });

describe('groupTargets', () => {
  const eight = Array.from({ length: 8 }, (_, i) => gpu(`u${String(i)}`, 'NVIDIA H200', '9.0', i));
  const alike = { cells: eight.map((t) => cell(t.key, 'native')) };
  it('eight alike are one column', () => {
    const columns = groupTargets(eight, [alike]);
    expect(columns.map((c) => c.members.length)).toEqual([8]);
    expect(columns.map(nameColumn)).toEqual(['8 H200 (GPUs 0 to 7)']);
  });
  it('one that is treated differently stands apart', () => {
    const proved = { cells: eight.map((t, i) => cell(t.key, 'native', { proved: i === 3 ? 'fails' : 'no' })) };
    expect(groupTargets(eight, [alike, proved]).map(nameColumn)).toEqual(['7 H200 (GPUs 0, 1, 2, 4, 5, 6, 7)', 'H200']);
  });
  it('another name, another capability and what is only named stay apart', () => {
    const mixed = [gpu('a', 'NVIDIA H200', '9.0', 0), gpu('b', 'NVIDIA H100', '9.0', 1), gpu('c', 'NVIDIA H200', '9.1', 2), gpu('d', 'NVIDIA H200', '9.0', null, { source: 'table' }), gpu('e', 'NVIDIA H200', '9.0', null, { source: 'table' })];
    expect(groupTargets(mixed, [])).toHaveLength(5);
  });
  it('none is none', () => expect(groupTargets([], [alike])).toEqual([]));
  it('what is no product is called as it was named', () => expect(shortTarget(gpu('sm_61', 'compute capability 6.1', '6.1', null, { source: 'given' }))).toBe('sm_61'));
});

describe('decideFocus', () => {
  const size = { rows: 30, columns: 5 };
  it.each([
    ['ArrowDown', false, { row: 13, column: 2 }], ['ArrowUp', false, { row: 11, column: 2 }], ['ArrowRight', false, { row: 12, column: 3 }], ['ArrowLeft', false, { row: 12, column: 1 }],
    ['PageDown', false, { row: 22, column: 2 }], ['PageUp', false, { row: 2, column: 2 }], ['Home', false, { row: 12, column: 0 }], ['End', false, { row: 12, column: 4 }], ['Home', true, { row: 0, column: 0 }], ['End', true, { row: 29, column: 4 }],
    ['Tab', false, null], ['a', false, null], ['Enter', false, null],
  ] as const)('%s (Ctrl: %s)', (key, ctrl, to) => expect(decideFocus({ row: 12, column: 2 }, size, key, ctrl)).toEqual(to));
  it('stops at the edges', () => {
    expect(decideFocus({ row: 0, column: 0 }, size, 'ArrowUp', false)).toEqual({ row: 0, column: 0 });
    expect(decideFocus({ row: 29, column: 4 }, size, 'ArrowRight', false)).toEqual({ row: 29, column: 4 });
    expect(decideFocus({ row: 25, column: 4 }, size, 'PageDown', false)).toEqual({ row: 29, column: 4 });
  });
});

describe('decideRuntimeAxis', () => {
  it.each([
    ['5090 with a build of 12.1', { driver: '13.0', build: '12.1', capability: '12.0' }, { driver: 13, build: 12.1, needs: 12.8 }],
    ['4090', { driver: '12.4', build: '11.8', capability: '8.9' }, { driver: 12.4, build: 11.8, needs: 11.8 }],
    ['an H200', { driver: null, build: '12.1', capability: '9.0' }, { driver: null, build: 12.1, needs: 11.8 }],
    ['a Maxwell', { driver: '11.4', build: null, capability: '5.2' }, { driver: 11.4, build: null, needs: 9 }],
    ['a B200', { driver: null, build: '12.8', capability: '10.0' }, { driver: null, build: 12.8, needs: 12.8 }],
    ['a version that is none', { driver: 'none', build: '12.1', capability: '8.6' }, { driver: null, build: 12.1, needs: 11.1 }],
  ])('%s', (_, input, found) => expect(decideRuntimeAxis(input)).toMatchObject(found));
  it.each([[{ driver: null, build: '12.1', capability: null }], [{ driver: '13.0', build: null, capability: null }], [{ driver: null, build: null, capability: '9.0' }]])('is not drawn for one fact: %j', (input) => expect(decideRuntimeAxis(input)).toBeNull());
  it('everything lies on the axis, and no two ticks touch', () => {
    for (const driver of ['11.4', '12.8', '13.0', '13.2']) for (const build of ['10.2', '11.8', '12.1', '12.8', '13.0']) for (const capability of ['5.2', '7.0', '8.6', '9.0', '12.0']) {
      const axis = decideRuntimeAxis({ driver, build, capability });
      expect(axis).not.toBeNull();
      if (axis === null) continue;
      for (const n of [axis.driver, axis.build, axis.needs, ...axis.ticks]) expect(n !== null && n > axis.low && n < axis.high).toBe(true);
      const gaps = axis.ticks.slice(1).map((t, i) => (t - (axis.ticks[i] ?? 0)) / (axis.high - axis.low));
      expect(Math.min(1, ...gaps)).toBeGreaterThanOrEqual(0.09);
      expect(axis.ticks).toContain(axis.build);
    }
  });
});

describe('decideRuntimeWords', () => {
  const axis = (driver: number | null, build: number | null, needs: number | null): { driver: number | null; build: number | null; needs: number | null } => ({ driver, build, needs });
  it.each([
    [axis(13, 12.1, 12.8), 'incompatible', 'The driver is new enough. Only the build is too old.'], [axis(null, 12.1, 12.8), 'incompatible', 'The build is too old for the GPU.'], [axis(12.4, 12.1, 12.8), 'incompatible', 'The build is too old for the GPU.'],
    [axis(13, 12.8, 12.8), 'native', 'Driver, build and GPU fit each other.'], [axis(12.4, 13, 12.8), 'driver_too_old', 'The build fits the GPU; the driver is too old for it.'],
    // A build that dropped an old GPU is new enough by its version: the picture does not tell.
    [axis(13, 13, 9), 'incompatible', null], [axis(13, 12.8, 12.8), 'broken', null], [axis(13, 12.8, 12.8), 'unknown', null], [axis(13, null, 12.8), 'native', null],
  ] as const)('%j, %s', (given, verdict, said) => expect(decideRuntimeWords(given, verdict)).toBe(said));
});

describe('decideChips', () => {
  const full = (gpuKey: string, verdict: VerdictCell['verdict'], text: string): VerdictCell => ({ gpuKey, verdict, text, evidence: [], problem: null, forecast: null, repairable: false, gaps: [] });
  const targets = [gpu('a', 'A', '12.0', 0), gpu('b', 'B', '8.9', 1), gpu('c', 'C', null, 2)];
  it('marks what is used and what is missing, in order', () => {
    const chips = decideChips(['sm_90', 'sm_86', 'sm_50'], [full('a', 'incompatible', 'needs sm_120; no PTX to compile from'), full('b', 'native', 'runs its sm_86 kernels on sm_89'), full('c', 'incompatible', 'not known')], targets);
    expect(chips).toEqual([{ arch: 'sm_50', state: 'there' }, { arch: 'sm_86', state: 'used' }, { arch: 'sm_90', state: 'there' }, { arch: 'sm_120', state: 'missing' }]);
  });
  it('what two GPUs lack is named once', () => expect(decideChips(['sm_50'], [full('a', 'incompatible', ''), full('z', 'incompatible', '')], [...targets, gpu('z', 'Z', '12.0', 3)]).filter((c) => c.state === 'missing')).toHaveLength(1));
  it('PTX that is compiled from is used', () => expect(decideChips(['sm_80', 'compute_90'], [full('a', 'jit', 'compiles from compute_90 at first use')], targets)).toContainEqual({ arch: 'compute_90', state: 'used' }));
  it('a CPU build has none', () => expect(decideChips([], [full('a', 'cpu_only', 'a CPU build')], targets)).toEqual([]));
});

const row = (name: string, cells: MatrixRow['cells']): MatrixRow => ({ id: name, name, prefix: `/${name}`, kind: 'venv', tool: 'pip', python: '3.12', torch: null, installer: null, changedAtMs: null, worst: 'native', cells, findings: [], inUse: 0 });
const matrix = (rows: MatrixRow[], more: Partial<EnvironmentMatrix> = {}): EnvironmentMatrix => ({
  revision: 1, atMs: 0, state: 'ready', tookMs: 500, progress: { found: 0, judged: 0 }, targets: [gpu('a', 'NVIDIA GeForce RTX 5090', '12.0', 0), gpu('b', 'B', '8.9', 1)],
  driver: { version: null, cudaVersion: null, mismatch: false, platform: 'linux_x86_64', wsl: false, source: 'none' }, rows, problems: [], note: null, ...more,
});

describe('findUnusedGpus', () => {
  const blocked = row('old', [cell('a', 'incompatible', { repairable: true }), cell('b', 'native')]);
  const bare = row('bare', [cell('a', 'no_torch'), cell('b', 'no_torch')]);
  it('a GPU that every torch misses, and a repair would serve', () => expect(findUnusedGpus(matrix([blocked, bare])).map((u) => [u.target.key, u.rows.map((r) => r.name)])).toEqual([['a', ['old']]]));
  it.each([
    ['one environment serves it', matrix([blocked, row('new', [cell('a', 'native')])])],
    ['a gap is no idle GPU', matrix([row('gap', [cell('a', 'library_gap', { repairable: true })])])],
    ['nothing can be repaired', matrix([row('old', [cell('a', 'incompatible')])])],
    ['there is no torch at all', matrix([bare])],
    ['it is still looked for', matrix([blocked], { state: 'scanning' })],
    ['there is no environment', matrix([])],
  ])('not when %s', (_, given) => expect(findUnusedGpus(given)).toEqual([]));
});

describe('describeScan', () => {
  it.each([
    [matrix([], { state: 'never' }), 'not looked for yet'],
    [matrix([], { state: 'scanning' }), 'looking …'],
    [matrix([], { state: 'scanning', progress: { found: 9, judged: 4 } }), '4 of 9 read'],
    [matrix([row('a', [])]), '1 environment found in 0.50 s'],
    [matrix([], { tookMs: null }), '0 environments found'],
  ])('%#', (given, said) => expect(describeScan(given)).toBe(said));
});
