import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChosenToggle } from '../../../contract/optimize.ts';
import { createApply } from '../apply/create-apply.ts';
import { describeVenv, makeApplyDeps } from '../apply/fixtures/apply-under-test.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { makeLaunchEnvironment } from './launch-environment.ts';
import { parseShebang, readCommandPython } from './read-command-python.ts';
import { decideLaunchOutcome, readLaunchReport, type LaunchOutcome } from './read-launch-report.ts';

const TF32: ChosenToggle = { toggleId: 'tf32', value: 'high' };
const SEGMENTS: ChosenToggle = { toggleId: 'expandable_segments', value: 'on' };
const standIn = join(import.meta.dirname, 'fixtures', 'stand-in');
const SAY = 'import sys, os, torch; print(torch.get_float32_matmul_precision(), os.environ.get("PYTORCH_CUDA_ALLOC_CONF"), [str(one) for one in sys.meta_path if "Torch" in repr(one)], "exec_module" in vars(torch.__spec__.loader))';
const base = { PATH: process.env['PATH'] ?? '', HOME: homedir() };

let root = '';
let prefix = '';
let python = '';
let version = '';
let packages = '';
beforeAll(() => {
  root = makeTestFolder('launch');
  prefix = join(root, 'environment');
  execFileSync('python3', ['-m', 'venv', '--without-pip', prefix]);
  python = join(prefix, 'bin', 'python');
  version = execFileSync(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim();
  packages = join(prefix, 'lib', `python${version}`, 'site-packages');
  writeFileSync(join(packages, 'stand-in.pth'), `${standIn}\n`);
});

const make = (torch: string | null = '2.8.0+cu128', prefixOf = prefix): ReturnType<typeof createApply> => createApply(makeApplyDeps(join(root, 'records'), { found: describeVenv(prefixOf, version), torch }));
interface Run { readonly stdout: string; readonly stderr: string; readonly code: number | null; readonly outcome: LaunchOutcome; readonly left: readonly string[]; readonly dropped: readonly { readonly toggleId: string }[] }
async function launch(toggles: readonly ChosenToggle[], args: readonly string[], env: Record<string, string> = {}, program = python, torch: string | null = '2.8.0+cu128'): Promise<Run> {
  const plan = await make(torch).planLaunch({ toggles, profileId: null, python: program === python ? python : null });
  const report = join(makeTestFolder('report'), 'report');
  writeFileSync(report, '', { mode: 0o600 });
  const made = makeLaunchEnvironment({ ...base, ...env }, plan, report);
  const child = spawnSync(program, ['-B', ...args], { encoding: 'utf8', env: made.env });
  return { stdout: child.stdout.trim(), stderr: child.stderr, code: child.status, outcome: decideLaunchOutcome(plan, await readLaunchReport(report)), left: made.left, dropped: plan.dropped };
}

describe('a launched program', () => {
  test('has the switches right after import torch, and nothing of ours beside them', async () => {
    const run = await launch([TF32, SEGMENTS], ['-c', SAY]);
    expect(run).toMatchObject({ stdout: 'high expandable_segments:True [] False', stderr: '', outcome: { held: ['tf32', 'expandable_segments'], dropped: [], note: null } });
  });

  test('a switch that fails inside is dropped and named; the program runs on', async () => {
    const run = await launch([TF32], ['-c', SAY], { STAND_IN_REFUSES: '1' });
    expect(run).toMatchObject({ code: 0, stderr: '', outcome: { held: [], dropped: [{ toggleId: 'tf32', why: expect.stringContaining('mixed with the older interface') }] } });
    expect(run.stdout).toContain('highest');
  });

  test('what the program or its environment sets wins', async () => {
    expect((await launch([TF32], ['-c', 'import torch; torch.set_float32_matmul_precision("medium"); print(torch.get_float32_matmul_precision())'])).stdout).toBe('medium');
    const run = await launch([TF32, SEGMENTS], ['-c', SAY], { NVIDIA_TF32_OVERRIDE: '0', PYTORCH_ALLOC_CONF: 'backend:native' });
    expect(run).toMatchObject({ stdout: 'highest None [] False', left: ['PYTORCH_CUDA_ALLOC_CONF'], outcome: { dropped: [{ toggleId: 'tf32' }] } });
  });

  test('without torch, with a torch that does not import, with unknown switches it runs as always', async () => {
    expect(await launch([TF32, { toggleId: 'warp_drive', value: 'on' }, { toggleId: 'compile', value: 'default' }], ['-c', 'print(1)'])).toMatchObject({ stdout: '1', stderr: '', outcome: { note: 'The program did not import PyTorch: nothing was switched in it.' }, dropped: [{ toggleId: 'warp_drive' }, { toggleId: 'compile' }] });
    const broken = await launch([TF32], ['-c', 'try:\n import torch\nexcept ImportError as e: print(e)\nimport os; os.environ["STAND_IN_FAILS"] = "0"\nimport torch; print(torch.get_float32_matmul_precision())'], { STAND_IN_FAILS: '1' });
    expect(broken).toMatchObject({ stdout: 'libtorch_cuda.so: cannot open shared object file\nhigh', stderr: '' });
    expect(await launch([TF32], ['-c', 'import torch'], {}, 'python3', null)).toMatchObject({ stderr: expect.stringContaining('No module named') });
    expect((await launch([TF32], ['-I', '-c', 'print(1)'])).outcome.note).toContain('nothing was switched');
  });

  test('the kill switch counts here too', async () => {
    expect(await launch([TF32], ['-c', SAY], { WARPDECK_OPTIMIZE: '0' })).toMatchObject({ stdout: expect.stringContaining('highest'), outcome: { note: 'WARPDECK_OPTIMIZE=0 is set: nothing was switched.' } });
  });

  test('the sitecustomize that would have run runs, with its own errors, and PYTHONPATH stays', async () => {
    const folder = join(root, 'site');
    mkdirSync(folder);
    writeFileSync(join(folder, 'sitecustomize.py'), 'WHO = "mine"\n');
    const run = await launch([TF32], ['-c', 'import sys, sitecustomize, torch; print(sitecustomize.WHO, torch.get_float32_matmul_precision(), [one for one in sys.path if "hook" in one])'], { PYTHONPATH: folder });
    expect(run).toMatchObject({ stdout: 'mine high []', stderr: '' });
    writeFileSync(join(folder, 'sitecustomize.py'), 'raise ValueError("mine too")\n');
    expect((await launch([TF32], ['-c', 'print(1)'], { PYTHONPATH: folder })).stderr).toContain('mine too');
  });

  test('a process that it starts has them as well', async () => {
    const run = await launch([TF32], ['-c', 'import subprocess, sys; print(subprocess.check_output([sys.executable, "-B", "-c", "import torch; print(torch.get_float32_matmul_precision())"]).decode().strip())']);
    expect(run).toMatchObject({ stdout: 'high', outcome: { held: ['tf32'] } });
  });
});

describe('the hook in an environment', () => {
  const run = (args: readonly string[], env: Record<string, string> = {}): { stdout: string; stderr: string } => {
    const child = spawnSync(python, ['-B', ...args], { encoding: 'utf8', env: { ...base, ...env } });
    return { stdout: child.stdout.trim(), stderr: child.stderr };
  };
  const applyHook = async (torch: string): Promise<void> => {
    const apply = make(torch);
    await apply.apply({ planId: (await apply.planApply({ environmentId: 'abcdef012345', toggles: [TF32, SEGMENTS], means: 'hook' })).planId, agree: true });
  };
  beforeEach(() => {
    for (const name of readdirSync(packages).filter((one) => one.startsWith('warpdeck'))) rmSync(join(packages, name));
    rmSync(join(root, 'records'), { recursive: true, force: true });
  });

  test('acts after import torch, under -I too; the kill switch keeps it out; undone it is gone', async () => {
    await applyHook('2.8.0+cu128');
    expect(run(['-c', SAY])).toEqual({ stdout: 'high expandable_segments:True [] False', stderr: '' });
    expect(run(['-I', '-c', SAY])).toEqual({ stdout: 'high expandable_segments:True [] False', stderr: '' });
    expect(run(['-c', SAY], { WARPDECK_OPTIMIZE: '0' })).toEqual({ stdout: 'highest None [] False', stderr: '' });
    expect(run(['-c', 'import sys, os; print("torch" in sys.modules, os.environ.get("PYTORCH_CUDA_ALLOC_CONF"))'])).toEqual({ stdout: 'False None', stderr: '' });
    const apply = make();
    const id = (await apply.applications()).find((one) => one.state === 'in_force')?.id ?? '';
    await apply.revert((await apply.planRevert(id)).planId);
    expect(run(['-c', SAY])).toEqual({ stdout: 'highest None [] False', stderr: '' });
    expect(readdirSync(packages).filter((name) => name.includes('warpdeck'))).toEqual([]);
  });

  test('says nothing, whatever is wrong with it', async () => {
    await applyHook('2.8.0+cu128');
    expect(run(['-c', SAY], { STAND_IN_REFUSES: '1' })).toEqual({ stdout: 'highest expandable_segments:True [] False', stderr: '' });
    expect(run(['-c', SAY], { WARPDECK_OPTIMIZE_REPORT: '/nowhere/at/all' })).toMatchObject({ stderr: '' });
    writeFileSync(join(packages, 'warpdeck_optimize.py'), 'this is no Python');
    expect(run(['-c', SAY])).toEqual({ stdout: 'highest None [] False', stderr: '' });
  });

  test('another torch than it was written for does not get the allocator’s keys', async () => {
    await applyHook('2.9.1+cu128');
    expect(run(['-c', SAY])).toEqual({ stdout: 'high None [] False', stderr: '' });
  });
});

/** Environments with a real PyTorch, where this machine has kept some (e2e/bench/environment-places.ts makes them). */
const kept = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-tests', 'bench-environments');
const realTorch = (existsSync(kept) ? readdirSync(kept) : []).filter((name) => name.startsWith('torch-')).map((name) => join(kept, name, 'bin', 'python')).filter((path) => existsSync(path));
describe.each(realTorch)('%s', (real) => {
  test('a real PyTorch takes every switch of the hook', async () => {
    const all: ChosenToggle[] = [TF32, { toggleId: 'cudnn_benchmark', value: 'on' }, { toggleId: 'sdpa', value: 'flash' }, { toggleId: 'onednn', value: 'off' }, { toggleId: 'memory_fraction', value: '0.9' }, { toggleId: 'cudnn_tf32', value: 'off' }];
    const run = await launch(all, ['-c', 'import torch; print(torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark, torch.backends.cuda.mem_efficient_sdp_enabled(), torch.backends.mkldnn.enabled, torch.backends.cudnn.allow_tf32, (torch.ones(2, 2) @ torch.ones(2, 2)).sum().item())'], {}, real, null);
    expect(run).toMatchObject({ stdout: 'high True False False False 8.0', stderr: '', outcome: { dropped: [], note: null } });
  }, 120_000);

  test('a program that asks for IEEE products has its way, but for the one way that the plan names', async () => {
    const ways = ['torch.set_float32_matmul_precision("highest")', 'torch.backends.cuda.matmul.allow_tf32 = False', 'torch.backends.cuda.matmul.fp32_precision = "ieee"', 'torch.backends.fp32_precision = "ieee"', 'pass'];
    const say = `import torch\nif hasattr(torch.backends, "fp32_precision"):\n    for way in ${JSON.stringify(ways)}:\n        torch.set_float32_matmul_precision("high")\n        exec(way)\n        try:\n            old = torch.backends.cuda.matmul.allow_tf32\n        except RuntimeError:\n            old = "mixed"\n        print(torch.backends.cuda.matmul.fp32_precision, old)\nelse:\n    print("older")`;
    const run = await launch([TF32], ['-c', say], {}, real, null);
    expect(['older', 'ieee False\nieee False\nieee mixed\ntf32 True\ntf32 True']).toContain(run.stdout);
  }, 120_000);
});

describe('the interpreter of a command', () => {
  test('by name, by path, by the first line of a script', async () => {
    const bin = join(root, 'bin');
    mkdirSync(bin);
    const script = (name: string, text: string): void => {
      writeFileSync(join(bin, name), text);
      chmodSync(join(bin, name), 0o755);
    };
    script('python', '');
    script('torchrun', `#!${join(bin, 'python')}\nimport sys\n`);
    script('tool', '#!/usr/bin/env python\n');
    script('other', '#!/bin/sh\n');
    const read = (...command: string[]): Promise<string | null> => readCommandPython(command, { PATH: bin }, root);
    expect(await Promise.all([read('python', 'x.py'), read('bin/python'), read('torchrun', 'x'), read('tool'), read('other'), read('missing'), read('')])).toEqual([join(bin, 'python'), join(bin, 'python'), join(bin, 'python'), join(bin, 'python'), null, null, null]);
    expect(parseShebang('no')).toEqual([]);
  });
});
