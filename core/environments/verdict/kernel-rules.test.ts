import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LibraryCensus, TorchFacts } from '../../../contract/environments.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { parseCapability } from './architecture-rules.ts';
import { coverageOf, decideKernelList, judgeKernels, linalgGaps, listText, majorityCode } from './kernel-rules.ts';
import { makeDriver, makeLibrary, makeTorch, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });

/** Counts of the real wheels, as a scanner wrote them down when the fixtures were cut. */
interface Expected { readonly libs: Record<string, { readonly flags?: string | null; readonly original?: { readonly flags?: string | null; readonly census?: { readonly containers: number; readonly containers_per_arch: Record<string, number> } } }> }
const fixtures = join(import.meta.dirname, '../../../native-workers/environment-probe/fixtures/torch');
const readExpected = (version: string): Expected => JSON.parse(readFileSync(join(fixtures, version, 'expected.json'), 'utf8')) as Expected;
function libraryOf(version: string, name: string): LibraryCensus {
  const census = readExpected(version).libs[name]?.original?.census;
  if (census === undefined) throw new Error(`${name} of ${version} is not in the fixture`);
  return makeLibrary(name, census.containers_per_arch, { containers: census.containers });
}
const cc = (text: string): NonNullable<ReturnType<typeof parseCapability>> => { const c = parseCapability(text); if (c === null) throw new Error(text); return c; };

describe('real wheels', () => {
  const flags: Readonly<Record<string, string>> = { '2.4.1': 'sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90', '2.8.0': 'sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120', '2.11.0': 'sm_75 sm_80 sm_86 sm_90 sm_100 sm_120', '2.15.0': 'sm_75 sm_80 sm_86 sm_90 sm_100 sm_120' };
  it.each(Object.entries(flags))('%s: the majority of its containers is the list of its makers', (version, list) => {
    expect(listText(majorityCode(libraryOf(version, 'torch/lib/libtorch_cuda.so').code).map((c) => c.arch))).toBe(list);
  });
  /** Which GPUs have linear algebra: read from the real counts; 7.5 lost it in 2.11, with sm_70; 2.15 has one container of it. */
  it.each([['1.13.1', '7.5', true], ['2.4.1', '7.5', true], ['2.8.0', '7.5', true], ['2.11.0', '7.5', false], ['2.11.0', '12.0', true], ['2.15.0', '7.5', false], ['2.15.0', '8.6', true], ['2.11.0', '8.9', true], ['2.4.1', '9.0', true], ['1.13.1', '3.7', true]] as const)('linear algebra of %s on %s: %s', (version, capability, has) => {
    const torch: TorchFacts = makeTorch(version, [], { libraries: [libraryOf(version, 'torch/lib/libtorch_cuda_linalg.so')] });
    expect(linalgGaps(torch, cc(capability)).length === 0).toBe(has);
  });
});

describe('the list that counts', () => {
  it('is that of the kernels; what was meant is compared', () => {
    const torch = makeTorch('2.8.0', ['sm_80', 'sm_90'], { flags: ['sm_90', 'sm_80'] });
    expect(decideKernelList(torch)).toMatchObject({ archs: ['sm_80', 'sm_90'], place: 'torch/lib/libtorch_cuda.so', disagrees: null });
    expect(decideKernelList({ ...torch, flags: ['sm_80'] })?.disagrees).toEqual({ flags: ['sm_80'], census: ['sm_80', 'sm_90'] });
    expect(decideKernelList({ ...torch, flags: null })?.disagrees).toBeNull();
    expect(decideKernelList({ ...torch, census: null }), 'a list alone promises nothing').toBeNull();
  });
  it('takes the newest PTX version among all entries, for each must be compiled', () => {
    const libraries = [makeLibrary('torch/lib/libtorch_cuda_cu.so', { 'compute_37/7.8': 4 }), makeLibrary('torch/lib/libtorch_cuda_cpp.so', { 'compute_37/7.10': 1 })];
    expect(decideKernelList(makeTorch('1.13.1', ['compute_37'], { libraries }))?.ptxIsa.get('compute_37')).toBe('7.10');
  });
});

describe('serving', () => {
  const judge = (archs: string[], capability: string, driver = makeDriver('580.95'), isa: [string, string][] = [], built: string | null = '12.8'): string => { const j = judgeKernels(archs, new Map(isa), built, cc(capability), driver, tables); return `${j.state}${j.by === null ? '' : ` ${j.by}`}`; };
  it.each<[string[], string, string]>([[['sm_80', 'sm_86'], '8.9', 'native sm_86'], [['sm_80', 'sm_86'], '8.0', 'native sm_80'], [['sm_86'], '8.0', 'missing'], [['sm_90', 'compute_90'], '12.0', 'jit compute_90'], [['compute_80', 'compute_90'], '12.0', 'jit compute_90'], [[], '12.0', 'missing'], [['garbage', 'sm_'], '12.0', 'missing']])('%j on %s: %s', (archs, capability, text) => expect(judge(archs, capability)).toBe(text));
  it('an older PTX that the driver knows is enough where a newer is not', () => expect(judge(['compute_80', 'compute_90'], '12.0', makeDriver('570.26'), [['compute_90', '9.0'], ['compute_80', '8.0']])).toBe('jit compute_80'));
  it('PTX of unread version is of the CUDA it was built with, or not known', () => {
    expect(judge(['compute_90'], '12.0', makeDriver('570.26'), [], '13.0')).toBe('ptx_too_new compute_90');
    expect(judge(['compute_90'], '12.0', makeDriver('580.95'), [], null)).toBe('ptx_unknown compute_90');
    expect(judge(['compute_90'], '12.0', makeDriver('garbage'))).toBe('ptx_unknown compute_90');
    expect(judge(['compute_90'], '12.0', makeDriver(null))).toBe('jit compute_90');
    expect(judge(['compute_50'], '12.0', makeDriver('470.1'), [['compute_50', '7.0']])).toBe('ptx_unknown compute_50');
    expect(judge(['compute_50'], '12.0', makeDriver('470.1'), [['compute_50', '7.8']])).toBe('ptx_too_new compute_50');
  });
  it('coverage counts containers, never more than there are', () => {
    expect(coverageOf(makeLibrary('x', { sm_80: 50, sm_86: 50, sm_90: 100 }), cc('8.9'), 'sass').share).toBe(1);
    expect(coverageOf(makeLibrary('x', { sm_80: 25, sm_90: 100, 'compute_90/8.7': 100 }), cc('8.9'), 'sass').share).toBe(0.25);
    expect(coverageOf(makeLibrary('x', {}), cc('8.9'), 'both')).toEqual({ share: 0, by: [] });
  });
});
