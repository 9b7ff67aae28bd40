import { expect, it } from 'vitest';
import { decideProcessorFeatures, readProcessorFeatures, type ProcessorFeatures } from './processor-features.ts';

const haswell = 'sse4_2 avx f16c fma avx2 bmi2';
const skylake = `${haswell} avx512f avx512cd avx512vl avx512dq avx512bw`;
const x86 = (flags: string): string => `processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: a processor\nflags\t\t: fpu ${flags} rdpid\nbugs\t\t: spectre_v1\n\nprocessor\t: 1\nflags\t\t: fpu\n`;
const arm = (flags: string): string => `processor\t: 0\nBogoMIPS\t: 2000.00\nFeatures\t: fp ${flags} evtstrm\nCPU implementer\t: 0x41\n`;
const none: ProcessorFeatures = { avx2: false, avx512: false, amx: false, dotProduct: false };

it.each<[string, NodeJS.Platform, NodeJS.Architecture, string | null, Partial<ProcessorFeatures>]>([
  ['an old one', 'linux', 'x64', x86('sse4_2 avx'), {}],
  ['AVX2 without BMI2: llama.cpp takes a library without either', 'linux', 'x64', x86('sse4_2 avx f16c fma avx2'), {}],
  ['Haswell', 'linux', 'x64', x86(haswell), { avx2: true }],
  ['some of AVX-512 (Knights Landing)', 'linux', 'x64', x86(`${haswell} avx512f avx512cd`), { avx2: true }],
  ['Skylake-X', 'linux', 'x64', x86(skylake), { avx2: true, avx512: true }],
  ['Zen 4', 'linux', 'x64', x86(`${skylake} avx512vbmi avx512_vnni avx512_bf16`), { avx2: true, avx512: true }],
  ['Sapphire Rapids', 'linux', 'x64', x86(`${skylake} avx512vbmi avx512_vnni avx512_bf16 amx_bf16 amx_tile amx_int8`), { avx2: true, avx512: true, amx: true }],
  ['tiles that a virtual machine shows alone', 'linux', 'x64', x86(`${haswell} amx_tile amx_int8`), { avx2: true }],
  ['nothing readable', 'linux', 'x64', 'nonsense', { avx2: true }],
  ['Windows', 'win32', 'x64', null, { avx2: true }],
  ['Grace', 'linux', 'arm64', arm('asimd asimddp sve i8mm'), { dotProduct: true }],
  ['Cortex-A72', 'linux', 'arm64', arm('asimd crc32'), {}],
  ['Apple', 'darwin', 'arm64', null, { dotProduct: true }],
  ['Windows for Arm', 'win32', 'arm64', null, {}],
  ['another architecture', 'linux', 'riscv64', 'isa : rv64gcv', {}],
])('%s', (_name, platform, arch, cpuinfo, features) => {
  expect(decideProcessorFeatures(platform, arch, cpuinfo)).toEqual({ ...none, ...features });
});

it('a text of any length is read in no time', () => {
  expect(decideProcessorFeatures('linux', 'x64', `flags${'\t'.repeat(200_000)}x\n`.repeat(2))).toEqual({ ...none, avx2: true });
});

it('reads this machine', () => {
  expect(readProcessorFeatures()).toMatchObject({ avx2: expect.any(Boolean) as boolean });
});
