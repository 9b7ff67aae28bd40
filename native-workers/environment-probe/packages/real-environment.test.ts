import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import { pythonTools, type PythonTools } from '../../../core/testing/python-tools.ts';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { checkRecordHashes } from './check-record-hashes.ts';
import { hashFiles } from './hash-files.ts';
import { makeFakeEnvironment } from './testing/make-fake-environment.ts';
import { xrayEnvironment } from './xray-environment.ts';

const PACKAGES = ['six==1.17.0', 'MarkupSafe==3.0.2', 'packaging==24.2', 'tqdm==4.67.1'];
let tools: PythonTools;
let root: string;

/** A real environment, described as the finder would. */
function makeReal(name: string, install: (prefix: string) => void): FoundEnvironment & { site: string } {
  const prefix = join(root, name);
  execFileSync(tools.uv, ['venv', '--quiet', '--python', tools.python, prefix], { stdio: 'pipe' });
  install(prefix);
  const lib = readdirSync(join(prefix, 'lib')).find((entry) => entry.startsWith('python')) ?? '';
  const site = join(prefix, 'lib', lib, 'site-packages');
  return { ...makeFakeEnvironment(join(root, `described-${name}`)).found(), prefix, basePrefix: prefix, packageFolders: [site, join(prefix, 'lib64', lib, 'site-packages')], site };
}
const uvInstall = (...flags: string[]) => (prefix: string): void => void execFileSync(tools.uv, ['pip', 'install', '--quiet', ...flags, '--python', join(prefix, 'bin', 'python'), ...PACKAGES], { stdio: 'pipe' });
const xray = (environment: FoundEnvironment): Promise<EnvironmentXray> => xrayEnvironment({ environment, record: true, pins: true });

beforeAll(() => {
  tools = pythonTools();
  root = makeTestFolder('real-environment');
});

describe('real environments', () => {
  test('uv: all as recorded, equal to what uv lists', async () => {
    const environment = makeReal('uv', uvInstall());
    const result = await xray(environment);
    const listed = JSON.parse(execFileSync(tools.uv, ['pip', 'list', '--format', 'json', '--python', join(environment.prefix, 'bin', 'python')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as { name: string; version: string }[];
    expect(result.packages).toEqual(listed.map(({ name, version }) => ({ name: name.toLowerCase(), version })));
    expect(result.problems).toEqual([]);
    expect(result).toMatchObject({ torch: null, companions: [], leftovers: [], shadows: [], record: { packages: 4, missing: 0, changed: 0 } });
    expect(result.record?.files).toBeGreaterThan(50);
  });

  test('pip: bytecode that was removed is no damage; scripts in bin are compared', async () => {
    const environment = makeReal('pip', (prefix) => void execFileSync(tools.pipPython, ['-m', 'pip', '--python', join(prefix, 'bin', 'python'), 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { stdio: 'pipe' }));
    expect((await xray(environment)).problems).toEqual([]);
    for (const folder of readdirSync(environment.site, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('__pycache__'))) rmSync(join(environment.site, folder), { recursive: true });
    expect((await xray(environment)).problems).toEqual([]);
    rmSync(join(environment.prefix, 'bin', 'tqdm'));
    expect((await xray(environment)).record?.examples).toEqual([{ package: 'tqdm', path: '../../../bin/tqdm', what: 'missing' }]);
  });

  test('uv with links into its cache', async () => {
    const environment = makeReal('links', uvInstall('--link-mode', 'symlink'));
    const result = await xray(environment);
    expect(result.record).toMatchObject({ packages: 4, missing: 0, changed: 0 });
    expect(result.problems).toEqual([]);
  });

  test('damage is found and named: a file gone, one grown, a folder gone', async () => {
    const environment = makeReal('damage', uvInstall('--link-mode', 'copy'));
    rmSync(join(environment.site, 'six.py'));
    appendFileSync(join(environment.site, 'markupsafe', '_native.py'), '# changed\n');
    const files = (await xray(environment)).record?.files ?? 0;
    const result = await xray(environment);
    expect(result.record).toMatchObject({ missing: 1, changed: 1, examples: [{ package: 'six', path: 'six.py', what: 'missing' }, { package: 'markupsafe', path: 'markupsafe/_native.py', what: 'size' }] });
    expect(result.problems.map((problem) => [problem.code, problem.cause])).toEqual([
      ['env.files_missing', `1 of ${files} recorded files are gone, among them six.py of six. An installation was interrupted, or files were deleted by hand.`],
      ['env.files_changed', `1 of ${files} recorded files have another size, among them markupsafe/_native.py of markupsafe.`],
    ]);
    rmSync(join(environment.site, 'tqdm'), { recursive: true });
    expect((await xray(environment)).record?.missing).toBeGreaterThan(20);
    // The remedy works.
    execFileSync(tools.uv, ['pip', 'install', '--quiet', '--reinstall', '--link-mode', 'copy', '--python', join(environment.prefix, 'bin', 'python'), ...PACKAGES], { stdio: 'pipe' });
    expect((await xray(environment)).problems).toEqual([]);
  });

  test('an editable package and hostile folder names', async () => {
    const source = join(root, 'source with 🐍 and "quotes"', '-rf');
    mkdirSync(join(source, 'src', 'mine'), { recursive: true });
    writeFileSync(join(source, 'pyproject.toml'), '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "mine"\nversion = "1.5"\ndependencies = ["torch==2.4.1"]\n');
    writeFileSync(join(source, 'src', 'mine', '__init__.py'), '');
    const environment = makeReal('-rf "odd" 🐍', (prefix) => void execFileSync(tools.uv, ['pip', 'install', '--quiet', '--no-deps', '--python', join(prefix, 'bin', 'python'), '--editable', source], { stdio: 'pipe' }));
    const result = await xray({ ...environment, projectFolder: source });
    expect(result.packages).toContainEqual({ name: 'mine', version: '1.5' });
    expect(result.pins.map((pin) => `${pin.source} ${pin.package} ${pin.specifier}`)).toEqual(['pyproject torch ==2.4.1', 'package mine torch==2.4.1']);
    expect(result.problems).toEqual([]);
  });
});

describe('hashes', () => {
  test('a file of the same size with another content', async () => {
    const environment = makeReal('tampered', uvInstall('--link-mode', 'copy'));
    expect(await checkRecordHashes(environment)).toMatchObject({ damaged: [] });
    const six = join(environment.site, 'six.py');
    writeFileSync(six, readFileSync(six, 'utf8').replace('def ', 'dEf '));
    expect((await xray(environment)).problems).toEqual([]);
    expect((await checkRecordHashes(environment)).damaged).toEqual([{ package: 'six', path: 'six.py', what: 'hash' }]);
    expect(await checkRecordHashes(environment, { packages: ['packaging'] })).toMatchObject({ damaged: [] });
    rmSync(six);
    expect((await checkRecordHashes(environment, { packages: ['six'] })).damaged).toEqual([{ package: 'six', path: 'six.py', what: 'missing' }]);
  });

  test('are those of RECORD; what is no file has none; it can be stopped', async () => {
    const environment = makeReal('hashes', uvInstall());
    const record = readFileSync(join(environment.site, 'six-1.17.0.dist-info', 'RECORD'), 'utf8');
    const six = join(environment.site, 'six.py');
    const link = join(root, 'link');
    const pipe = join(root, 'pipe');
    symlinkSync(six, link);
    execFileSync('mkfifo', [pipe]);
    const big = join(root, 'big');
    writeFileSync(big, Buffer.alloc(3 * 1024 * 1024 + 7, 5));
    const hashes = await hashFiles([six, six, link, pipe, root, join(root, 'none'), big]);
    expect(record).toContain(`six.py,${hashes.get(six) ?? '?'},`);
    expect([...hashes.values()].slice(1)).toEqual([hashes.get(six), null, null, null, `sha256=${createHash('sha256').update(readFileSync(big)).digest('base64url')}`]);
    await expect(hashFiles([six], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});
