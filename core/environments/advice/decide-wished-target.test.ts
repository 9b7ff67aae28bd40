import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../contract/problem.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { WishInput } from './explain-wish.ts';
import { decideWishedRoute } from './decide-wished-route.ts';
import { decideWishedTarget } from './decide-wished-target.ts';
import { requireAutomatic } from './require-automatic.ts';
import { adviceInput, driver, environment, gpu, shippedTables, xray } from './testing.ts';

const tables = await shippedTables();
const input = (more: Partial<WishInput> = {}): WishInput => ({ targets: [gpu('12.0', 'RTX 5090')], driver: driver('580.95.05'), python: '3.12.3', platform: 'linux_x86_64', tables, present: '2.4.1+cu121', ...more });
const refused = (run: () => unknown): Problem => { try { run(); } catch (error) { if (error instanceof ProblemError) return error.problem; throw error; } return expect.fail('it was not refused'); };
const pascal = gpu('6.1', 'GTX 1080'), ada = gpu('8.9', 'RTX 4090');

describe('a target that was named', () => {
  it.each([
    ['2.14.1+cu130', '2.14.1+cu130'], ['torch==2.14.1+cu130', '2.14.1+cu130'], [' 2.14.1 ', '2.14.1+cu130'], ['2.14', '2.14.1+cu130'], ['cu130', '2.14.1+cu130'], ['+cu128', '2.11.0+cu128'], ['2.14.1+cu132', '2.14.1+cu132'],
    ['newest', '2.14.1+cu130'], ['nearest', '2.7.1+cu128'], ['NEWEST', '2.14.1+cu130'], ['2.7.0', '2.7.0+cu128'], ['pypi', '2.14.1'], ['pypi:2.15.0', '2.15.0'], ['pypi:2.8', '2.8.0'],
  ])('%s → %s', (text, version) => { expect(decideWishedTarget(text, input()).version).toBe(version); });

  it('with PyTorch’s index out of reach, the plain one’s build of it', () => {
    expect(decideWishedTarget('newest', input({ indexReachable: false }))).toMatchObject({ version: '2.14.1', label: 'cu130', indexUrl: 'pypi' });
    expect(decideWishedTarget('2.15.0', input({ indexReachable: false }))).toMatchObject({ version: '2.15.0', label: 'cu132', indexUrl: 'pypi' });
    expect(refused(() => decideWishedTarget('2.14.1+cu132', input({ indexReachable: false }))).code).toBe('upgrade.no_wheel');
  });

  it('an experimental Python is given when asked for by version, never by itself', () => {
    const old = input({ targets: [ada], python: '3.13.0' });
    expect(decideWishedTarget('2.5.1', old).version).toBe('2.5.1+cu124');
    expect(decideWishedTarget('nearest', { ...old, present: '2.5.1+cpu' }).version).toBe('2.6.0+cu124');
  });

  it.each([
    ['2.14.1+cu128', {}, 'There is no torch 2.14.1+cu128 for Linux x86_64. The labels of 2.14.1 are cu126, cu130, cu132.'],
    ['2.14.7', {}, 'There is no torch 2.14.7 for Linux x86_64; of 2.14 there are 2.14.0, 2.14.1.'],
    ['3.0', {}, 'No torch 3.0 with CUDA is known for Linux x86_64; the newest is 2.15.0.'],
    ['2.15.0+cu132', { python: '3.10.4' }, 'torch 2.15.0+cu132 has wheels for Python 3.11 to 3.15; this is Python 3.10.4.'],
    ['pypi', { platform: 'windows_x86_64', driver: driver('581.15', { platform: 'windows_x86_64' }) }, 'A plain package index has only CPU builds of torch for Windows; builds for CUDA are on PyTorch’s own index.'],
    ['something', {}, '"something" names no build. A target is written as 2.14.1+cu130, 2.14, cu130, nearest, newest or pypi.'],
    ['2.14.*+cu126', {}, '"2.14.*+cu126" names no build. A target is written as 2.14.1+cu130, 2.14, cu130, nearest, newest or pypi.'],
    ['newest', { python: '3.8.10' }, 'No build that serves RTX 5090 (12.0) has wheels for Python 3.8.10; torch 2.15.0 has them for Python 3.11 to 3.15.'],
  ] as const)('upgrade.no_wheel: %s', (text, more, cause) => { expect(refused(() => decideWishedTarget(text, input(more)))).toMatchObject({ code: 'upgrade.no_wheel', cause }); });

  it('upgrade.kills_gpu: it would take another GPU away', () => {
    const both = input({ targets: [pascal, ada] });
    expect(refused(() => decideWishedTarget('2.14.1+cu130', both))).toMatchObject({ code: 'upgrade.kills_gpu', cause: 'torch 2.14.1+cu130 has no kernels for GTX 1080 (6.1).' });
    expect(refused(() => decideWishedTarget('cu130', both)).code).toBe('upgrade.kills_gpu');
    expect(decideWishedTarget('2.14.1', both).version).toBe('2.14.1+cu126');
  });

  it.each([
    ['2.14.1+cu126', {}, /none of them runs on RTX 5090/, 'torch 2.14.1+cu130 serves all GPUs, and so does 2.7.1+cu128.'],
    ['2.14.1+cu130', { driver: driver('570.86.10') }, /needs driver 580 or newer; 570.86.10 is installed/, /Update the driver. torch 2.13.0\+cu129/],
    ['newest', { driver: driver('550.1') }, /Every build for RTX 5090 \(12.0\) needs driver 570 or newer; 550.1 is installed/, 'Update the driver first.'],
    ['newest', { targets: [pascal, gpu('12.0', 'RTX 5090')] }, /one Linux machine cannot drive both/, /each kind of GPU/],
    ['newest', { targets: [] }, /no GPU/, /--for/],
    ['newest', { targets: [pascal], driver: driver('590.44.01') }, /R580 is the last branch/, /advice/],
    ['newest', { indexReachable: false, platform: 'windows_x86_64', driver: driver('581.15', { platform: 'windows_x86_64' }) }, /index does not answer/, /mirror/],
  ] as const)('upgrade.no_route: %s %#', (text, more, cause, remedy) => {
    const p = refused(() => decideWishedTarget(text, input(more)));
    expect(p.code).toBe('upgrade.no_route');
    expect(p.cause).toMatch(cause);
    expect(p.remedy).toMatch(remedy);
  });
});

describe('the route to it', () => {
  it('by the tool of the environment', async () => {
    expect(decideWishedRoute('cu128', await adviceInput())).toMatchObject({ kind: 'pip', automatic: true, target: { version: '2.11.0+cu128' } });
    const conda = await adviceInput({ found: environment({ kind: 'conda', tool: 'mamba' }), xray: xray('2.4.1', { torch: { ...xray('2.4.1').torch, installer: 'conda' } as never }), tools: { docker: false, uv: false, conda: true } });
    expect(decideWishedRoute('newest', conda)).toMatchObject({ kind: 'conda', tool: 'mamba', automatic: true });
    expect(refused(() => decideWishedRoute('2.14.1', conda)).code).toBe('upgrade.no_route');
    expect(refused(() => decideWishedRoute('newest', { ...conda, targets: [gpu('3.7')] })).cause).toContain('No conda-forge build');
  });

  it('not where packages are not changed in place', async () => {
    expect(refused(() => decideWishedRoute('newest', { ...conditions, found: environment({ externallyManaged: true }) })).cause).toContain('PEP 668');
    expect(refused(() => decideWishedRoute('newest', { ...conditions, found: null })).code).toBe('upgrade.no_route');
    expect(refused(() => decideWishedRoute('newest', { ...conditions, found: environment({ tool: 'pixi', kind: 'pixi' }) })).code).toBe('upgrade.no_route');
  });

  it('upgrade.manual_route: what is done by hand is not begun', async () => {
    const a = await adviceInput({ found: environment({ kind: 'poetry', tool: 'poetry', projectFolder: '/p' }) });
    expect(refused(() => requireAutomatic(decideWishedRoute('newest', a)))).toMatchObject({ code: 'upgrade.manual_route', remedy: 'Copy its commands.' });
    const noUv = await adviceInput({ found: environment({ tool: 'uv' }), tools: { docker: false, uv: false, conda: false } });
    expect(refused(() => requireAutomatic(decideWishedRoute('newest', noUv))).cause).toContain('not met: uv is installed');
    expect(requireAutomatic(decideWishedRoute('newest', conditions)).automatic).toBe(true);
  });
});
const conditions = await adviceInput();
