import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import type { PackageIndex } from '../../testing/package-index/start-package-index.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { chooseInstallTool } from './choose-install-tool.ts';
import { makeExplicit, whyByHand } from './create-uv-project-tool.ts';
import { findTools } from './find-tools.ts';
import { freeze } from './freeze.ts';
import { accessTo, describeEnvironment, makeInstallBench, NEVER, newTorch, readPackageFile, recordProgress, routeTo, run } from './fixtures/install-bench.ts';
import type { InstallTool } from './install-tool.ts';
import { readInstalledPackages } from './read-installed-packages.ts';

const bench = makeInstallBench('uv-project');
const tools = pythonTools();

async function makeProject(name: string, index: PackageIndex, dependencies: readonly string[], more = ''): Promise<{ readonly folder: string; readonly environment: FoundEnvironment; readonly tool: InstallTool }> {
  const folder = join(bench.folder, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'pyproject.toml'), `[project]\nname = "chat"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = ${JSON.stringify(dependencies)}\n\n# the index of our company\n[[tool.uv.index]]\nurl = "${index.url}/simple"\ndefault = true\n${more}`);
  await run(tools.uv, ['sync', '-q', '--project', folder, '--python', tools.python], { cwd: folder, env: { ...process.env, UV_CACHE_DIR: join(bench.folder, 'uv-cache') } });
  const abi = (await run(tools.python, ['-c', 'import sys; print("cp%d%d" % sys.version_info[:2])'])).stdout.trim();
  const environment = describeEnvironment(join(folder, '.venv'), abi, 'uv', 'uv', tools.python, folder);
  return { folder, environment, tool: await chooseInstallTool(environment, await findTools({ env: { PATH: join(tools.folder, 'bin') }, surroundings: bench.surroundings(), home: bench.folder })) };
}

describe('a uv project', { timeout: 120_000 }, () => {
  it('is changed with its files, so that the next sync keeps what was done', async () => {
    const index = await bench.index();
    const { folder, environment, tool } = await makeProject('project', index, ['torch==2.4.1', 'torchvision', 'accelerate']);
    const access = accessTo(bench, index, { packageIndexUrl: null });
    const files = ['pyproject.toml', 'uv.lock'].map((name) => join(folder, name));
    const before = files.map((file) => readFileSync(file, 'utf8'));
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    expect(plan.extraPaths).toEqual(files);
    const changes = Object.fromEntries(plan.changes.map((one) => [one.name, one.to]));
    expect(changes).toMatchObject({ torch: '2.14.1+cu130', torchvision: '0.29.1+cu130', 'nvidia-cudnn-cu13': '9.13.0.50', 'nvidia-cudnn-cu12': null });

    const context = recordProgress();
    await tool.install(environment, routeTo(newTorch), plan, access, context);
    expect(context.told.at(-1)?.fraction).toBe(1);
    expect(readPackageFile(environment, 'torch/version.py')).toContain("'2.14.1+cu130'");
    expect(readPackageFile(environment, 'nvidia/cudnn/lib/libcudnn.so.9')).toBe('cudnn for CUDA 13\n');
    expect(readFileSync(files[0] ?? '', 'utf8')).toMatch(/# the index of our company/);
    expect(readFileSync(files[0] ?? '', 'utf8')).toMatch(/name = "pytorch-cu130"\nurl = ".*\/whl\/cu130"\nexplicit = true/);
    // The project's own next sync has nothing to do.
    const sync = await run(tools.uv, ['sync', '--dry-run', '--project', folder], { cwd: folder, env: { ...process.env, ...access.env } });
    expect(sync.stderr).toMatch(/Would make no changes/);
  });

  it('whose files were changed after the plan is left alone', async () => {
    const index = await bench.index();
    const { folder, environment, tool } = await makeProject('changed', index, ['torch==2.4.1']);
    const access = accessTo(bench, index, { packageIndexUrl: null });
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    const edited = `${readFileSync(join(folder, 'pyproject.toml'), 'utf8')}\n# edited\n`;
    writeFileSync(join(folder, 'pyproject.toml'), edited);
    expect((await problemFrom(tool.install(environment, routeTo(newTorch), plan, access, recordProgress()))).code).toBe('upgrade.changed_meanwhile');
    expect(readFileSync(join(folder, 'pyproject.toml'), 'utf8')).toBe(edited);
    expect((await readInstalledPackages(environment)).get('torch')?.version).toBe('2.4.1');
  });

  it('with a requirement that cannot be met says so; a workspace is done by hand', async () => {
    const index = await bench.index();
    const { folder, environment, tool } = await makeProject('pinned', index, ['torch==2.4.1', 'xformers']);
    const access = accessTo(bench, index, { packageIndexUrl: null });
    const problem = await problemFrom(tool.resolve(environment, routeTo(newTorch), access, NEVER));
    expect(problem.code).toBe('upgrade.conflict');
    expect(problem.cause).toContain('xformers');
    writeFileSync(join(folder, 'pyproject.toml'), `${readFileSync(join(folder, 'pyproject.toml'), 'utf8')}\n[tool.uv.workspace]\nmembers = ["x"]\n`);
    expect((await problemFrom(tool.resolve(environment, routeTo(newTorch), access, NEVER))).code).toBe('upgrade.manual_route');
  });

  it.each([
    ['[tool.uv.sources]\ncore = { path = "../core" }', true], ['[tool.uv.sources]\ncore = { workspace = true }', true], ['[tool.uv.workspace]\nmembers = []', true], ['[tool.uv.sources]\ntorch = { index = "x" }', false],
  ])('by hand or not: %s', (text, byHand) => {
    expect(whyByHand(text) !== null).toBe(byHand);
  });

  it('gets an index that serves nobody else', () => {
    const project = '[[tool.uv.index]]\nname = "other"\nurl = "u"\n\n[[tool.uv.index]]\nname = "pytorch-cu130"\nurl = "v"\n\n[x]\n';
    const explicit = '[[tool.uv.index]]\nname = "other"\nurl = "u"\n\n[[tool.uv.index]]\nname = "pytorch-cu130"\nurl = "v"\nexplicit = true\n\n[x]\n';
    expect(makeExplicit(project, 'pytorch-cu130')).toBe(explicit);
    expect(makeExplicit(explicit, 'pytorch-cu130')).toBe(explicit);
  });
});

describe('freeze', { timeout: 120_000 }, () => {
  it('records versions, hashes, direct addresses and the index that uv leaves out', async () => {
    const index = await bench.index();
    const environment = await bench.environment('frozen', 'uv', index, []);
    const python = environment.python.path ?? '';
    const env = { ...process.env, UV_CACHE_DIR: join(bench.folder, 'uv-cache') };
    const wheel = (bench.wheels.simple).find((one) => one.name === 'requests');
    const file = join(bench.folder, wheel?.filename ?? '');
    writeFileSync(file, wheel?.bytes ?? '');
    await run(tools.uv, ['pip', 'install', '-q', '--python', python, '--default-index', `${index.url}/whl/cu130`, 'torch==2.14.1+cu130', `requests @ ${pathToFileURL(file).href}`], { env });
    const frozen = await freeze(environment, `${index.url}/whl`);
    const lines = frozen.text.trim().split('\n');
    expect(lines[0]).toBe(`--extra-index-url ${index.url}/whl/cu130`);
    expect(lines).toContain('torch==2.14.1+cu130');
    expect(lines.find((line) => line.startsWith('requests @ file://'))).toContain(wheel?.filename);
    const record = readPackageFile(environment, 'torch-2.14.1+cu130.dist-info/RECORD') ?? '';
    expect(frozen.packages.find((one) => one.name === 'torch')).toMatchObject({ installer: 'uv', indexUrl: `${index.url}/whl/cu130`, recordSha256: createHash('sha256').update(record).digest('hex') });
    expect(frozen.condaExplicit).toBeNull();

    const again = await bench.environment('thawed', 'uv', index, []);
    const list = join(bench.folder, 'requirements.txt');
    writeFileSync(list, frozen.text);
    await run(tools.uv, ['pip', 'install', '-q', '--python', again.python.path ?? '', '--default-index', `${index.url}/simple`, '--index-strategy', 'unsafe-best-match', '-r', list], { env });
    const versions = async (one: FoundEnvironment): Promise<string[]> => [...(await readInstalledPackages(one)).values()].map((p) => `${p.name} ${p.version}`).sort();
    expect(await versions(again)).toEqual(await versions(environment));
  });
});
