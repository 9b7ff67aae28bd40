import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ApplyMeans } from '../../../contract/optimize.ts';
import { problemOf } from '../../../contract/problem.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { ApplyDeps } from './apply-deps.ts';
import { createApply, type Apply } from './create-apply.ts';
import { listKernelFolders } from './kernel-folders.ts';
import { describeVenv, makeApplyDeps } from './fixtures/apply-under-test.ts';

const TF32 = { toggleId: 'tf32', value: 'high' };
const SEGMENTS = { toggleId: 'expandable_segments', value: 'on' };
const problemFrom = (work: Promise<unknown>): Promise<unknown> => work.then(() => null, (error: unknown) => problemOf(error) ?? error);

let root = '';
let prefix = '';
let packages = '';
let found = describeVenv('', '3.11');
const make = (more: Partial<typeof found> = {}, torch: string | null = '2.8.0+cu128', deps: Partial<ApplyDeps> = {}): Apply => createApply(makeApplyDeps(join(root, 'records'), { found: { ...found, ...more }, torch }, deps));
const applyNow = async (apply: Apply, means: ApplyMeans = 'hook', toggles = [TF32, SEGMENTS]) => apply.apply({ planId: (await apply.planApply({ environmentId: found.id, toggles, means })).planId, agree: true });
const revertNow = async (apply: Apply, id: string) => apply.revert((await apply.planRevert(id)).planId);

beforeEach(() => {
  root = makeTestFolder('apply');
  prefix = join(root, 'environment');
  packages = join(prefix, 'lib', 'python3.11', 'site-packages');
  mkdirSync(packages, { recursive: true });
  found = describeVenv(prefix, '3.11');
});

describe('snippet', () => {
  test('shows lines and variables, and writes nothing', async () => {
    const apply = make();
    const plan = await apply.planApply({ environmentId: found.id, toggles: [TF32, { toggleId: 'compile', value: 'default' }, SEGMENTS], means: 'snippet' });
    expect(plan).toMatchObject({ files: [], agree: [], variables: { PYTORCH_CUDA_ALLOC_CONF: 'expandable_segments:True' } });
    expect(plan.snippet).toContain('torch.set_float32_matmul_precision("high")');
    expect(plan.snippet).toContain('torch.compile(model)');
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: true }))).toMatchObject({ code: 'apply.protected' });
    expect(existsSync(join(root, 'records'))).toBe(false);
  });
});

describe('hook', () => {
  test('needs the word of the user where results change', async () => {
    const apply = make();
    const plan = await apply.planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' });
    expect(plan.agree).toHaveLength(1);
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: false }))).toMatchObject({ code: 'apply.needs_word' });
    expect(readdirSync(packages)).toEqual([]);
    expect(await apply.apply({ planId: plan.planId, agree: true })).toMatchObject({ state: 'in_force', killSwitch: 'WARPDECK_OPTIMIZE=0' });
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: true }))).toMatchObject({ code: 'apply.plan_expired' });
  });

  test('names the one way to ask for IEEE products that TF32 outlives, where that way exists', async () => {
    const notes = async (torch: string): Promise<string> => (await make({}, torch).planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' })).notes.join(' ');
    expect(await notes('2.9.1+cu128')).toContain('torch.backends.fp32_precision alone keeps TF32');
    expect(await notes('2.8.0+cu128')).not.toContain('fp32_precision');
  });

  test('what only the program can do becomes lines; alone it is refused', async () => {
    const plan = await make().planApply({ environmentId: found.id, toggles: [TF32, { toggleId: 'compile', value: 'default' }], means: 'hook' });
    expect(plan.toggles).toEqual([TF32]);
    expect(plan.snippet).toContain('torch.compile(model)');
    expect(await problemFrom(make().planApply({ environmentId: found.id, toggles: [{ toggleId: 'compile', value: 'default' }], means: 'hook' }))).toMatchObject({ code: 'toggle.unavailable' });
  });

  test.each([
    ['an unknown switch', [{ toggleId: 'warp_drive', value: 'on' }], '2.8.0', 'toggle.unknown'],
    ['an unknown value', [{ toggleId: 'tf32', value: 'higher' }], '2.8.0', 'toggle.unknown'],
    ['a torch that does not have it', [{ toggleId: 'sdpa', value: 'flash' }], '1.13.1', 'toggle.unavailable'],
    ['no torch', [TF32], null, 'toggle.unavailable'],
    ['an allocator key that this torch does not know', [SEGMENTS], '2.0.1', 'toggle.unavailable'],
    ['an allocator key with an unknown torch', [SEGMENTS], 'nightly', 'toggle.unavailable'],
    ['one that is not worth it', [{ toggleId: 'module_loading', value: 'eager' }], '2.8.0', 'toggle.unavailable'],
    ['a setting of llama.cpp', [{ toggleId: 'llama_threads', value: 'cores' }], '2.8.0', 'toggle.unavailable'],
  ])('refuses %s', async (_, toggles, torch, code) => {
    expect(await problemFrom(make({}, torch).planApply({ environmentId: found.id, toggles, means: 'hook' }))).toMatchObject({ code });
  });

  test.each([
    ['the system', { kind: 'system' as const }], ['the Store', { kind: 'store' as const }], ['PEP 668', { externallyManaged: true }], ['a Python of uv', { kind: 'uv_python' as const }],
    ['another user’s home', { place: 'a container volume' }], ['no folder of packages', { packageFolders: [] }], ['PyPy', { python: { ...describeVenv('', '3.11').python, implementation: 'pypy' as const } }],
    ['an unknown Python', { python: { ...describeVenv('', '3.11').python, version: null } }],
  ])('does not write into %s', async (_, more) => {
    expect(await problemFrom(make(more).planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' }))).toMatchObject({ code: 'apply.protected' });
  });

  test('does not follow packages out of the environment', async () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    rmSync(packages, { recursive: true });
    symlinkSync(elsewhere, packages);
    expect(await problemFrom(make().planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' }))).toMatchObject({ code: 'apply.protected' });
  });

  test('Python 3.15 gets a .start file', async () => {
    const plan = await make({ python: { ...found.python, version: '3.15.0' } }).planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' });
    expect(plan.files.map((file) => file.path)).toEqual([join(packages, 'warpdeck_optimize.py'), join(packages, 'warpdeck_optimize.start')]);
    expect(plan.files[1]?.text).toBe('warpdeck_optimize:start\n');
  });

  test('is undone without a trace, bytecode included', async () => {
    const apply = make();
    const { id } = await applyNow(apply);
    expect(await apply.readApplied(found.id)).toEqual([TF32, SEGMENTS]);
    mkdirSync(join(packages, '__pycache__'));
    writeFileSync(join(packages, '__pycache__', 'warpdeck_optimize.cpython-311.pyc'), '');
    writeFileSync(join(packages, '__pycache__', 'other.cpython-311.pyc'), '');
    expect(await revertNow(apply, id)).toMatchObject({ state: 'reverted' });
    expect(readdirSync(packages)).toEqual(['__pycache__']);
    expect(readdirSync(join(packages, '__pycache__'))).toEqual(['other.cpython-311.pyc']);
    expect(await problemFrom(apply.planRevert(id))).toMatchObject({ code: 'apply.not_found' });
    expect(await apply.readApplied(found.id)).toEqual([]);
  });

  test('applied again it takes the place of the first', async () => {
    const apply = make();
    const first = await applyNow(apply);
    const second = await applyNow(apply, 'hook', [SEGMENTS]);
    expect((await apply.applications()).map((one) => [one.id, one.state])).toEqual(expect.arrayContaining([[first.id, 'reverted'], [second.id, 'in_force']]));
    expect(readFileSync(join(packages, 'warpdeck_optimize.py'), 'utf8')).not.toContain('"high")');
    await revertNow(apply, second.id);
    expect(readdirSync(packages)).toEqual([]);
  });

  test('a file that was edited is named, never overwritten and never removed', async () => {
    const apply = make();
    const { id } = await applyNow(apply);
    const path = join(packages, 'warpdeck_optimize.py');
    writeFileSync(path, '# mine now\n');
    expect((await apply.applications())[0]?.state).toBe('edited');
    expect(await problemFrom(apply.planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' }))).toMatchObject({ code: 'apply.edited', facts: { path } });
    expect((await apply.planRevert(id)).notes.join(' ')).toContain(path);
    // The other file goes; the edited one stays, and stays in the list.
    expect(await revertNow(apply, id)).toMatchObject({ state: 'edited', files: [{ path }] });
    expect(readFileSync(path, 'utf8')).toBe('# mine now\n');
    expect(existsSync(join(packages, 'warpdeck_optimize.pth'))).toBe(false);
    expect(await problemFrom(revertNow(apply, id))).toMatchObject({ code: 'apply.edited' });
    rmSync(path);
    expect(await revertNow(apply, id)).toMatchObject({ state: 'reverted' });
  });

  test('a file of the same name that nobody knows is left alone', async () => {
    writeFileSync(join(packages, 'warpdeck_optimize.pth'), 'import something\n');
    expect(await problemFrom(make().planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' }))).toMatchObject({ code: 'apply.edited' });
  });

  test('edited between plan and application: refused, nothing left', async () => {
    const apply = make();
    const plan = await apply.planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' });
    writeFileSync(join(packages, 'warpdeck_optimize.pth'), 'x\n');
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: true }))).toMatchObject({ code: 'apply.edited' });
    expect(readdirSync(packages)).toEqual(['warpdeck_optimize.pth']);
    expect(await apply.applications()).toEqual([]);
  });

  test('an environment that was made anew is gone', async () => {
    const apply = make();
    const { id } = await applyNow(apply);
    rmSync(prefix, { recursive: true });
    expect((await apply.applications())[0]?.state).toBe('gone');
    mkdirSync(packages, { recursive: true });
    expect((await apply.applications())[0]?.state).toBe('gone');
    expect(await revertNow(apply, id)).toMatchObject({ state: 'reverted' });
  });

  test('a plan does not outlive a change of torch, nor ten minutes', async () => {
    let torch = '2.8.0+cu128';
    let nowMs = 0;
    const apply = make({}, torch, { now: () => nowMs, readEnvironment: () => Promise.resolve({ found, torch }) });
    const plan = await apply.planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' });
    torch = '2.9.0+cu128';
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: true }))).toMatchObject({ code: 'apply.plan_expired' });
    const next = await apply.planApply({ environmentId: found.id, toggles: [TF32], means: 'hook' });
    nowMs = 601_000;
    expect(await problemFrom(apply.apply({ planId: next.planId, agree: true }))).toMatchObject({ code: 'apply.plan_expired' });
  });

  test('a second file that cannot be written takes the first with it', async () => {
    const apply = make({}, '2.8.0', { lockEnvironment: () => Promise.resolve({ release: () => Promise.resolve() }) });
    const plan = await apply.planApply({ environmentId: found.id, toggles: [SEGMENTS], means: 'conda' }).catch((error: unknown) => error);
    expect(problemOf(plan)).toMatchObject({ code: 'apply.protected' });
    const conda = make({ kind: 'conda' });
    const whole = await conda.planApply({ environmentId: found.id, toggles: [SEGMENTS], means: 'conda' });
    // A file where the folder should be made.
    mkdirSync(join(prefix, 'etc', 'conda'), { recursive: true });
    writeFileSync(join(prefix, 'etc', 'conda', 'activate.d'), '');
    expect(await problemFrom(conda.apply({ planId: whole.planId, agree: true }))).toMatchObject({ code: 'apply.failed' });
    expect(readdirSync(join(prefix, 'etc', 'conda'))).toEqual(['activate.d']);
    expect(await conda.applications()).toEqual([]);
  });

  test('what an engine that died had begun is undone also where the environment is gone, and where a file was edited meanwhile', async () => {
    const apply = make();
    const { id } = await applyNow(apply);
    const path = join(root, 'records', `${id}.json`);
    const begun = readFileSync(path, 'utf8').replace('"in_force"', '"applying"');
    writeFileSync(path, begun);
    writeFileSync(join(packages, 'warpdeck_optimize.py'), '# mine\n');
    expect(await make().recover()).toEqual([join(packages, 'warpdeck_optimize.py')]);
    expect(readdirSync(packages)).toEqual(['warpdeck_optimize.py']);
    expect(await apply.applications()).toEqual([]);
    writeFileSync(path, begun);
    rmSync(prefix, { recursive: true });
    const refusing = make({}, '2.8.0', { lockEnvironment: () => Promise.reject(new Error('no folder to lock')) });
    expect(await refusing.recover()).toEqual([]);
    expect(await refusing.applications()).toEqual([]);
    expect(readdirSync(join(root, 'records'))).toEqual([]);
  });

  test('records that are none of ours are passed over', async () => {
    mkdirSync(join(root, 'records'));
    writeFileSync(join(root, 'records', 'x.json'), '{"schemaVersion":1}');
    writeFileSync(join(root, 'records', 'y.json'), 'no');
    const apply = make();
    expect(await apply.recover()).toEqual([]);
    expect(await apply.applications()).toEqual([]);
    expect(readdirSync(join(root, 'records'))).toHaveLength(2);
  });
});

describe('conda', () => {
  const shell = (script: string, env: Record<string, string> = {}): string => execFileSync('bash', ['--norc', '-eu', '-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...env } }).trim();

  test('variables hold while it is active, and only where nobody set them', async () => {
    const apply = make({ kind: 'conda', tool: 'conda' });
    const { id } = await applyNow(apply, 'conda');
    const enter = `source ${join(prefix, 'etc/conda/activate.d/warpdeck_optimize.sh')}`;
    const leave = `source ${join(prefix, 'etc/conda/deactivate.d/warpdeck_optimize.sh')}`;
    const say = 'echo "${PYTORCH_CUDA_ALLOC_CONF-none} ${TORCH_ALLOW_TF32_CUBLAS_OVERRIDE-none}"';
    expect(shell(`${enter}; ${say}; ${leave}; ${say}`)).toBe('expandable_segments:True 1\nnone none');
    expect(shell(`${enter}; ${say}; ${leave}; ${say}`, { PYTORCH_CUDA_ALLOC_CONF: 'backend:native' })).toBe('backend:native 1\nbackend:native none');
    expect(shell(`${enter}; export PYTORCH_CUDA_ALLOC_CONF=mine; ${leave}; ${say}`)).toBe('mine none');
    expect(shell(`${enter}; ${say}; ${leave}; ${say}`, { WARPDECK_OPTIMIZE: '0' })).toBe('none none\nnone none');
    await revertNow(apply, id);
    expect(existsSync(join(prefix, 'etc'))).toBe(false);
  });

  test('pixi: lines to copy, nothing written', async () => {
    const apply = make({ kind: 'pixi', tool: 'pixi' });
    const plan = await apply.planApply({ environmentId: found.id, toggles: [SEGMENTS], means: 'conda' });
    expect(plan).toMatchObject({ files: [], snippet: '[activation.env]\nPYTORCH_CUDA_ALLOC_CONF = "expandable_segments:True"\n' });
    expect(await problemFrom(apply.apply({ planId: plan.planId, agree: true }))).toMatchObject({ code: 'apply.protected' });
  });
});

describe('jupyter', () => {
  const kernel = (folder: string, text: string, mode = 0o644): string => {
    const path = join(folder, 'kernel.json');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  test('kernels of this environment get the variables, byte for byte the rest; undone they are as before', async () => {
    const users = join(root, 'user-kernels');
    mkdirSync(join(prefix, 'bin'));
    const own = kernel(join(prefix, 'share/jupyter/kernels/python3'), '{"argv":["python"],\r\n\t"env" : { "A":"1" } }');
    const user = kernel(join(users, 'chat'), `{\n "argv": ["${join(prefix, 'bin', 'python')}", "-m", "x"],\n "metadata": {"env": {"B": "}"}}\n}\n`);
    const other = kernel(join(users, 'other'), '{"argv":["/usr/bin/python3"]}');
    const before = [own, user, other].map((path) => readFileSync(path, 'utf8'));
    const apply = make({}, '2.8.0', { kernelFolders: () => [users] });
    const { id } = await applyNow(apply, 'jupyter');
    expect(readFileSync(own, 'utf8')).toBe('{"argv":["python"],\r\n\t"env" : { "A":"1", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1", "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True" } }');
    expect(JSON.parse(readFileSync(user, 'utf8'))).toMatchObject({ metadata: { env: { B: '}' } }, env: { TORCH_ALLOW_TF32_CUBLAS_OVERRIDE: '1' } });
    expect(readFileSync(other, 'utf8')).toBe(before[2]);
    // Again, with other switches: as if the first had not been.
    const second = await applyNow(apply, 'jupyter', [SEGMENTS]);
    expect(second.id).not.toBe(id);
    expect(readFileSync(user, 'utf8')).not.toContain('TF32');
    await revertNow(apply, second.id);
    expect([own, user, other].map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  test('what somebody changed in a kernel between two applications is not lost by the undo', async () => {
    const own = kernel(join(prefix, 'share/jupyter/kernels/python3'), '{"argv":["python"]}');
    const apply = make({}, '2.8.0', { kernelFolders: () => [] });
    await applyNow(apply, 'jupyter', [SEGMENTS]);
    const edited = readFileSync(own, 'utf8').replace('{"argv"', '{"mine":1,"argv"');
    writeFileSync(own, edited);
    const { id } = await applyNow(apply, 'jupyter');
    expect(readFileSync(own, 'utf8')).toContain('TF32');
    await revertNow(apply, id);
    expect(readFileSync(own, 'utf8')).toBe(edited);
  });

  test('kernels of environments that lie inside of this one are not its own', async () => {
    const users = join(root, 'user-kernels');
    const inner = join(prefix, 'envs/other/bin');
    mkdirSync(inner, { recursive: true });
    mkdirSync(join(prefix, 'bin'));
    const its = kernel(join(users, 'its'), `{"argv":["${join(inner, 'python')}"]}`);
    const own = kernel(join(users, 'own'), `{"argv":["${join(prefix, 'bin', 'python')}"]}`);
    await applyNow(make({}, '2.8.0', { kernelFolders: () => [users] }), 'jupyter');
    expect(readFileSync(own, 'utf8')).toContain('TF32');
    expect(readFileSync(its, 'utf8')).not.toContain('TF32');
  });

  test('the system’s Python: only kernels of the user', async () => {
    const own = kernel(join(prefix, 'share/jupyter/kernels/python3'), '{"argv":["python"]}');
    const users = join(root, 'user-kernels');
    mkdirSync(join(prefix, 'bin'));
    const user = kernel(join(users, 'sys'), `{"argv":["${join(prefix, 'bin', 'python')}"]}`, 0o600);
    const apply = make({ kind: 'system', externallyManaged: true }, '2.8.0', { kernelFolders: () => [users], lockEnvironment: () => Promise.reject(new Error('not writable')) });
    expect(await applyNow(apply, 'jupyter')).toMatchObject({ state: 'in_force', files: [{ path: user }] });
    expect(readFileSync(own, 'utf8')).toBe('{"argv":["python"]}');
  });

  test.each([
    ['linux', {}, '/home/ada/.local/share/jupyter/kernels'], ['linux', { XDG_DATA_HOME: '/data' }, '/data/jupyter/kernels'], ['linux', { JUPYTER_DATA_DIR: '/own' }, '/own/kernels'],
    ['darwin', {}, '/home/ada/Library/Jupyter/kernels'], ['win32', { APPDATA: '/roaming' }, '/roaming/jupyter/kernels'],
  ] as const)('the user’s kernels on %s with %o', (platform, env, folder) => {
    expect(listKernelFolders(env, platform, '/home/ada')).toEqual([folder]);
  });

  test('no kernel, or none that can be changed', async () => {
    expect(await problemFrom(make().planApply({ environmentId: found.id, toggles: [TF32], means: 'jupyter' }))).toMatchObject({ code: 'apply.protected' });
    kernel(join(prefix, 'share/jupyter/kernels/a'), '{"argv":["python"],"env":[]}');
    kernel(join(prefix, 'share/jupyter/kernels/b'), '{"argv":["python"],"env":{"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE":"0"}}');
    kernel(join(prefix, 'share/jupyter/kernels/c'), 'no');
    expect(await problemFrom(make().planApply({ environmentId: found.id, toggles: [TF32], means: 'jupyter' }))).toMatchObject({ code: 'apply.protected' });
  });
});
