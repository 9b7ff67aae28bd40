// doctor, envs and upgrade as processes: a real engine, and a home of the test's own with a real environment in it.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonTools } from '../testing/python-tools.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const fixtures = fileURLToPath(new URL('../../native-workers/environment-probe/fixtures/torch/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-doctor-'));
const home = join(folder, 'home');
const legacy = join(home, 'envs', 'chat-legacy');
const env: NodeJS.ProcessEnv = { ...process.env, XDG_RUNTIME_DIR: folder, HOME: home, NO_COLOR: '1' };
for (const name of ['WARPDECK_GPUS', 'WARPDECK_DATA_DIR', 'NODE_OPTIONS', 'FORCE_COLOR', 'VIRTUAL_ENV', 'PYENV_ROOT']) delete env[name];

function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args, '--data-dir', join(folder, 'data')], { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => { resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }); });
  });
}
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

beforeAll(() => {
  // A real venv, and in it what a wheel of torch 2.4.1 leaves, cut to its headers (see the README of the fixtures).
  execFileSync(pythonTools().python, ['-m', 'venv', '--without-pip', legacy]);
  const site = execFileSync(join(legacy, 'bin', 'python'), ['-I', '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])'], { encoding: 'utf8' }).trim();
  execFileSync('cp', ['-r', join(fixtures, '2.4.1', 'torch'), join(fixtures, '2.4.1', 'torch-2.4.1.dist-info'), site]);
  execFileSync('chmod', ['-R', 'u+w', site]);
  const broken = join(home, 'envs', 'broken');
  mkdirSync(join(broken, 'bin'), { recursive: true });
  writeFileSync(join(broken, 'pyvenv.cfg'), 'home = /nowhere/bin\nversion = 3.11.0\n');
  symlinkSync('/nowhere/bin/python3', join(broken, 'bin', 'python'));
});
afterAll(async () => {
  await run('stop', '--cancel-jobs');
  rmSync(folder, { recursive: true, force: true });
});

interface Judged {
  readonly targets: readonly { readonly key: string }[];
  readonly environments: readonly { readonly environment: { readonly name: string; readonly id: string; readonly problems: readonly { code: string }[] }; readonly cells: readonly { readonly verdict: string; readonly evidence: readonly unknown[]; readonly problem: { code: string } | null }[] }[];
}

describe('doctor', () => {
  it('finds the real environment and calls its torch incompatible with sm_120, with evidence; exit code 1', async () => {
    const answer = await run('doctor', '--for', 'RTX 5090', '--for', 'sm_80', '--driver', '580.95', '--gpus', 'none', '--json');
    expect(answer.code).toBe(1);
    const { environments } = json(answer.stdout) as unknown as Judged;
    const found = environments.find((e) => e.environment.name === 'chat-legacy');
    expect(found?.cells[0]).toMatchObject({ verdict: 'incompatible', problem: { code: 'torch.arch_missing' } });
    expect(found?.cells[0]?.evidence.length).toBeGreaterThan(3);
    expect(environments.find((e) => e.environment.name === 'broken')?.environment.problems.map((p) => p.code)).toContain('env.interpreter_missing');
  });

  it('says it for people: the verdict, where it was read, and what to do', async () => {
    const { stdout, code } = await run('doctor', '--env', legacy, '--for', '12.0', '--driver', '580.95', '--gpus', 'none');
    expect(code).toBe(1);
    expect(stdout).toContain('incompatible');
    expect(stdout).toMatch(/sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90 +\[.*libtorch_cuda\.so\]/);
    expect(stdout).toContain('Install torch');
  });

  it('has nothing to judge for without a GPU, and says how to name one', async () => {
    const answer = await run('doctor', '--gpus', 'none', '--json');
    expect(answer.code).toBe(3);
    expect(json(answer.stdout)).toMatchObject({ problem: { code: 'gpu.none_to_judge', remedy: expect.stringContaining('--for') } });
  });

  it('does not know every word for a GPU; a wrong word is a usage error', async () => {
    const answer = await run('doctor', '--for', 'RTX 9999', '--gpus', 'none', '--json');
    expect(answer.code).toBe(2);
    expect(json(answer.stdout)).toMatchObject({ problem: { code: 'gpu.unknown_name' } });
    expect((await run('doctor', '--deep', '--for', 'sm_90')).code).toBe(2);
  });

  it('judges a container image by its tag', async () => {
    expect((await run('doctor', '--image', 'nvcr.io/nvidia/pytorch:24.12-py3', '--for', 'RTX 5090', '--gpus', 'none')).code).toBe(1);
    const good = await run('doctor', '--image', 'nvcr.io/nvidia/pytorch:25.04-py3', '--for', 'RTX 5090', '--driver', '580.95', '--gpus', 'none', '--json');
    expect(good.code).toBe(0);
    expect(json(good.stdout)).toMatchObject({ cells: [{ verdict: 'native' }] });
  });

  it('a folder that is no environment is a Problem', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const answer = await run('doctor', '--env', empty, '--for', 'sm_90', '--gpus', 'none', '--json');
    expect(answer.code).toBe(3);
    expect(json(answer.stdout)).toMatchObject({ problem: { code: 'env.not_found' } });
  });
});

describe('envs and upgrades', () => {
  it('lists environments without a finding in the exit code', async () => {
    const { code, stdout } = await run('envs', '--gpus', 'none');
    expect(code).toBe(0);
    expect(stdout).toContain('chat-legacy');
    expect(stdout).toContain('2.4.1+cu121');
  });

  it('knows no upgrade of what does not exist, and an empty journal', async () => {
    expect((await run('upgrade', 'no-such-environment', '--dry-run', '--gpus', 'none')).code).toBe(3);
    expect((await run('upgrades')).stdout).toContain('Nothing was upgraded yet.');
    const none = await run('rollback', legacy, '--yes', '--json');
    expect(none.code).toBe(3);
    expect(json(none.stdout)).toMatchObject({ problem: { code: 'upgrade.nothing_to_undo' } });
  });
});
