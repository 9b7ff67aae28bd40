import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { chooseInstallTool } from './choose-install-tool.ts';
import { findTools } from './find-tools.ts';
import { accessTo, makeInstallBench, NEVER, newTorch, readPackageFile, recordProgress, routeTo, run } from './fixtures/install-bench.ts';
import type { InstallTool } from './install-tool.ts';
import { readInstalledPackages, readRecordPaths } from './read-installed-packages.ts';

const bench = makeInstallBench('install');
const tools = pythonTools();

/** The environment's own tool, found and chosen as the product does. */
async function toolOf(environment: FoundEnvironment): Promise<InstallTool> {
  return chooseInstallTool(environment, await findTools({ env: { PATH: join(tools.folder, 'bin') }, surroundings: bench.surroundings(), home: bench.folder }));
}

/** Every file that RECORD names is there. */
async function missingFiles(environment: FoundEnvironment): Promise<string[]> {
  const missing: string[] = [];
  for (const one of (await readInstalledPackages(environment)).values()) {
    for (const path of await readRecordPaths(one)) if (readPackageFile(environment, path) === null) missing.push(`${one.name}: ${path}`);
  }
  return missing;
}

describe.each(['pip', 'uv'] as const)('%s', { timeout: 120_000 }, (by) => {
  it('plans without changing anything, then does just what was planned, and no shared file is lost', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-upgrade`, by, index);
    const tool = await toolOf(environment);
    expect(tool.name).toBe(by);
    const before = await readInstalledPackages(environment);
    const access = accessTo(bench, index);
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);

    expect([...(await readInstalledPackages(environment)).values()].map((one) => one.version)).toEqual([...before.values()].map((one) => one.version));
    const changes = Object.fromEntries(plan.changes.map((one) => [one.name, [one.from, one.to]]));
    expect(changes).toEqual({
      torch: ['2.4.1', '2.14.1+cu130'], torchvision: ['0.19.1', '0.29.1+cu130'], triton: ['3.0.0', '3.9.0'], sympy: ['1.12.1', '1.14.0'], 'typing-extensions': ['4.9.0', '4.15.0'],
      'nvidia-cudnn-cu13': [null, '9.13.0.50'], 'nvidia-nccl-cu13': [null, '2.27.7'], 'nvidia-nvtx': [null, '13.0.85'],
      'nvidia-cudnn-cu12': ['9.1.0.70', null], 'nvidia-nccl-cu12': ['2.20.5', null], 'nvidia-nvtx-cu12': ['12.1.105', null],
    });
    const coming = plan.changes.filter((one) => one.to !== null);
    const served = [...bench.wheels.indexes['whl/cu130'] ?? []].filter((wheel) => coming.some((one) => one.name === wheel.name && one.to === /-([^-]+)-/.exec(wheel.filename)?.[1]));
    expect(plan.downloadBytes).toBe(served.reduce((all, wheel) => all + wheel.bytes.length, 0));
    expect(plan.installBytes).toBeGreaterThan(100_000);
    expect(plan.changes.find((one) => one.name === 'sympy')?.why).toMatch(/^torch .*needs/);
    expect(plan.unchanged).toBe(before.size - 8);
    expect(plan.steps.map((step) => step.phase)).toEqual(['fetch', 'remove', 'install']);

    const context = recordProgress();
    await tool.install(environment, routeTo(newTorch), plan, access, context);
    const after = await readInstalledPackages(environment);
    for (const change of plan.changes) expect([change.name, after.get(change.name)?.version ?? null]).toEqual([change.name, change.to]);
    expect(after.get('numpy')?.version).toBe('1.26.4');
    expect(readPackageFile(environment, 'torch/version.py')).toContain("'2.14.1+cu130'");
    expect(readPackageFile(environment, 'nvidia/cudnn/lib/libcudnn.so.9')).toBe('cudnn for CUDA 13\n');
    expect(await missingFiles(environment)).toEqual([]);
    expect(await tool.check(environment, NEVER)).toEqual([]);
    // The very commands that were shown.
    expect(context.logged.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))).toEqual(plan.commands);
    const fractions = context.told.flatMap((one) => (one.fraction === null ? [] : [one.fraction]));
    expect(fractions.at(-1)).toBe(1);
    expect([...fractions].sort((a, b) => a - b)).toEqual(fractions);
    expect(readdirSync(join(bench.folder, 'work'))).toEqual([]);
    // Asked again there is nothing to do.
    const again = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    expect(again.changes).toEqual([]);
    expect(again.commands).toEqual([]);
  });

  it('goes back to the old build in the same safe way', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-back`, by, index, []);
    const access = accessTo(bench, index);
    const install = by === 'uv' ? [tools.uv, 'pip', 'install', '-q', '--python', environment.python.path ?? '', '--default-index'] : [environment.python.path ?? '', '-m', 'pip', 'install', '-q', '--index-url'];
    await run(install[0] ?? '', [...install.slice(1), `${index.url}/whl/cu130`, 'torch==2.14.1+cu130'], { env: { ...process.env, ...access.env, PIP_FIND_LINKS: '' } });
    const tool = await toolOf(environment);
    const wish = routeTo({ ...newTorch, version: '2.4.1+cu121', label: 'cu121', torchvision: '0.19.1', indexUrl: 'https://download.pytorch.org/whl/cu121' });
    const plan = await tool.resolve(environment, wish, access, NEVER);
    expect(plan.changes.find((one) => one.name === 'nvidia-nvtx')?.to).toBeNull();
    await tool.install(environment, wish, plan, access, recordProgress());
    expect(readPackageFile(environment, 'nvidia/cudnn/lib/libcudnn.so.9')).toBe('cudnn for CUDA 12\n');
    expect(await missingFiles(environment)).toEqual([]);
  });

  it('puts files back that a package lost to another, and says so in the plan', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-damage`, by, index);
    const tool = await toolOf(environment);
    const access = accessTo(bench, index);
    for (const path of ['nvidia/nccl/lib/libnccl.so.2', 'torch/version.py']) rmSync(join(environment.packageFolders[0] ?? '', path));
    expect(await missingFiles(environment)).toHaveLength(2);
    const wish = { kind: 'reinstall', packages: ['nvidia-nccl-cu12', 'torch'] } as const;
    const plan = await tool.resolve(environment, wish, access, NEVER);
    expect(plan.changes.map((one) => [one.name, one.from, one.to])).toEqual([['nvidia-nccl-cu12', '2.20.5', '2.20.5'], ['torch', '2.4.1', '2.4.1']]);
    await tool.install(environment, wish, plan, access, recordProgress());
    expect(await missingFiles(environment)).toEqual([]);
    expect(readPackageFile(environment, 'torch/version.py')).toContain("'2.4.1+cu121'");
    expect(readdirSync(join(bench.folder, 'work'))).toEqual([]);
  });

  it('installs from a folder of wheels without a network', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-offline`, by, index);
    const tool = await toolOf(environment);
    const folder = join(bench.folder, `${by}-wheels`);
    mkdirSync(folder);
    for (const wheel of bench.wheels.indexes['whl/cu130'] ?? []) writeFileSync(join(folder, wheel.filename), wheel.bytes);
    const access = accessTo(bench, index, { wheelFolder: folder });
    const asked = index.requests.length;
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    await tool.install(environment, routeTo(newTorch), plan, access, recordProgress());
    expect((await readInstalledPackages(environment)).get('torch')?.version).toBe('2.14.1+cu130');
    expect(index.requests.length).toBe(asked);
  });

  it('says what is not met afterwards', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-check`, by, index, ['torch==2.4.1', 'xformers==0.0.28']);
    const tool = await toolOf(environment);
    const access = accessTo(bench, index);
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    await tool.install(environment, routeTo(newTorch), plan, access, recordProgress());
    const unmet = await tool.check(environment, NEVER);
    expect(unmet).toHaveLength(1);
    expect(unmet[0]).toContain('xformers');
    expect(unmet[0]).toContain('2.14.1');
  });
});
