import { describe, expect, it } from 'vitest';
import { chosenByDriver, decideWrongAdvice } from './decide-wrong-advice.ts';
import { listBuilds } from './list-builds.ts';
import { driver, gpu, shippedTables } from './testing.ts';

const tables = await shippedTables();
const wrong = (cc: string, version: string | null, more: Parameters<typeof driver>[1] = {}) => decideWrongAdvice({ targets: [gpu(cc, 'It')], driver: driver(version, more), platform: more.platform ?? 'linux_x86_64', tables });
const commands = (...args: Parameters<typeof wrong>): string => wrong(...args).map((w) => w.command).join('\n');

describe('popular advice that is wrong here', () => {
  it('Blackwell on Linux', () => {
    const all = commands('12.0', '580.95.05');
    for (const part of ['nightly/cu121', 'pytorch-cuda=12.1', 'whl/cu126', 'torch==2.7.1', 'TORCH_CUDA_ARCH_LIST=12.0', 'cudatoolkit', 'CUDA_LAUNCH_BLOCKING', '24.12-py3', 'use_flash_attention_2']) expect(all).toContain(part);
    for (const part of ['whl/cu128', 'whl/cu130', 'torch-backend', '--upgrade torch', 'newest driver', 'cudnn', '.*+cu126']) expect(all).not.toContain(part);
    expect(wrong('12.0', '580.95.05')[0]).toMatchObject({ why: expect.stringContaining('CUDA 12.1 cannot make code for It') as string, instead: 'torch==2.14.1+cu130, from https://download.pytorch.org/whl/cu130' });
  });

  it('Pascal on Linux: what helps Blackwell is what breaks it', () => {
    const all = commands('6.1', '580.95.05');
    for (const part of ['whl/cu130', 'whl/cu128', '--torch-backend=auto', 'pip install --upgrade torch\n', '--extra-index-url', 'Install the newest driver', 'nvidia-cudnn-cu12', '2.14.*+cu126']) expect(all).toContain(part);
    for (const part of ['cu121', 'whl/cu126\n\n', 'torch==2.7.1', 'ARCH_LIST']) expect(all).not.toContain(part);
  });

  it('Ampere with a driver of 2024: only what asks for a newer driver', () => {
    expect(wrong('8.6', '550.54.14').map((w) => w.command)).toEqual(['pip install --upgrade torch', 'pip install --upgrade torch --extra-index-url https://download.pytorch.org/whl/cu126']);
    expect(wrong('8.6', '550.54.14')[0]?.why).toBe('It installs torch 2.15.0 for CUDA 13.2: it needs driver 580 or newer, 550.54.14 is installed.');
  });

  it('Ampere with a driver of today: nothing is wrong', () => { expect(wrong('8.6', '610.43.02')).toEqual([]); });

  it('Windows: the plain index has the CPU build', () => {
    const all = wrong('8.9', '581.15', { platform: 'windows_x86_64' });
    expect(all.map((w) => w.command)).toEqual(['pip install --upgrade torch']);
    expect(all[0]?.instead).toBe('torch==2.15.0+cu130, from https://download.pytorch.org/whl/cu130');
  });

  it('an index made of the CUDA version that the driver prints', () => {
    expect(commands('8.9', '620.10', { cudaVersion: '13.4' })).toContain('--index-url https://download.pytorch.org/whl/cu134');
    expect(commands('8.9', '580.95.05', { cudaVersion: '13.0' })).not.toContain('cu130');
  });

  it('nothing without a GPU, nor of one that is not known', () => {
    expect(decideWrongAdvice({ targets: [], driver: driver('580.95'), platform: 'linux_x86_64', tables })).toEqual([]);
    expect(decideWrongAdvice({ targets: [gpu(null)], driver: driver('610.43.02'), platform: 'linux_x86_64', tables })).toEqual([]);
  });

  it.each([['610.43.02', '2.15.0+cu132'], ['575.64', '2.13.0+cu129'], ['525.60.11', '2.7.1+cu118'], ['440.33', null], [null, null]] as const)('uv’s choice by driver %s: %s', (version, expected) => {
    const b = chosenByDriver(listBuilds('linux_x86_64', tables), driver(version), tables);
    expect(b === null ? null : `${b.version}+${b.label}`).toBe(expected);
  });

  it('every entry is wrong for somebody: none stands there in vain', () => {
    const seen = new Set<string>();
    for (const platform of ['linux_x86_64', 'linux_aarch64', 'windows_x86_64'] as const) for (const cc of Object.keys(tables.gpus.capabilities)) for (const version of ['525.60.13', '570.86.10', '580.95.05', '620.1']) {
      for (const entry of tables.wrong.entries) if (!seen.has(entry.id) && decideWrongAdvice({ targets: [gpu(cc)], driver: driver(version, { platform, cudaVersion: '13.4' }), platform, tables: { ...tables, wrong: { ...tables.wrong, entries: [entry] } } }).length > 0) seen.add(entry.id);
    }
    expect([...seen].sort()).toEqual(tables.wrong.entries.map((e) => e.id).sort());
  });
});
