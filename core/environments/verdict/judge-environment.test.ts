import { beforeAll, describe, expect, it } from 'vitest';
import { verdictWord, type EnvironmentReport, type VerdictCell, type VerdictWord } from '../../../contract/verdict.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { judgeEnvironment, worseFirst } from './judge-environment.ts';
import { decideMixedNotes } from './mixed-gpus.ts';
import { summariseVerdicts } from './summarise-verdicts.ts';
import { makeCompanion, makeDriver, makeFound, makeTarget, makeTorch, makeXray, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
const ada = makeTarget('8.9', 'NVIDIA GeForce RTX 4090', 0), blackwell = makeTarget('12.0', 'NVIDIA GeForce RTX 5090', 1), pascal = makeTarget('6.1', 'GTX 1080', 2), volta = makeTarget('7.0', 'V100', 3);
const old = makeXray(makeTorch('2.4.1+cu121', ['sm_60', 'sm_80', 'sm_86', 'sm_90']));
const driver = makeDriver('580.95.05', { source: 'driver' });

describe('one environment', () => {
  it('has a cell for each GPU, and each says what it is beside the others', () => {
    const { cells, worst } = judgeEnvironment({ found: makeFound(), xray: old, targets: [ada, blackwell], driver, tables });
    expect(cells.map((c) => c.verdict)).toEqual(['native', 'incompatible']);
    expect(worst).toBe('incompatible');
    expect(cells[0]?.evidence.at(-1)).toMatchObject({ what: 'Serves this GPU, but not', value: 'NVIDIA GeForce RTX 5090', supports: true });
    expect(cells[1]?.evidence.at(-1)).toMatchObject({ what: 'Does not serve this GPU, but serves', value: 'NVIDIA GeForce RTX 4090', supports: false });
  });
  it('without a GPU: what holds for every GPU is still said', () => {
    const worst = (xray: Parameters<typeof judgeEnvironment>[0]['xray']): VerdictWord => judgeEnvironment({ found: makeFound(), xray, targets: [], driver: makeDriver(null), tables }).worst;
    expect([worst(null), worst(old), worst(makeXray(null)), worst(makeXray(makeTorch('2.8.0', [], { version: null })))]).toEqual(['unknown', 'unknown', 'no_torch', 'broken']);
  });
  it('packages that do not fit its torch are findings of its own', () => {
    const xray = { ...old, companions: [makeCompanion('torchvision', '0.23.0', { torchRequirement: 'torch==2.8.0' })] };
    const judged = judgeEnvironment({ found: makeFound(), xray, targets: [ada], driver, tables });
    expect(judged.findings.map((f) => f.code)).toEqual(['torch.companion_mismatch']);
    expect(judged.companions).toEqual([{ name: 'torchvision', version: '0.23.0', state: 'problem', text: 'pins torch 2.8.0, not 2.4.1' }]);
  });
  it('the order of badness knows every word once', () => {
    const words = [...verdictWord.options].sort(worseFirst);
    expect(words).toHaveLength(new Set(words).size);
    expect([words[0], words.at(-1)]).toEqual(['broken', 'no_torch']);
    expect(words.indexOf('incompatible')).toBeLessThan(words.indexOf('library_gap'));
    expect(words.indexOf('library_gap')).toBeLessThan(words.indexOf('jit'));
  });
});

describe('GPUs together', () => {
  it('Pascal and Blackwell share no Linux machine and no build; on Windows only no build', () => {
    const linux = decideMixedNotes([pascal, blackwell], driver, tables);
    expect(linux).toEqual(['NVIDIA GeForce RTX 5090 and GTX 1080 cannot share one Linux machine: the first needs the open kernel modules, the second runs only with the proprietary ones.', 'No official build serves GTX 1080 and NVIDIA GeForce RTX 5090 together: use one environment for each.']);
    expect(decideMixedNotes([pascal, blackwell], { ...driver, platform: 'windows_x86_64' }, tables)).toEqual(['No official build serves GTX 1080 and NVIDIA GeForce RTX 5090 together: use one environment for each.']);
  });
  it('Volta and Blackwell had one build for three releases', () => expect(decideMixedNotes([volta, blackwell], { ...driver, wsl: true }, tables)).toContain('The newest build that serves V100 and NVIDIA GeForce RTX 5090 together is torch 2.10 for CUDA 12.8 (cu128).'));
  it('Pascal beside Ada holds the driver back, and needs the last builds with CUDA 12', () => expect(decideMixedNotes([pascal, ada], driver, tables)).toEqual(['Stay on driver branch R580 or older: it is the last that drives GTX 1080.', 'The newest build that serves GTX 1080 and NVIDIA GeForce RTX 4090 together is torch 2.14 for CUDA 12.6 (cu126).']));
  it('what goes together is not talked about', () => {
    for (const targets of [[], [ada], [ada, ada], [ada, blackwell], [makeTarget(null)]]) expect(decideMixedNotes(targets, driver, tables)).toEqual([]);
  });
});

describe('the line of Monitor', () => {
  const report = (...words: VerdictWord[]): Pick<EnvironmentReport, 'cells' | 'worst'> => ({ worst: [...words].sort(worseFirst)[0] ?? 'unknown', cells: words.map((verdict, i): VerdictCell => ({ gpuKey: [ada, blackwell][i]?.key ?? '', verdict, text: '', evidence: [], problem: null, forecast: null, repairable: false, gaps: [] })) });
  const say = (reports: ReturnType<typeof report>[], targets = [ada, blackwell]): string => { const line = summariseVerdicts(reports, targets); expect(line).toMatchObject({ area: 'pytorch', action: { label: 'Environments', place: 'environments' } }); return `${line.state}: ${line.text}`; };
  it.each<[string, ReturnType<typeof report>[], string]>([
    ['some cannot', [report('native', 'incompatible'), report('native', 'cpu_only'), ...Array.from({ length: 5 }, () => report('native', 'native')), report('no_torch', 'no_torch')], 'attention: PyTorch: 2 of 7 environments cannot use the RTX 5090'],
    ['none can', [report('broken', 'broken')], 'problem: PyTorch: 1 of 1 environment cannot use the RTX 4090 or RTX 5090'],
    ['all can', [report('native', 'jit'), report('native', 'native')], 'fine: PyTorch: all 2 environments can use every GPU'],
    ['one can', [report('native', 'native')], 'fine: PyTorch: the environment can use every GPU'],
    ['in part', [report('native', 'library_gap'), report('native', 'native')], 'attention: PyTorch: a package in 1 of 2 environments does not fit'],
    ['not known', [report('native', 'unknown')], 'attention: PyTorch: 1 of 1 environment could not be judged'],
    ['no torch', [report('no_torch', 'no_torch')], 'unknown: PyTorch: it is in no environment that was found'],
    ['nothing', [], 'unknown: PyTorch: no Python environment was found'],
  ])('%s', (_, reports, text) => expect(say(reports)).toBe(text));
  it('for a GPU that was named by its capability', () => expect(say([report('incompatible')], [{ ...ada, name: 'compute capability 12.0' }])).toBe('problem: PyTorch: 1 of 1 environment cannot use GPUs of compute capability 12.0'));
  it('without a GPU', () => expect(say([report('native')], [])).toBe('unknown: PyTorch: there is no GPU to judge for'));
});
