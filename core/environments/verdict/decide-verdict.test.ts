import { beforeAll, describe, expect, it } from 'vitest';
import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { isFinding, verdictCell, type DriverFacts, type GpuTarget, type VerdictCell } from '../../../contract/verdict.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { decideFindings } from './decide-findings.ts';
import { decideVerdict } from './decide-verdict.ts';
import { mainLibrary, makeCompanion, makeDriver, makeFound, makeLibrary, makeTarget, makeTorch, makeXray, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
const archs241 = ['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90'], archs211 = ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120'];
const old = makeTorch('2.4.1+cu121', archs241), current = makeTorch('2.11.0+cu130', archs211);
const rtx5090 = makeTarget('12.0', 'RTX 5090'), here = makeTarget('12.0', 'NVIDIA GeForce RTX 5090', 0), modern = makeDriver('580.95');

function judge(xray: EnvironmentXray | null, target: GpuTarget = rtx5090, driver: DriverFacts = modern, found: FoundEnvironment = makeFound()): VerdictCell {
  const cell = verdictCell.parse(decideVerdict({ found, xray, target, driver, tables }));
  const said = JSON.stringify(cell);
  expect(said).not.toMatch(/undefined|NaN|Infinity|\[object/);
  expect(cell.problem !== null).toBe(isFinding(cell.verdict));
  if (cell.problem !== null) expect(`${cell.problem.cause} ${cell.problem.remedy}`).not.toMatch(/—|\{|\}|\.\./);
  if (isFinding(cell.verdict)) expect(cell.evidence.some((e) => !e.supports)).toBe(true);
  return cell;
}

describe('the build against the GPU', () => {
  it('torch 2.4.1+cu121 on an RTX 5090 with driver 580.95: no kernels, and which build has them', () => {
    const cell = judge(makeXray(old));
    expect(cell).toMatchObject({ verdict: 'incompatible', text: 'needs sm_120; no PTX to compile from', repairable: true, problem: { code: 'torch.arch_missing' } });
    expect(cell.problem?.cause).toBe('torch 2.4.1+cu121 has kernels for sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90; RTX 5090 needs sm_120. The first kernel fails with "no kernel image is available for execution on the device".');
    expect(cell.problem?.remedy).toBe('Install torch 2.14 for CUDA 13.0 (cu130), which has kernels for it; driver 580.95 runs it.');
    expect(cell.evidence).toContainEqual({ what: 'Kernels in torch', value: 'sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90', place: mainLibrary, supports: false });
    expect(cell.evidence).toContainEqual({ what: 'Driver', value: '580.95', place: 'as named', supports: true });
  });
  it.each([['12.0', 'has kernels for sm_120'], ['12.1', 'runs its sm_120 kernels on sm_121'], ['8.9', 'runs its sm_86 kernels on sm_89'], ['10.3', 'runs its sm_100 kernels on sm_103']])('2.11.0+cu130 on %s: %s', (capability, text) => expect(judge(makeXray(current), makeTarget(capability))).toMatchObject({ verdict: 'native', text, problem: null }));
  it('is not taken in by stray kernels: some sm_90a and one sm_89 are no support', () => {
    const torch = makeTorch('2.6.0+cu126', ['sm_70', 'sm_80'], { libraries: [makeLibrary(mainLibrary, { sm_70: 393, sm_80: 393, sm_90a: 4, sm_120a: 1 })] });
    const cell = judge(makeXray(torch), makeTarget('9.0', 'H100'));
    expect(cell.verdict).toBe('incompatible');
    expect(cell.evidence).toContainEqual({ what: 'In a few places only, not counted', value: 'sm_90a in 4 of 393', place: mainLibrary, supports: false });
    expect(judge(makeXray(torch)).verdict).toBe('incompatible');
  });
  it('integrated chips run only their own, by either number', () => {
    const thor = makeTorch('2.11.0+cu130', ['sm_80', 'sm_90', 'sm_100', 'sm_110', 'sm_120']), arm: Partial<DriverFacts> = { platform: 'linux_aarch64' };
    for (const capability of ['11.0', '10.1']) expect(judge(makeXray(thor), makeTarget(capability, 'Thor'), makeDriver('580.1', arm)).verdict).toBe('native');
    const orin = judge(makeXray(thor), makeTarget('8.7', 'Orin'), makeDriver('580.1', arm));
    expect(orin).toMatchObject({ verdict: 'gpu_unsupported', repairable: false, problem: { code: 'torch.gpu_unsupported' } });
    expect(orin.problem?.remedy).toContain('Jetson');
    // A build of the maker's has it: no table stands against what is there.
    expect(judge(makeXray(makeTorch('2.8.0', ['sm_87'], { cuda: '12.6' })), makeTarget('8.7', 'Orin'), makeDriver('540.4', arm)).verdict).toBe('native');
  });
  it('T4 on ARM is in no official build there, and the remedy says where it is', () => expect(judge(makeXray(makeTorch('2.11.0+cu130', ['sm_80', 'sm_90'])), makeTarget('7.5', 'T4G'), makeDriver('580.1', { platform: 'linux_aarch64' })).problem?.remedy).toBe('Builds for Linux on x86-64 and Windows have it. Here, compile PyTorch for it or use another GPU.'));
});

describe('PTX', () => {
  const ptx = (isa: string, arch = 'compute_90'): EnvironmentXray => makeXray(makeTorch('2.8.0+cu128', ['sm_80', `${arch}/${isa}`]));
  it('is compiled by a driver that knows its version', () => {
    const cell = judge(ptx('8.7'), rtx5090, makeDriver('570.26'));
    expect(cell).toMatchObject({ verdict: 'jit', text: 'compiles its PTX compute_90 for sm_120 at first use', problem: null });
    expect(cell.evidence.map((e) => e.value)).toEqual(expect.arrayContaining(['compute_90, PTX 8.7', '12.8', 'CUDA_DISABLE_PTX_JIT=1 makes it fail']));
  });
  it('is not by an older one: minor version compatibility does not cover it', () => {
    const cell = judge(ptx('9.0'), makeTarget('12.0', 'RTX 5090'), makeDriver('570.26'));
    expect(cell).toMatchObject({ verdict: 'driver_too_old', problem: { code: 'torch.driver_too_old' } });
    expect(cell.problem?.remedy).toContain('CUDA 13.0');
    expect(judge(ptx('9.0'), makeTarget('12.0'), makeDriver('570.26', { cudaVersion: '13.0' })).verdict, 'the driver’s own word').toBe('jit');
  });
  it('of a version above the table is not promised', () => {
    expect(judge(ptx('9.2'), rtx5090, makeDriver('610.43.02'))).toMatchObject({ verdict: 'unknown', problem: { code: 'torch.unknown' } });
    expect(judge(ptx('9.2'), rtx5090, makeDriver('580.95')).verdict).toBe('driver_too_old');
  });
  it.each(['compute_120a', 'compute_121', 'compute_120f'])('%s is for its own', (arch) => expect(judge(ptx('8.8', arch), makeTarget('10.0', 'B200'))).toMatchObject({ verdict: 'incompatible', text: 'needs sm_100; its PTX is for other GPUs' }));
});

describe('the driver', () => {
  it('too old for the CUDA major: an update, or a build that it runs', () => {
    const cell = judge(makeXray(current), makeTarget('8.6', 'RTX 3090'), makeDriver('550.54.14'));
    expect(cell).toMatchObject({ verdict: 'driver_too_old', text: 'needs driver 580 or newer; 550.54.14 is installed', repairable: true, problem: { code: 'torch.driver_too_old' } });
    expect(cell.problem?.remedy).toBe('Update the driver to 580 or newer. Or install torch 2.14 for CUDA 12.6 (cu126), which this driver runs.');
  });
  it('too old for the GPU', () => expect(judge(makeXray(makeTorch('2.8.0+cu128', ['sm_120'])), rtx5090, makeDriver('560.28.03'))).toMatchObject({ verdict: 'driver_too_old', repairable: false, problem: { code: 'torch.gpu_driver_too_old', cause: 'RTX 5090 needs driver 570 or newer; 560.28.03 is installed.' } }));
  it('in WSL is Windows’', () => expect(judge(makeXray(current), makeTarget('8.6'), makeDriver('528.0', { wsl: true })).problem?.remedy).toContain('on the Windows side'));
  it('that has dropped the GPU', () => expect(judge(makeXray(old), makeTarget('6.1', 'GTX 1080'), makeDriver('590.48.01'))).toMatchObject({ verdict: 'gpu_unsupported', problem: { code: 'torch.gpu_driver_too_new', remedy: 'Go back to a driver of branch R580, the last that drives this GPU.' } }));
  it('that does not answer, for a GPU of this machine', () => expect(judge(makeXray(current), here, makeDriver(null))).toMatchObject({ verdict: 'driver_too_old', text: 'no NVIDIA driver answers', problem: { code: 'torch.no_driver' } }));
  it('is left open for a GPU elsewhere', () => expect(judge(makeXray(current), rtx5090, makeDriver(null))).toMatchObject({ verdict: 'native' }));
  it('whose parts differ comes first, and what is wrong besides is told', () => {
    expect(judge(makeXray(current), here, makeDriver('580.95', { mismatch: true, source: 'driver' }))).toMatchObject({ verdict: 'driver_mismatch', problem: { code: 'torch.driver_mismatch' } });
    expect(judge(makeXray(old), here, makeDriver('580.95', { mismatch: true, source: 'driver' })).text).toBe('kernel module and library of the driver differ; it also has no kernels for sm_120');
  });
  it('too old and no kernels: the build is the finding, and the remedy names both', () => {
    const cell = judge(makeXray(old), rtx5090, makeDriver('550.54.14'));
    expect(cell).toMatchObject({ verdict: 'incompatible', repairable: false });
    expect(cell.problem?.remedy).toBe('Update the driver to 580 or newer, with the open kernel modules. Then install torch 2.15 for CUDA 13.2 (cu132).');
  });
  it('of R570: a build that it runs is named, and the newest beside it', () => expect(judge(makeXray(old), rtx5090, makeDriver('575.64')).problem?.remedy).toBe('Install torch 2.13.0+cu129, which has kernels for it; driver 575.64 runs it. The newest, torch 2.15 for CUDA 13.2 (cu132), asks for another driver.'));
});

describe('builds without CUDA', () => {
  const cpu = (version: string, change = {}): EnvironmentXray => makeXray(makeTorch(version, [], { build: 'cpu', cuda: null, flags: null, flagsFile: null, census: null, libraries: [], ...change }));
  it.each<[string, EnvironmentXray, Partial<DriverFacts>, string]>([
    ['Windows', cpu('2.11.0'), { platform: 'windows_x86_64' }, 'On Windows the default index has CPU builds only'], ['ARM', cpu('2.9.1'), { platform: 'linux_aarch64' }, 'On ARM the default index had CPU builds only in torch 2.9'], ['ARM later', cpu('2.12.0'), { platform: 'linux_aarch64' }, 'installed without CUDA'], ['label', cpu('2.11.0+cpu'), {}, 'Its label +cpu'], ['conda', cpu('2.5.1', { installer: 'conda', condaBuild: 'cpu_mkl_py312' }), {}, 'Conda takes a CPU build'], ['system', cpu('1.13.1', { path: '/usr/lib/python3/dist-packages/torch' }), {}, 'operating system'],
  ])('%s: and why it is one', (_, xray, change, why) => {
    const cell = judge(xray, rtx5090, makeDriver('580.95', change));
    expect(cell).toMatchObject({ verdict: 'cpu_only', repairable: true, problem: { code: 'torch.cpu_build' } });
    expect(cell.problem?.cause).toContain(why);
  });
  it('are not called repairable where no build would help', () => expect(judge(cpu('2.9.1'), makeTarget('8.7', 'Orin'), makeDriver('580.95', { platform: 'linux_aarch64' })).repairable).toBe(false));
  it('for other makers', () => expect(judge(cpu('2.8.0+rocm6.4', { build: 'rocm', hip: '6.4' }))).toMatchObject({ verdict: 'incompatible', problem: { code: 'torch.other_maker' } }));
  it('of no known kind', () => expect(judge(cpu('2.8.0', { build: 'unknown' }))).toMatchObject({ verdict: 'unknown', problem: { code: 'torch.unknown' } }));
});

describe('what cannot be imported or judged', () => {
  const record = (examples: { package: string; path: string; what: 'missing' | 'size' | 'hash' }[]): Partial<EnvironmentXray> => ({ record: { packages: 3, files: 20_198, missing: examples.filter((e) => e.what === 'missing').length, changed: examples.filter((e) => e.what === 'size').length, examples, shared: [], sharedCount: 0, tookMs: 150 } });
  it('no torch is no finding', () => expect(judge(makeXray(null))).toMatchObject({ verdict: 'no_torch', problem: null }));
  it('remains of a removal are no torch', () => expect(judge(makeXray(null, { otherTorch: [{ path: '/x/~orch', version: null, why: 'Remains of a removal that was interrupted; it is never imported.' }] })).verdict).toBe('no_torch'));
  it.each<[string, EnvironmentXray, FoundEnvironment, boolean]>([
    ['a record without its folder', makeXray(null, { packages: [{ name: 'torch', version: '2.8.0' }] }), makeFound(), true],
    ['no version.py', makeXray(makeTorch('2.8.0+cu128', archs211, { version: null, build: 'unknown' })), makeFound(), true],
    ['no interpreter', makeXray(current), makeFound({ problems: [makeProblem('env.interpreter_missing', { path: '/home/ada/chat/bin/python', target: '/usr/bin/python3.11' })] }), false],
    ['libcudnn gone', makeXray(current, record([{ package: 'nvidia-cudnn-cu13', path: 'nvidia/cudnn/lib/libcudnn.so.9', what: 'missing' }])), makeFound(), true],
    ['libtorch_cpu gone', makeXray(current, record([{ package: 'torch', path: 'torch/lib/libtorch_cpu.so', what: 'missing' }])), makeFound(), true],
    ['a library cut off', makeXray({ ...current, libraries: [makeLibrary(mainLibrary, { sm_120: 3 }, { troubles: ['it ends in the middle of a container'] })] }, record([{ package: 'torch', path: 'torch/lib/libtorch_cuda.so', what: 'size' }])), makeFound(), true],
    ['no libtorch_cuda beside its list', makeXray({ ...current, libraries: [], census: null }), makeFound(), true],
  ])('%s', (_, xray, found, repairable) => expect(judge(xray, rtx5090, modern, found)).toMatchObject({ verdict: 'broken', repairable, problem: { code: 'torch.broken' } }));
  it.each<[string, EnvironmentXray]>([
    ['documentation is missing', makeXray(current, record([{ package: 'torch', path: 'torch/include/c10/x.h', what: 'missing' }, { package: 'numpy', path: 'numpy/core/a.so', what: 'missing' }]))],
    ['a leftover package lost its files', makeXray(current, { ...record([{ package: 'nvidia-cudnn-cu12', path: 'nvidia/cudnn/lib/libcudnn.so.9', what: 'missing' }]), leftovers: [{ name: 'nvidia-cudnn-cu12', version: '9.10.2.21', cudaMajor: 12 }] })],
    ['the linear algebra library is loaded later', makeXray(current, record([{ package: 'torch', path: 'torch/lib/libtorch_cuda_linalg.so', what: 'missing' }]))],
    ['a library of another size that reads well', makeXray(current, record([{ package: 'torch', path: 'torch/lib/libtorch_cuda.so', what: 'size' }]))],
  ])('%s: it still starts', (_, xray) => expect(judge(xray).verdict).toBe('native'));
  it.each<[string, EnvironmentXray | null, GpuTarget]>([
    ['not read', null, rtx5090], ['the GPU is silent', makeXray(current), makeTarget(null, 'x', 0)],
    ['kernels unreadable', makeXray({ ...current, census: null, libraries: [makeLibrary(mainLibrary, {}, { format: 'unknown', troubles: ['it is no ELF file'] })] }), rtx5090],
    ['a library that it asks for is not installed', makeXray({ ...current, requires: ['nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"'] }), rtx5090],
  ])('%s: not known, and said so', (_, xray, target) => expect(judge(xray, target)).toMatchObject({ verdict: 'unknown', problem: { code: 'torch.unknown' } }));
});

describe('two lists', () => {
  const mixed = makeXray(makeTorch('2.8.0+cu128', archs241, { flags: archs211 }));
  it('that differ are a finding, and the kernels are believed', () => {
    expect(judge(mixed)).toMatchObject({ verdict: 'incompatible' });
    const finding = decideFindings(makeFound(), mixed).find((f) => f.code === 'torch.lists_disagree');
    expect(finding?.cause).toBe('torch/lib/libtorch_python.so says sm_75 sm_80 sm_86 sm_90 sm_100 sm_120; the kernels in torch/lib/libtorch_cuda.so say sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.');
  });
  it('in another order are the same, and what reading found is told once', () => {
    const problem = makeProblem('env.leftovers', { count: 2, major: 12, example: 'nvidia-nccl-cu12' });
    expect(decideFindings(makeFound({ problems: [problem] }), makeXray({ ...current, flags: [...archs211].reverse() }, { problems: [problem] }))).toEqual([problem]);
    expect(decideFindings(makeFound(), null)).toEqual([]);
  });
});

describe('gaps beside a torch that fits', () => {
  const linalg = (counts: Record<string, number>): EnvironmentXray => makeXray({ ...current, libraries: [...current.libraries, makeLibrary('torch/lib/libtorch_cuda_linalg.so', counts)] });
  const measured211 = { sm_80: 99, sm_86: 99, sm_90: 99, sm_100: 99, sm_120: 99 };
  it('linear algebra of 2.11 has nothing for 7.5; one stray kernel does not count', () => {
    for (const counts of [measured211, { ...measured211, sm_75: 1 }]) {
      const cell = judge(linalg(counts), makeTarget('7.5', 'T4'));
      expect(cell).toMatchObject({ verdict: 'library_gap', gaps: ['libtorch_cuda_linalg.so'], problem: { code: 'torch.library_gap' } });
      expect(cell.problem?.remedy).toContain('torch.linalg');
    }
    expect(judge(linalg(measured211), rtx5090).verdict).toBe('native');
  });
  it('that of 1.13, 2.4 and 2.8 has, by kernels of the same major', () => {
    for (const counts of [{ sm_35: 79, sm_37: 107, sm_50: 186, sm_60: 186, sm_70: 186, sm_75: 79, sm_80: 189, sm_86: 189 }, { sm_50: 107, sm_60: 107, sm_70: 107, sm_80: 107, sm_86: 107, sm_90: 107 }]) expect(judge(linalg(counts), makeTarget('7.5', 'T4')).verdict).toBe('native');
  });
  it('a package without kernels for the GPU, and one that does not fit torch', () => {
    const flash = makeCompanion('flash-attn', '2.5.8', { torchRequirement: 'torch', libraries: [makeLibrary('flash_attn_2_cuda.so', { sm_80: 60, sm_90: 60 })] });
    expect(judge(makeXray(current, { companions: [flash] }))).toMatchObject({ verdict: 'library_gap', gaps: ['flash-attn 2.5.8'], text: 'torch has kernels for sm_120; flash-attn does not', repairable: true, problem: { code: 'torch.library_gap' } });
    expect(judge(makeXray(current, { companions: [flash] }), makeTarget('8.6')).verdict).toBe('native');
    const vision = makeCompanion('torchvision', '0.19.1', { torchRequirement: 'torch==2.4.1' });
    expect(judge(makeXray(current, { companions: [vision] }))).toMatchObject({ verdict: 'library_gap', problem: { code: 'torch.companion_mismatch', cause: 'torchvision 0.19.1 pins torch 2.4.1, not 2.11.0.' } });
  });
});

it('hostile text does not get out of hand', () => {
  for (const odd of ['', '../../etc/passwd', '{gpu}', 'x'.repeat(10_000), '2.8.0+cu999', 'constructor']) {
    const cell = decideVerdict({ found: makeFound({ name: odd, prefix: odd }), xray: makeXray(makeTorch(odd, ['sm_80', odd, 'sm_999'], { cuda: odd }), { companions: [makeCompanion('constructor', odd, { torchRequirement: odd }), makeCompanion('__proto__', '1', { cudaLabel: odd })] }), target: makeTarget('12.0', odd), driver: makeDriver(odd, { cudaVersion: odd }), tables });
    expect(verdictCell.parse(cell)).toEqual(cell);
    expect(JSON.stringify(cell)).not.toMatch(/undefined|NaN/);
  }
});
