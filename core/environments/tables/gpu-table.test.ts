import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../contract/gpu.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { gpuTarget } from '../../../contract/verdict.ts';
import { isTegraCapability, parseCapability } from '../verdict/architecture-rules.ts';
import { resources } from '../verdict/testing/make-facts.ts';
import { keyOfName } from './gpu-names.ts';
import { parseGpuName, targetsFromDevices } from './gpu-table.ts';
import { readTables, type Tables } from './read-tables.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });

describe('the table that ships', () => {
  it('knows the same integrated chips as the rules, and a row for every capability with boards', () => {
    for (const [capability, row] of Object.entries(tables.gpus.capabilities)) {
      expect(parseCapability(capability), capability).not.toBeNull();
      expect(row.tegra, capability).toBe(isTegraCapability(capability));
      expect(row.openModules === 'required', capability).toBe((parseCapability(capability)?.major ?? 0) >= 10);
      expect(row.firstDriver === null || row.firstDriver.note.includes('unknown, at least 570'), capability).toBe(true);
    }
    expect(Object.keys(tables.gpus.boards).filter((c) => !(c in tables.gpus.capabilities))).toEqual([]);
    expect(tables.gpus._about.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });
  it('says the same of old GPUs’ last driver as the table of wheels', () => {
    for (const [capability, row] of Object.entries(tables.gpus.capabilities)) {
      const old = !row.tegra && Number(capability) < 7.5;
      expect(row.lastDriverBranch?.branch ?? null, capability).toBe(!old ? null : Number(capability) < 5 ? '470' : '580');
      if (row.lastDriverBranch !== null) expect(row.lastDriverBranch.c, capability).toBe(row.lastDriverBranch.branch === '580' ? 'D' : 'U');
    }
  });
  it('has no name twice, and every name that is ambiguous leads to some that are not', () => {
    const names = Object.values(tables.gpus.boards).flat(), keys = names.map(keyOfName);
    expect(keys.filter((k, i) => keys.indexOf(k) !== i)).toEqual([]);
    for (const meant of Object.values(tables.gpus.ambiguous).flat()) expect(() => parseGpuName(meant, tables.gpus), meant).not.toThrow();
  });
  it('reads back every name of its own, alone and as drivers say it', () => {
    for (const [capability, names] of Object.entries(tables.gpus.boards)) for (const name of names) for (const text of [name, `NVIDIA ${name}`, `NVIDIA GeForce ${name}`, name.toLowerCase(), name.replaceAll(' ', ''), `${name} Laptop GPU`]) {
      if (Object.keys(tables.gpus.ambiguous).some((a) => keyOfName(a) === keyOfName(text))) continue;
      const target = parseGpuName(text, tables.gpus);
      expect(target.computeCapability, text).toBe(capability);
      expect(gpuTarget.parse(target)).toEqual(target);
    }
  });
});

describe('names', () => {
  it.each([
    ['RTX 5090', '12.0', 'RTX 5090'], ['NVIDIA GeForce RTX 5090', '12.0', 'RTX 5090'], ['5090', '12.0', 'RTX 5090'], ['rtx5090', '12.0', 'RTX 5090'], ['  geforce   rtx-5090 ', '12.0', 'RTX 5090'],
    ['5070ti', '12.0', 'RTX 5070 Ti'], ['NVIDIA GeForce RTX 5070 Ti Laptop GPU', '12.0', 'RTX 5070 Ti Laptop'], ['1080 ti', '6.1', 'GTX 1080 Ti'], ['NVIDIA GeForce GTX 1660 Ti with Max-Q Design', '7.5', 'GTX 1660 Ti Laptop'],
    ['NVIDIA H100 80GB HBM3', '9.0', 'H100'], ['NVIDIA H200', '9.0', 'H200'], ['NVIDIA H100 PCIe', '9.0', 'H100'], ['NVIDIA GH200 480GB', '9.0', 'GH200'], ['NVIDIA A100-SXM4-80GB', '8.0', 'A100'], ['NVIDIA A100-SXM4-40GB MIG 1g.5gb', '8.0', 'A100'],
    ['Tesla V100-SXM2-16GB', '7.0', 'V100'], ['Tesla P100-PCIE-16GB', '6.0', 'P100'], ['Tesla T4', '7.5', 'T4'], ['Tesla K80', '3.7', 'K80'], ['NVIDIA B200', '10.0', 'B200'], ['NVIDIA B300 SXM6 AC', '10.3', 'B300'], ['GB300', '10.3', 'GB300'],
    ['NVIDIA GB10', '12.1', 'GB10'], ['DGX Spark', '12.1', 'DGX Spark'], ['NVIDIA Thor', '11.0', 'Thor'], ['Jetson AGX Thor', '11.0', 'AGX Thor'], ['Orin (nvgpu)', '8.7', 'Orin'], ['NVIDIA Jetson AGX Orin Developer Kit', '8.7', 'AGX Orin'], ['Jetson Nano', '5.3', 'Jetson Nano'], ['Jetson Orin Nano', '8.7', 'Orin Nano'],
    ['NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition', '12.0', 'RTX PRO 6000 Blackwell'], ['NVIDIA RTX 6000 Ada Generation', '8.9', 'RTX 6000 Ada'], ['Quadro RTX 6000', '7.5', 'Quadro RTX 6000'], ['NVIDIA RTX A6000', '8.6', 'RTX A6000'], ['NVIDIA TITAN RTX', '7.5', 'TITAN RTX'], ['Quadro T1000', '7.5', 'T1000'],
  ])('%s', (text, capability, name) => {
    const target = parseGpuName(text, tables.gpus);
    expect([target.computeCapability, target.name, target.source, target.index]).toEqual([capability, name, 'table', null]);
  });
  it.each([['12.0', '12.0'], ['sm_120', '12.0'], ['SM_120', '12.0'], ['sm120', '12.0'], ['sm_120a', '12.0'], ['sm_100f', '10.0'], ['compute_90', '9.0'], ['12.0a', '12.0'], ['8.7', '8.7'], ['10.1', '10.1']])('%s is a capability', (text, capability) => {
    const target = parseGpuName(text, tables.gpus);
    expect(target).toEqual({ key: text, name: `compute capability ${capability}`, computeCapability: capability, index: null, tegra: isTegraCapability(capability), source: 'given' });
  });

  const refused = (text: string): string => {
    try { parseGpuName(text, tables.gpus); } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      expect(error.problem.code).toBe('gpu.unknown_name');
      expect(error.problem.cause.length).toBeLessThan(400);
      return error.problem.remedy;
    }
    throw new Error(`${text} was taken`);
  };
  it.each([['RTX 5095', 'RTX 5090'], ['RTX 509', 'RTX 5090'], ['RTX 5090 Ti', 'RTX 5090'], ['H1OO', 'H100'], ['120', 'sm_120'], ['sm_12.0', '12.0'], ['RTX 6000', 'RTX 6000 Ada'], ['6000', 'RTX PRO 6000'], ['TITAN X', 'TITAN X Pascal'], ['12.5', '12.0'], ['sm_130', 'sm_120'], ['Radeon 7900 XTX', 'RTX 5090']])('%s is unknown, and the remedy says what is near', (text, near) => expect(refused(text)).toContain(near));
  it.each(['', ' ', '!!!', 'nvidia', 'GPU', 'constructor', '__proto__', 'x'.repeat(100_000), 'rtx '.repeat(5000), '\0', '12.0.0', '🦄', '１２.０'])('%#: nonsense is unknown', (text) => expect(refused(text)).toMatch(/sm_120|Say which/));
});

describe('the devices of this machine', () => {
  const base: Device = { uuid: 'GPU-1', index: 0, kind: 'gpu', parentUuid: null, migProfile: null, name: 'NVIDIA H200', architecture: 'Hopper', computeCapability: '9.0', pciBusId: null, vbiosVersion: null, persistenceMode: null, eccEnabled: null, migMode: null, displayActive: null, unifiedMemory: false, memTotalBytes: null, powerLimitWatts: null, powerDefaultLimitWatts: null, powerMinLimitWatts: null, powerMaxLimitWatts: null, tempSlowdownCelsius: null, tempShutdownCelsius: null, tempMaxOperatingCelsius: null, clockMaxSmMhz: null, clockMaxMemMhz: null, pcieMaxGen: null, pcieMaxWidth: null, nvlinkCount: null, fanCount: null, notReported: {} };
  it('are told by what the driver says, not by their names', () => {
    expect(targetsFromDevices([{ ...base, name: 'RTX 5090' }])).toEqual([{ key: 'GPU-1', name: 'RTX 5090', computeCapability: '9.0', index: 0, tegra: false, source: 'driver' }]);
    expect(targetsFromDevices([{ ...base, computeCapability: '11.0' }])[0]?.tegra).toBe(true);
    for (const odd of [null, 'x', '9', '0.0', '']) expect(targetsFromDevices([{ ...base, computeCapability: odd }])[0]?.computeCapability).toBeNull();
    expect(targetsFromDevices([])).toEqual([]);
  });
  it('of a GPU that is split, its instances count', () => {
    const mig: Device = { ...base, uuid: 'MIG-1', kind: 'mig', parentUuid: 'GPU-1', name: 'NVIDIA H200 MIG 1g.18gb', computeCapability: null };
    expect(targetsFromDevices([base, mig, { ...mig, uuid: 'MIG-2', computeCapability: '9.0' }, { ...base, uuid: 'GPU-2', index: 1 }]).map((t) => [t.key, t.computeCapability])).toEqual([['MIG-1', '9.0'], ['MIG-2', '9.0'], ['GPU-2', '9.0']]);
    expect(targetsFromDevices([{ ...base, migMode: 'enabled' }]).map((t) => t.key)).toEqual(['GPU-1']);
  });
});
