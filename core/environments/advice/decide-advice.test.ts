import { describe, expect, it } from 'vitest';
import type { Advice, Route } from '../../../contract/upgrades.ts';
import { advice as adviceSchema } from '../../../contract/upgrades.ts';
import { decideAdvice } from './decide-advice.ts';
import type { AdviceInput } from './list-routes.ts';
import { requireAutomatic } from './require-automatic.ts';
import { adviceInput, cell, driver, environment, gpu, xray } from './testing.ts';

const ask = async (more: Partial<AdviceInput> = {}): Promise<Advice> => {
  const made = decideAdvice(await adviceInput(more));
  return adviceSchema.parse(made);
};
const chosen = (a: Advice): Route | undefined => a.routes.find((r) => r.recommended);
const kinds = (a: Advice): string[] => a.routes.map((r) => r.id);
const commandsOf = (a: Advice, kind: string): string[] => a.routes.find((r) => r.kind === kind)?.commands ?? [];
const conda = environment({ kind: 'conda', tool: 'conda', prefix: '/opt/conda/envs/chat', name: 'chat' });
const byConda = xray('2.4.1', { torch: { ...xray('2.4.1+cu121').torch, installer: 'conda', condaBuild: 'cuda121_1' } as never });

describe('in place, by the tool that owns the environment', () => {
  it('pip: exact label, its index as the only one; torchvision without a known pair is taken off first', async () => {
    const a = await ask(), r = chosen(a);
    expect(r).toMatchObject({ kind: 'pip', tool: 'pip', automatic: true, target: { version: '2.14.1+cu130', label: 'cu130' } });
    expect(r?.commands).toEqual(['/home/me/chat/.venv/bin/python -m pip uninstall --yes torch torchvision', '/home/me/chat/.venv/bin/python -m pip install --index-url https://download.pytorch.org/whl/cu130 torch==2.14.1+cu130 torchvision']);
    expect(r?.needs).toContainEqual({ text: 'driver ≥ 580', met: true });
    expect(a.routes.find((x) => x.id === 'pip:2.7.1+cu128')?.commands).toEqual(['/home/me/chat/.venv/bin/python -m pip install --index-url https://download.pytorch.org/whl/cu128 torch==2.7.1+cu128 torchvision==0.22.1+cu128']);
    expect(kinds(a)).toEqual(expect.arrayContaining(['pip:pypi:2.14.1', 'uv_pip:2.14.1+cu130', 'new:2.14.1+cu130', 'container:25.12']));
    expect(kinds(a).some((k) => k.startsWith('nightly') || k.startsWith('driver'))).toBe(false);
  });

  it('uv: the family is put in anew, whatever seems to fit', async () => {
    const r = chosen(await ask({ found: environment({ kind: 'uv', tool: 'uv' }) }));
    expect(r?.commands).toEqual(['uv pip install --python /home/me/chat/.venv/bin/python --index-url https://download.pytorch.org/whl/cu130 --reinstall-package torch --reinstall-package torchvision torch==2.14.1+cu130 torchvision']);
    expect(r?.verify.at(-1)).toBe('uv pip check --python /home/me/chat/.venv/bin/python');
  });

  it('uv that is not there: nothing automatic by it', async () => {
    const a = await ask({ found: environment({ kind: 'uv', tool: 'uv' }), tools: { docker: false, uv: false, conda: false } });
    expect(a.routes.some((r) => r.automatic)).toBe(false);
    expect(chosen(a)?.kind).toBe('new_environment');
    expect(chosen(a)?.commands[0]).toBe('python3.12 -m venv /home/me/chat/.venv-torch-2.14.1-cu130');
  });

  it('a uv project with a lock is changed through its files; past them only by hand', async () => {
    const a = await ask({ found: environment({ kind: 'uv', tool: 'uv', projectFolder: '/home/me/chat' }), uvLock: true });
    expect(chosen(a)).toMatchObject({ kind: 'uv_project', automatic: true });
    const [edit = '', ...rest] = chosen(a)?.commands ?? [];
    expect(edit).toContain('# name = "pytorch-cu130"');
    expect(edit).toContain('# explicit = true');
    expect(edit).toContain('# torch = [{ index = "pytorch-cu130", marker = "sys_platform == \'linux\' or sys_platform == \'win32\'" }]');
    expect(rest).toEqual(['uv lock --project /home/me/chat --upgrade-package torch --upgrade-package torchvision --dry-run', 'uv lock --project /home/me/chat --upgrade-package torch --upgrade-package torchvision', 'uv sync --project /home/me/chat']);
    expect(a.routes.find((r) => r.kind === 'uv_pip')).toMatchObject({ automatic: false, why: expect.stringContaining('uv sync') as string });
  });

  it.each([
    ['poetry', { kind: 'poetry', tool: 'poetry', projectFolder: '/home/me/it\'s' }, 'poetry', ["poetry '--directory=/home/me/it'\\''s' source add --priority=explicit pytorch-cu130 https://download.pytorch.org/whl/cu130", "poetry '--directory=/home/me/it'\\''s' add --source pytorch-cu130 torch==2.14.1+cu130 torchvision"]],
    ['pipenv', { kind: 'pipenv', tool: 'pipenv', projectFolder: '/home/me/p' }, 'pip', ['cd -- /home/me/p', 'pipenv install --index=https://download.pytorch.org/whl/cu130 torch==2.14.1+cu130 torchvision']],
    ['pipx', { kind: 'pipx', tool: 'pipx', name: 'comfy-cli' }, 'pip', ['pipx runpip comfy-cli uninstall --yes torch torchvision', 'pipx runpip comfy-cli install --index-url https://download.pytorch.org/whl/cu130 torch==2.14.1+cu130 torchvision']],
    ['uv tool', { kind: 'uv_tool', tool: 'uv' }, 'uv_pip', ['uv pip install --python /home/me/chat/.venv/bin/python --index-url https://download.pytorch.org/whl/cu130 --reinstall-package torch --reinstall-package torchvision torch==2.14.1+cu130 torchvision']],
    ['hatch', { kind: 'hatch', tool: 'hatch' }, 'uv_pip', ['uv pip install --python /home/me/chat/.venv/bin/python --index-url https://download.pytorch.org/whl/cu130 --reinstall-package torch --reinstall-package torchvision torch==2.14.1+cu130 torchvision']],
  ] as const)('%s: by hand', async (_, more, kind, commands) => {
    const a = await ask({ found: environment(more) });
    expect(commandsOf(a, kind)).toEqual(commands);
    expect(a.routes.some((r) => r.automatic)).toBe(false);
    expect(a.routes.filter((r) => r.recommended)).toHaveLength(1);
    expect(() => requireAutomatic(a.routes.find((r) => r.kind === kind) as Route)).toThrow('upgrade.manual_route');
  });

  it('conda: conda-forge alone, CUDA by driver and GPU, the override where no driver is here', async () => {
    const a = await ask({ found: conda, xray: byConda, tools: { docker: false, uv: true, conda: true } });
    expect(chosen(a)).toMatchObject({ kind: 'conda', automatic: true, target: { version: '>=2.10', label: 'cuda-13.0', indexUrl: 'conda-forge' } });
    expect(chosen(a)?.commands).toEqual(["CONDA_OVERRIDE_CUDA=13.0 conda install --prefix /opt/conda/envs/chat --channel conda-forge --override-channels 'pytorch-gpu>=2.10' cuda-version=13.0"]);
    const old = await ask({ found: conda, xray: byConda, tools: { docker: false, uv: true, conda: true }, targets: [gpu('6.1', 'GTX 1080', 'driver')], driver: driver('580.95.05', { source: 'driver' }) });
    expect(chosen(old)?.commands).toEqual(["conda install --prefix /opt/conda/envs/chat --channel conda-forge --override-channels 'pytorch-gpu>=2.8' cuda-version=12.9"]);
  });

  it('conda, but torch came by pip: pip changes it', async () => {
    const a = await ask({ found: conda, tools: { docker: false, uv: true, conda: true } });
    expect(chosen(a)).toMatchObject({ kind: 'pip', tool: 'pip', automatic: true });
    expect(a.routes.find((r) => r.kind === 'conda')).toMatchObject({ automatic: false, commands: [expect.stringContaining('pip uninstall --yes torch'), expect.stringContaining('conda install')] as string[] });
  });

  it('pixi: its manifest', async () => {
    const a = await ask({ found: environment({ kind: 'pixi', tool: 'pixi', projectFolder: '/home/me/px', prefix: '/home/me/px/.pixi/envs/default' }), xray: byConda });
    expect(chosen(a)).toMatchObject({ kind: 'pixi', automatic: false });
    expect(chosen(a)?.commands[0]).toContain('# cuda-version = "13.0.*"');
    expect(chosen(a)?.commands.slice(1)).toEqual(['pixi update --manifest-path /home/me/px --dry-run pytorch-gpu', 'pixi install --manifest-path /home/me/px']);
  });

  it.each([
    ['externally managed', { externallyManaged: true, kind: 'system' }], ['a managed Python of uv', { kind: 'uv_python', tool: 'uv' }], ['conda base', { kind: 'conda', tool: 'conda', name: 'base' }],
    ['no tool known', { tool: null }], ['interpreter gone', { python: { path: '/x/bin/python', realPath: null, version: null } }],
  ] as const)('%s: not in place, a new one beside it', async (_, more) => {
    const a = await ask({ found: environment(more) });
    expect(a.routes.some((r) => r.automatic || r.kind === 'pip' || r.kind === 'uv_pip' || r.kind === 'reinstall')).toBe(false);
    expect(chosen(a)?.kind).toBe('new_environment');
    expect(a.problems.some((p) => p.code === 'upgrade.externally_managed')).toBe('externallyManaged' in more);
  });

  it('on Windows: PowerShell, always the index, never the plain one', async () => {
    const found = environment({ prefix: 'C:\\my envs\\chat', python: { path: 'C:\\my envs\\chat\\Scripts\\python.exe' } });
    const a = await ask({ found, driver: driver('581.15', { platform: 'windows_x86_64' }), xray: xray('2.14.1+cpu') });
    expect(chosen(a)?.commands.at(-1)).toBe("& 'C:\\my envs\\chat\\Scripts\\python.exe' -m pip install --index-url https://download.pytorch.org/whl/cu130 torch==2.15.0+cu130 torchvision");
    expect(a.routes.some((r) => r.target?.indexUrl === 'pypi')).toBe(false);
    expect(a.wrong.map((w) => w.command)).toContain('pip install --upgrade torch');
  });

  it('PyTorch’s index does not answer: the plain one is recommended where it has a build', async () => {
    const a = await ask({ torchIndexReachable: false });
    expect(chosen(a)).toMatchObject({ id: 'pip:pypi:2.14.1', target: { indexUrl: 'pypi', version: '2.14.1', label: 'cu130' }, commands: [expect.stringContaining('uninstall'), '/home/me/chat/.venv/bin/python -m pip install torch==2.14.1 torchvision'] as string[] });
    expect(a.routes.find((r) => r.id === 'pip:2.14.1+cu130')?.automatic).toBe(false);
  });

  it('a mirror of the index stands in commands and targets', async () => {
    const a = await ask({ torchIndexUrl: 'https://mirror.example/whl/' });
    expect(chosen(a)?.target?.indexUrl).toBe('https://mirror.example/whl/cu130');
    expect(JSON.stringify(a.routes)).not.toContain('download.pytorch.org');
  });
});

describe('traps', () => {
  it('the same public version with another label is taken off before the plain index is asked', async () => {
    const a = await ask({ xray: xray('2.14.1+cu126', { names: ['torch==2.14.1'] }), torchIndexReachable: false });
    expect(chosen(a)?.commands).toEqual(['/home/me/chat/.venv/bin/python -m pip uninstall --yes torch', '/home/me/chat/.venv/bin/python -m pip install torch==2.14.1']);
  });

  it('packages left over from the CUDA that is the goal count as installed while their files are others: anew', async () => {
    const names = ['torch==2.15.0', 'nvidia-cudnn-cu12==9.10.2.21', 'nvidia-cudnn-cu13==9.26.0.51'];
    const left = xray('2.15.0+cu132', { names, leftovers: [{ name: 'nvidia-cudnn-cu12', version: '9.10.2.21', cudaMajor: 12 }] });
    const pip = chosen(await ask({ xray: left, targets: [gpu('6.1')] })), uv = chosen(await ask({ found: environment({ tool: 'uv', kind: 'uv' }), xray: left, targets: [gpu('6.1')] }));
    expect(pip?.target?.version).toBe('2.14.1+cu126');
    expect(pip?.commands[0]).toBe('/home/me/chat/.venv/bin/python -m pip uninstall --yes torch nvidia-cudnn-cu12 nvidia-cudnn-cu13');
    expect(uv?.commands[0]).toContain('--reinstall-package torch --reinstall-package nvidia-cudnn-cu12 torch==2.14.1+cu126');
  });

  it('what stays behind is not to be removed by hand', async () => {
    const a = await ask({ xray: xray('2.4.1+cu121', { names: ['torch==2.4.1', 'nvidia-cudnn-cu12==9', 'nvidia-nccl-cu12==2'] }) });
    expect(chosen(a)?.risks).toContainEqual('Packages of another CUDA version stay behind (2). Do not remove them by hand: they share files with the new ones.');
  });

  it('pins: the honest sentence, and what would flip it back; a pin that the nearest meets makes it the recommended', async () => {
    const pin = (specifier: string) => ({ file: '/home/me/chat/requirements.txt', line: 3, package: 'torch', specifier, source: 'requirements' as const });
    const a = await ask({ xray: xray('2.4.1+cu121', { pins: [pin('==2.4.1')] }) });
    expect(a.problems.map((p) => p.cause)).toContain('The project asks for torch 2.4.1. No official build of 2.4.1 runs on RTX 5090; the smallest version that does is 2.7.0+cu128.');
    expect(chosen(a)?.risks).toContainEqual('/home/me/chat/requirements.txt:3 asks for torch==2.4.1: installing from it would undo this.');
    expect(a.evidence).toContainEqual({ what: 'pin of torch', value: '==2.4.1', place: '/home/me/chat/requirements.txt:3', supports: false });
    const b = await ask({ xray: xray('2.7.1+cu126', { names: ['torch==2.7.1'], pins: [pin('==2.7.1')] }) });
    expect(chosen(b)?.id).toBe('pip:2.7.1+cu128');
    expect(b.problems).toEqual([]);
  });

  it('companions that ask for another torch or were built for another CUDA are named', async () => {
    const companion = (name: string, torchRequirement: string | null, cudaMajor: number | null) => ({ name, version: '1.0', installer: 'pip', torchRequirement, cudaLabel: null, cudaMajor, libraries: [] });
    const r = chosen(await ask({ xray: xray('2.4.1+cu121', { companions: [companion('xformers', 'torch==2.4.1', 12), companion('flash-attn', 'torch', 12), companion('accelerate', 'torch>=2.0', null)] }) }));
    expect(r?.risks).toContainEqual('xformers 1.0 asks for torch==2.4.1: it needs another version or has to go.');
    expect(r?.risks).toContainEqual('flash-attn 1.0 was built for CUDA 12; this torch is CUDA 13.');
    expect(r?.risks.some((t) => t.startsWith('accelerate'))).toBe(false);
  });
});

describe('what is wrong decides', () => {
  const record = { packages: 3, files: 100, missing: 2, changed: 0, examples: [{ package: 'nvidia-cudnn-cu12', path: 'x', what: 'missing' as const }, { package: 'torch', path: 'y', what: 'missing' as const }], shared: [], sharedCount: 0, tookMs: 1 };
  it('damage alone: the same versions again, those of PyTorch’s index apart', async () => {
    const x = xray('2.8.0+cu128', { names: ['torch==2.8.0+cu128', 'nvidia-cudnn-cu12==9.10.2.21'], record });
    const a = await ask({ cells: [cell('broken')], xray: { ...x, torch: x.torch === null ? null : { ...x.torch, metadataVersion: '2.8.0+cu128' } } });
    expect(chosen(a)).toMatchObject({ kind: 'reinstall', automatic: true });
    expect(chosen(a)?.commands).toEqual(['/home/me/chat/.venv/bin/python -m pip install --force-reinstall --no-deps --index-url https://download.pytorch.org/whl/cu128 torch==2.8.0+cu128', '/home/me/chat/.venv/bin/python -m pip install --force-reinstall --no-deps nvidia-cudnn-cu12==9.10.2.21']);
    const uv = await ask({ found: environment({ tool: 'uv' }), cells: [cell('broken')], xray: xray('2.8.0+cu128', { names: ['torch==2.8.0', 'nvidia-cudnn-cu12==9.10.2.21'], record }) });
    expect(chosen(uv)?.commands).toEqual(['uv pip install --python /home/me/chat/.venv/bin/python --reinstall --no-deps nvidia-cudnn-cu12==9.10.2.21 torch==2.8.0']);
  });

  it('damage of a build that has not this GPU: another build, for reinstalling it helps nobody', async () => {
    const a = await ask({ cells: [cell('incompatible')], xray: xray('2.4.1+cu121', { record }) });
    expect(chosen(a)?.id).toBe('pip:2.14.1+cu130');
    expect(kinds(a)).toContain('reinstall');
  });

  it('driver and library differ: restart, install nothing', async () => {
    const a = await ask({ cells: [cell('driver_mismatch')], driver: driver('580.95.05', { mismatch: true, source: 'driver' }) });
    expect(chosen(a)).toMatchObject({ id: 'driver:restart', commands: ['sudo reboot'], automatic: false });
  });

  it('the driver is too old for the GPU: the driver first, with the open modules', async () => {
    const a = await ask({ driver: driver('550.54.14', { source: 'driver' }), cells: [cell('driver_too_old')] });
    expect(chosen(a)).toMatchObject({ kind: 'driver', commands: ['sudo apt install nvidia-driver-580-open', 'sudo reboot'] });
    expect(a.problems[0]).toMatchObject({ code: 'upgrade.no_route', remedy: 'Update the driver first.' });
    const wsl = await ask({ driver: driver('550.1', { wsl: true, source: 'driver' }) });
    expect(chosen(wsl)).toMatchObject({ kind: 'driver', commands: [] });
    expect(chosen(wsl)?.title).toContain('in Windows');
  });

  it('570 with Blackwell: a build that starts now, and the driver as another way', async () => {
    const a = await ask({ driver: driver('570.86.10', { source: 'driver' }) });
    expect(chosen(a)?.id).toBe('pip:2.13.0+cu129');
    expect(a.routes.find((r) => r.kind === 'driver')?.automatic).toBe(false);
    expect(a.routes.find((r) => r.kind === 'container')?.id).toBe('container:25.04');
  });

  it('Pascal is never sent to a newer driver; past R580 it is sent back', async () => {
    const at = async (v: string) => (await ask({ targets: [gpu('6.1', 'GTX 1080')], driver: driver(v, { source: 'driver' }) })).routes.find((r) => r.kind === 'driver');
    expect(await at('580.95.05')).toBeUndefined();
    expect(await at('535.54.03')).toBeUndefined();
    expect(await at('590.44.01')).toMatchObject({ id: 'driver:580', commands: ['sudo apt install nvidia-driver-580', 'sudo reboot'], title: 'Driver 580, and no newer branch' });
  });

  it('only a library lacks the GPU: that library, from the first version that has it', async () => {
    const a = await ask({ cells: [cell('library_gap', ['flash-attn'])], xray: xray('2.14.1+cu130') });
    expect(chosen(a)).toMatchObject({ id: 'companions', automatic: false });
    expect(chosen(a)?.commands[0]).toContain("'flash-attn>=2.7.3'");
  });

  it.each([['native', 'has kernels for every GPU'], ['jit', 'compiled at the first start'], ['no_torch', 'no PyTorch']] as const)('%s: nothing to do, nothing recommended', async (verdict, text) => {
    const a = await ask({ cells: [cell(verdict)], xray: xray(verdict === 'no_torch' ? null : '2.14.1+cu130') });
    expect(a.nothingToDo).toContain(text);
    expect(chosen(a)).toBeUndefined();
  });

  it('no GPU, and no environment', async () => {
    expect(await ask({ targets: [], cells: [] })).toMatchObject({ nothingToDo: expect.stringContaining('no GPU') as string, conflicts: [], wrong: [] });
    const machine = await ask({ found: null, xray: null, cells: [] });
    expect(chosen(machine)).toMatchObject({ kind: 'new_environment', commands: ['uv venv --python 3.12 "$HOME/torch-2.14.1-cu130"', 'uv pip install --python "$HOME/torch-2.14.1-cu130/bin/python" --index-url https://download.pytorch.org/whl/cu130 torch==2.14.1+cu130 torchvision'] });
  });

  it('a Python without wheels: a new environment with another, and why', async () => {
    const a = await ask({ found: environment({ python: { version: '3.8.10' } }) });
    expect(a.problems[0]).toMatchObject({ code: 'upgrade.no_wheel', cause: expect.stringContaining('Python 3.8') as string });
    expect(chosen(a)).toMatchObject({ kind: 'new_environment' });
    expect(chosen(a)?.commands[0]).toContain('--python 3.12');
    const pypy = await ask({ found: environment({ python: { implementation: 'pypy' } }) });
    expect(pypy.problems[0]?.cause).toBe('There is no PyTorch for PyPy.');
    expect(chosen(pypy)?.kind).toBe('new_environment');
  });
});

describe('GPUs together', () => {
  it('Pascal and Blackwell on Linux: one machine cannot drive both', async () => {
    const a = await ask({ targets: [gpu('6.1', 'GTX 1080'), gpu('12.0', 'RTX 5090')] });
    expect(a.conflicts[0]).toContain('one Linux machine cannot drive both');
    expect(a.routes).toEqual([]);
    expect(a.problems[0]?.code).toBe('upgrade.no_route');
  });

  it('Pascal and Blackwell on Windows: no wheel, but conda-forge for CUDA 12.8', async () => {
    const a = await ask({ targets: [gpu('6.1', 'GTX 1080'), gpu('12.0', 'RTX 5090')], driver: driver('581.15', { platform: 'windows_x86_64' }), tools: { docker: false, uv: true, conda: true } });
    expect(a.conflicts[0]).toContain('No single official wheel serves GTX 1080 (6.1), RTX 5090 (12.0) together');
    expect(chosen(a)).toMatchObject({ id: 'new:conda:12.8', kind: 'new_environment' });
  });

  it('a GPU newer than every release: builds of the day, and only then', async () => {
    const a = await ask({ targets: [gpu('13.0', 'Next')] });
    expect(chosen(a)).toMatchObject({ kind: 'nightly', automatic: false });
    expect(chosen(a)?.commands[0]).toContain('--index-url https://download.pytorch.org/whl/nightly/cu132');
  });
});
