import { afterEach, describe, expect, it } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { makeTree } from '../test-support.ts';
import { decideSource, formatSourceSpec, parseSourceSpec, readHardwareFacts, type HardwareFacts } from './choose-source.ts';

describe('parseSourceSpec', () => {
  it.each([
    [null, null], ['', null], ['nvml', { kind: 'nvml' }], ['smi', { kind: 'smi' }], ['none', { kind: 'none' }],
    ['simulate', { kind: 'simulate', count: 4 }], ['simulate:1', { kind: 'simulate', count: 1 }], ['simulate:16', { kind: 'simulate', count: 16 }],
    ['replay:a b:c.jsonl', { kind: 'replay', path: 'a b:c.jsonl' }],
  ])('%s', (text, spec) => {
    expect(parseSourceSpec(text)).toEqual(spec);
    if (spec !== null) expect(parseSourceSpec(formatSourceSpec(spec as never))).toEqual(spec);
  });
  it.each(['cuda', 'simulate:0', 'simulate:17', 'simulate:x', 'simulate:', 'replay:', 'NVML', 'simulate:1e1'])('refuses %s', (text) => {
    let code: string | undefined;
    try { parseSourceSpec(text); } catch (error) { code = problemOf(error)?.code; }
    expect(code).toBe('gpu.unknown_source');
  });
});

const none: HardwareFacts = { platform: 'linux', pciDevices: [], deviceFiles: [], procDriver: false, dxg: false };
describe('decideSource', () => {
  it.each([
    ['nothing there', none, 'simulate'],
    ['a GPU on the bus', { ...none, pciDevices: ['0000:01:00.0'] }, 'nvml'],
    ['a device file', { ...none, deviceFiles: ['/dev/nvidia0'] }, 'nvml'],
    ['a loaded module', { ...none, procDriver: true }, 'nvml'],
    ['WSL', { ...none, dxg: true }, 'nvml'],
    ['Windows', { ...none, platform: 'win32' as const }, 'nvml'],
    ['macOS', { ...none, platform: 'darwin' as const }, 'simulate'],
  ])('%s', (_, facts, kind) => {
    expect(decideSource(null, facts)).toMatchObject({ spec: { kind }, explicit: false });
    expect(decideSource({ kind: 'none' }, facts)).toEqual({ spec: { kind: 'none' }, explicit: true });
  });
});

describe('readHardwareFacts', () => {
  let tree: ReturnType<typeof makeTree> | null = null;
  afterEach(() => tree?.remove());
  it('sees only NVIDIA display devices', () => {
    tree = makeTree({
      'sys/bus/pci/devices/0000:01:00.0/vendor': '0x10de\n', 'sys/bus/pci/devices/0000:01:00.0/class': '0x030000\n',
      'sys/bus/pci/devices/0000:01:00.1/vendor': '0x10de\n', 'sys/bus/pci/devices/0000:01:00.1/class': '0x040300\n',
      'sys/bus/pci/devices/0000:02:00.0/vendor': '0x1002\n', 'sys/bus/pci/devices/0000:02:00.0/class': '0x030000\n',
      'dev/nvidia0': '', 'dev/nvidiactl': '', 'dev/nvidia-uvm': '', 'dev/null': '', 'proc/driver/nvidia/version': 'NVRM',
    });
    const facts = readHardwareFacts({ root: tree.root, platform: 'linux' });
    expect(facts.pciDevices).toEqual(['0000:01:00.0']);
    expect([...facts.deviceFiles].sort()).toEqual(['/dev/nvidia0', '/dev/nvidiactl']);
    expect(facts).toMatchObject({ procDriver: true, dxg: false });
  });
  it('says nothing of an empty machine', () => {
    tree = makeTree({});
    expect(readHardwareFacts({ root: tree.root, platform: 'linux' })).toEqual(none);
  });
});
