import { beforeAll, describe, expect, it } from 'vitest';
import type { CompanionFacts, EnvironmentXray, TorchFacts } from '../../../contract/environments.ts';
import { companionState } from '../../../contract/verdict.ts';
import { companionRowOf } from '../tables/companion-table.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { decideCompanions } from './companions.ts';
import { makeCompanion, makeDriver, makeLibrary, makeTarget, makeTorch, makeXray, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
const rtx5090 = makeTarget('12.0', 'RTX 5090'), rtx3090 = makeTarget('8.6', 'RTX 3090'), t4 = makeTarget('7.5', 'T4'), p100 = makeTarget('6.0', 'P100');
const torch28 = makeTorch('2.8.0+cu128', ['sm_70', 'sm_120']), torch211 = makeTorch('2.11.0+cu130', ['sm_75', 'sm_120']), torch24 = makeTorch('2.4.1+cu121', ['sm_50', 'sm_90']), torch212 = makeTorch('2.12.1+cu130', ['sm_120']);
const one = (companion: CompanionFacts, torch: TorchFacts, targets = [rtx5090], change: Partial<EnvironmentXray> = {}, driver = makeDriver('580.95')): string => {
  const state = decideCompanions(makeXray(torch, { companions: [companion], ...change }), targets, driver, tables)[0];
  expect(companionState.parse(state)).toEqual(state);
  return `${state?.state}: ${state?.text}`;
};

describe('against torch', () => {
  it.each<[CompanionFacts, TorchFacts, string]>([
    [makeCompanion('torchvision', '0.23.0', { torchRequirement: 'torch==2.8.0' }), torch28, 'fine: matches torch 2.8.0'],
    [makeCompanion('torchvision', '0.23.0'), torch28, 'fine: matches torch 2.8'],
    [makeCompanion('torchvision', '0.24.0'), torch28, 'problem: torch 2.8 needs 0.23'],
    [makeCompanion('torchvision', '0.24.0', { torchRequirement: 'torch==2.9.0' }), torch28, 'problem: pins torch 2.9.0, not 2.8.0'],
    [makeCompanion('torchvision', '0.27.1'), torch212, 'fine: matches torch 2.12'],
    // torchaudio ended with 2.11.0, which has no exact requirement.
    [makeCompanion('torchaudio', '2.11.0'), torch212, 'fine: matches torch 2.12'],
    [makeCompanion('torchaudio', '2.8.0'), torch212, 'attention: torch 2.12 came with 2.11.0'],
    [makeCompanion('torchvision', '0.23.0+cu126', { torchRequirement: 'torch==2.8.0', cudaLabel: 'cu126', cudaMajor: 12 }), torch28, 'attention: built for cu126, torch for CUDA 12.8'],
    [makeCompanion('torchvision', '0.23.0+cu130', { torchRequirement: 'torch==2.8.0', cudaLabel: 'cu130', cudaMajor: 13 }), torch28, 'problem: built for CUDA 13, torch for CUDA 12'],
    [makeCompanion('triton', '3.4.0'), { ...torch28, requires: ['triton==3.4.0; platform_system == "Linux"'] }, 'fine: matches'],
    [makeCompanion('triton', '3.5.0'), { ...torch28, requires: ['triton==3.4.0; platform_system == "Linux"'] }, 'attention: torch asks for 3.4.0'],
    [makeCompanion('nvidia-cudnn-cu12', '9.12.0.1'), { ...torch28, requires: ['nvidia-cudnn-cu12==9.10.2.21'] }, 'attention: torch asks for 9.10.2.21'],
    // What stands on a CUDA of its own may have another one than torch.
    [makeCompanion('nvidia-cudnn-cu12', '9.10.2.21', { cudaLabel: 'cu12', cudaMajor: 12 }), torch211, 'fine: no requirement is broken'],
    [makeCompanion('onnxruntime-gpu', '1.22.0', { cudaLabel: 'cu124', cudaMajor: 12 }), torch211, 'fine: serves sm_120 since 1.22'],
    [makeCompanion('xformers', '0.0.28', { torchRequirement: 'torch>=2.4,<2.5' }), torch211, 'problem: pins torch >=2.4,<2.5, not 2.11.0'],
    [makeCompanion('some-kernels', '1.0'), torch211, 'unknown: nothing is on record'],
  ])('%# $name $version', (companion, torch, text) => expect(one(companion, torch)).toBe(text));
  it('what is left over from another CUDA is told as that', () => expect(one(makeCompanion('nvidia-cudnn-cu12', '9.10.2.21', { cudaMajor: 12 }), torch211, [t4], { leftovers: [{ name: 'nvidia-cudnn-cu12', version: '9.10.2.21', cudaMajor: 12 }] })).toBe('attention: left over from CUDA 12'));
  it('there may be no torch', () => expect(decideCompanions(makeXray(null, { companions: [makeCompanion('triton', '3.4.0')] }), [rtx5090], makeDriver(null), tables)[0]?.state).toBe('unknown'));
});

describe('against the GPU', () => {
  const vision = (counts: Record<string, number>): CompanionFacts => makeCompanion('torchvision', '0.26.0', { torchRequirement: 'torch==2.11.0', libraries: [makeLibrary('torchvision/_C.so', counts), makeLibrary('torchvision/image.so', {})] });
  it.each<[string, CompanionFacts, TorchFacts, string]>([
    ['kernels of its own', vision({ sm_75: 30, sm_120: 30, 'compute_120/9.0': 30 }), torch211, 'fine: matches torch 2.11.0'],
    ['none for the GPU', vision({ sm_75: 30, sm_90: 30 }), torch211, 'problem: no kernels for sm_120 in _C.so'],
    ['only a stray one', vision({ sm_75: 30, sm_120: 2 }), torch211, 'attention: only parts of it serve sm_120'],
    ['PTX', makeCompanion('xformers', '0.0.30', { libraries: [makeLibrary('xformers/_C.so', { 'compute_80/8.7': 40, sm_80: 40 }), makeLibrary('xformers/_C_flashattention3.so', { sm_90a: 4 })] }), torch28, 'fine: compiles for sm_120 at first use'],
    ['triton before sm_120', makeCompanion('triton', '3.0.0'), torch24, 'problem: no sm_120 before 3.3'],
    ['flash-attn by its version', makeCompanion('flash-attn', '2.5.8'), torch24, 'problem: no sm_120 before 2.7.3'],
    ['a source that nobody verified is not the only ground', makeCompanion('torchaudio', '2.4.1', { torchRequirement: 'torch==2.4.1' }), torch24, 'attention: no sm_120 before 2.7'],
    ['one library per CUDA: that of torch counts', makeCompanion('bitsandbytes', '0.48.0', { libraries: [makeLibrary('bitsandbytes/libbitsandbytes_cuda118.so', { sm_80: 9 }), makeLibrary('bitsandbytes/libbitsandbytes_cuda128.so', { sm_120: 9 })] }), torch28, 'fine: has kernels for sm_120'],
    ['and may not be there', makeCompanion('bitsandbytes', '0.45.0', { libraries: [makeLibrary('bitsandbytes/libbitsandbytes_cuda118.so', { sm_80: 9 })] }), torch28, 'attention: has no library for CUDA 12.8'],
    ['for another GPU on purpose', makeCompanion('flash-attn-3', '3.0.0', { libraries: [makeLibrary('flash_attn_3/_C.abi3.so', { sm_90a: 90 })] }), torch28, 'attention: is for Hopper only, does not run on sm_120'],
    ['kernels that it can do without', makeCompanion('torchao', '0.14.0', { libraries: [makeLibrary('torchao/_C_cutlass_90a.so', { sm_90a: 9 })] }), torch28, 'attention: no kernels for sm_120'],
    ['of no known part', makeCompanion('my-kernels', '1', { libraries: [makeLibrary('my/a.so', { sm_80: 9 })] }), torch28, 'attention: no kernels for sm_120'],
  ])('%s', (_, companion, torch, text) => expect(one(companion, torch)).toBe(text));
  it('PTX that the driver does not know', () => expect(one(makeCompanion('causal-conv1d', '1.5.0', { libraries: [makeLibrary('causal_conv1d_cuda.so', { 'compute_90/9.0': 8 })] }), torch28, [rtx5090], {}, makeDriver('570.26'))).toBe('problem: its PTX for sm_120 needs a driver for CUDA 13.0'));
  it('cuDNN 9.11 dropped what is below 7.5', () => {
    for (const [version, target, text] of [['9.11.0.98', p100, 'problem: 9.11 and newer dropped GPUs below 7.5'], ['9.10.2.21', p100, 'fine: no requirement is broken'], ['9.19.0.56', t4, 'fine: no requirement is broken']] as const) expect(one(makeCompanion('nvidia-cudnn-cu12', version), torch28, [target])).toBe(text);
  });
  it('over several GPUs the worst is told, with the GPU that it is about', () => {
    const flash = makeCompanion('flash-attn', '2.5.8', { libraries: [makeLibrary('flash_attn_2_cuda.cpython-312.so', { sm_80: 60, sm_90: 60 })] });
    expect(one(flash, torch28, [rtx3090, rtx5090])).toBe('problem: no kernels for sm_120 (RTX 5090)');
    expect(one(flash, torch28, [rtx3090])).toBe('fine: has kernels for sm_86');
    expect(one(flash, torch28, [])).toBe('unknown: nothing is on record');
  });
});

it('rows are found by any spelling, and a name from a file is never one of JavaScript’s', () => {
  expect(companionRowOf('NVIDIA_cuDNN.cu13', tables.companions)?.kind).toBe('vendor');
  for (const name of ['constructor', '__proto__', 'toString', '']) expect(companionRowOf(name, tables.companions)).toBeNull();
});
