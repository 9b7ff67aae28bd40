import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { decideDriverProblem, listFindings, readDriverFacts, readMachineFacts } from './diagnose-driver.ts';
import { makeTree } from './test-support.ts';

type Tree = Parameters<typeof makeTree>[0];
let tree: ReturnType<typeof makeTree> | null = null;
afterEach(() => { tree?.remove(); tree = null; });

const gpu: Tree = { 'sys/bus/pci/devices/0000:01:00.0/vendor': '0x10de\n', 'sys/bus/pci/devices/0000:01:00.0/class': '0x030000\n' };
const library = (version: string): Tree => ({ 'usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1': { target: `libnvidia-ml.so.${version}` }, [`usr/lib/x86_64-linux-gnu/libnvidia-ml.so.${version}`]: '' });
const module = (version: string): Tree => ({ 'proc/driver/nvidia/version': `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build  (builder@host)\nGCC version: gcc 12\n` });
const files: Tree = { 'dev/nvidia0': '', 'dev/nvidiactl': '' };
const container: Tree = { '.dockerenv': '' };
const wsl: Tree = { 'proc/sys/kernel/osrelease': '5.15.153.1-microsoft-standard-WSL2\n' };

describe.each<[string, Tree, number | null, string | null, Record<string, string>]>([
  ['no hardware', {}, null, 'gpu.none', {}],
  ['no hardware, NVML says library not found', {}, 12, 'gpu.none', {}],
  ['no library', gpu, 12, 'gpu.no_driver', { library: 'libnvidia-ml.so.1' }],
  ['module not loaded', { ...gpu, ...library('580.95.05') }, 9, 'gpu.module_not_loaded', { libraryVersion: '580.95.05' }],
  ['module not loaded, built for this kernel', { ...gpu, ...library('580.95.05'), 'proc/sys/kernel/osrelease': '6.8.0-45-generic\n', 'var/lib/dkms/nvidia/580.95.05/6.8.0-45-generic/x86_64/log/make.log': '' }, 9, 'gpu.module_not_loaded', { detail: 'Module 580.95.05 is built for this kernel.' }],
  ['versions differ', { ...gpu, ...files, ...module('580.82.09'), ...library('580.95.05') }, 18, 'gpu.version_mismatch', { moduleVersion: '580.82.09', libraryVersion: '580.95.05' }],
  ['versions differ, told by the files alone', { ...gpu, ...files, ...module('580.82.09'), ...library('580.95.05') }, null, 'gpu.version_mismatch', {}],
  ['versions differ, the library without its version', { ...gpu, ...files, ...module('580.82.09'), 'usr/lib64/libnvidia-ml.so.1': '' }, 18, 'gpu.version_mismatch', { libraryVersion: 'unknown' }],
  ['container without device and library', { ...gpu, ...module('580.82'), ...container }, 12, 'gpu.container', { detail: 'Neither the device files /dev/nvidia* nor the driver library is in this container.' }],
  ['container without device', { ...gpu, ...module('580.82'), ...library('580.82'), ...container }, 9, 'gpu.container', { detail: 'The driver library is in this container, but the device files /dev/nvidia* are not.' }],
  ['container without library', { ...gpu, ...module('580.82'), ...files, ...container }, 12, 'gpu.container', { detail: 'The device files are in this container, but the library libnvidia-ml.so.1 is not.' }],
  ['container on a machine without a GPU', container, 12, 'gpu.none', {}],
  ['WSL without a GPU', wsl, 12, 'gpu.none', {}],
  ['WSL without the library', { ...wsl, 'dev/dxg': '' }, 12, 'gpu.no_driver', { library: '/usr/lib/wsl/lib/libnvidia-ml.so.1' }],
  ['WSL, all there', { ...wsl, 'dev/dxg': '', 'usr/lib/wsl/lib/libnvidia-ml.so.1': '' }, 0, null, {}],
  ['all there, no answer asked for', { ...gpu, ...files, ...module('580.82'), ...library('580.82') }, null, null, {}],
  ['all there, it times out', { ...gpu, ...files, ...module('580.82'), ...library('580.82') }, 10, 'gpu.driver_error', { text: 'timeout' }],
  ['all there, an answer nobody knows', { ...gpu, ...files, ...module('580.82'), ...library('580.82') }, 77, 'gpu.driver_error', { text: 'error 77' }],
  ['the library lacks what it must have', { ...gpu, ...files, ...module('580.82'), ...library('580.82') }, 13, 'gpu.library_broken', {}],
])('%s', (_, content, code, expected, facts) => {
  it(`is ${expected ?? 'no problem'}`, () => {
    tree = makeTree(content);
    const read = readDriverFacts({ root: tree.root, platform: 'linux' });
    const problem = decideDriverProblem(read, code);
    expect(problem?.code ?? null).toBe(expected);
    expect(problem?.facts ?? {}).toMatchObject(facts);
    expect(`${problem?.cause ?? ''}${problem?.remedy ?? ''}`).not.toContain('—');
    const findings = listFindings(read, code);
    expect(findings.every((f) => f.name !== '' && f.value !== '' && f.place !== '')).toBe(true);
    if (expected !== null && expected !== 'gpu.none' && expected !== 'gpu.driver_error' && code !== null) expect(findings.some((f) => !f.ok)).toBe(true);
  });
});

it('names files that may not be opened', () => {
  tree = makeTree({ ...gpu, ...files, ...module('580.82'), ...library('580.82') });
  chmodSync(join(tree.root, 'dev/nvidia0'), 0);
  const read = readDriverFacts({ root: tree.root, platform: 'linux' });
  // Root may open anything: then the decision is tried on the facts as another user would have read them.
  const facts = process.getuid?.() === 0 ? { ...read, deviceFiles: read.deviceFiles.map((f) => ({ ...f, openable: f.path !== '/dev/nvidia0' })) } : read;
  expect(decideDriverProblem(facts, 4)).toMatchObject({ code: 'gpu.no_permission', facts: { files: '/dev/nvidia0' } });
  expect(listFindings(facts, 4).find((f) => f.name === 'Device files')?.ok).toBe(false);
});

it.each<[string, Tree, { inContainer: boolean; wsl: boolean }]>([
  ['a plain machine', { 'proc/version': 'Linux version 6.8.0' }, { inContainer: false, wsl: false }],
  ['docker', { '.dockerenv': '' }, { inContainer: true, wsl: false }],
  ['podman', { 'run/.containerenv': '' }, { inContainer: true, wsl: false }],
  ['kubernetes', { 'proc/1/cgroup': '12:pids:/kubepods/besteffort/pod1' }, { inContainer: true, wsl: false }],
  ['WSL by version', { 'proc/version': 'Linux version 5.15 (Microsoft@Microsoft.com)' }, { inContainer: false, wsl: true }],
])('tells %s', (_, content, facts) => {
  tree = makeTree(content);
  expect(readMachineFacts({ root: tree.root })).toEqual(facts);
});
