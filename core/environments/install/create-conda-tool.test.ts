import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { condaSpecs, createCondaTool } from './create-conda-tool.ts';
import { freeze } from './freeze.ts';
import { describeEnvironment, NEVER, newTorch, recordProgress, routeTo } from './fixtures/install-bench.ts';
import type { IndexAccess, InstallTool } from './install-tool.ts';
import { DEFAULT_LIMITS } from './run-tool-step.ts';

// conda itself cannot be installed from a package index: a script answers with documents of its format.
const folder = makeTestFolder('conda');
const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
afterAll(() => supervisor.stopAll());
const access: IndexAccess = { torchIndexUrl: '', packageIndexUrl: null, wheelFolder: null, env: {} };

const record = (name: string, version: string, build: string, size: number | null = null): object => ({ base_url: null, build_number: 0, build_string: build, channel: 'conda-forge', dist_name: `${name}-${version}-${build}`, name, platform: 'linux-64', version, ...(size === null ? {} : { size }) });
const PLAN = { actions: { FETCH: [record('pytorch', '2.13.0', 'cuda130_mkl_py311_h1', 600_000_000)], LINK: [record('pytorch', '2.13.0', 'cuda130_mkl_py311_h1'), record('cuda-version', '13.0', 'h2')], UNLINK: [record('pytorch', '2.4.1', 'cuda120_py311_h0'), record('mkl', '2023.1', 'h4')], PREFIX: '/e' }, dry_run: true, prefix: '/e', success: true };

function makeEnvironment(name: string): FoundEnvironment {
  const prefix = join(folder, name);
  mkdirSync(join(prefix, 'conda-meta'), { recursive: true });
  for (const [file, url] of [['pytorch-2.4.1-cuda120_py311_h0', 'https://conda.example/t/secrettoken/pytorch-2.4.1.conda'], ['mkl-2023.1-h4', 'https://ann:pw@conda.example/mkl-2023.1.conda'], ['numpy-1.26.4-py311_0', 'https://conda.example/numpy.conda']] as const) {
    writeFileSync(join(prefix, 'conda-meta', `${file}.json`), JSON.stringify({ name: file.split('-')[0], url, md5: 'a'.repeat(32), files: [] }));
  }
  return describeEnvironment(prefix, 'cp311', 'conda', 'conda', join(prefix, 'bin/python'));
}
/** A program that notes its arguments and answers. */
function makeTool(name: string, answer: object | string, code = 0): InstallTool {
  const program = join(folder, name);
  writeFileSync(`${program}.json`, typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2));
  writeFileSync(program, `#!/bin/sh\necho "$CONDA_OVERRIDE_CUDA $*" >> "${program}.asked"\ncat "${program}.json"\nexit ${code}\n`, { mode: 0o755 });
  return createCondaTool({ runProgram: supervisor.runProgram, workFolder: join(folder, 'work'), limits: DEFAULT_LIMITS }, { name: 'conda', path: program, version: '26.1.0' });
}

describe('conda', () => {
  it('asks for the release line and CUDA of a target', () => {
    expect(condaSpecs(newTorch)).toEqual(['pytorch-gpu=2.14', 'cuda-version=13.0']);
    expect(condaSpecs({ ...newTorch, version: '>=2.10', label: 'cuda-13.0', indexUrl: 'conda-forge' })).toEqual(['pytorch-gpu>=2.10', 'cuda-version=13.0']);
    expect(condaSpecs({ ...newTorch, version: '2.14.1+cpu', label: 'cpu' })).toEqual(['pytorch=2.14']);
  });

  it('tells what would change, without changing it, and runs the same command', async () => {
    const tool = makeTool('good', `Channels:\n - conda-forge\n${JSON.stringify(PLAN)}`);
    const environment = makeEnvironment('e1');
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    expect(plan.changes).toEqual([
      { name: 'cuda-version', from: null, to: '13.0', why: null, downloadBytes: 0 }, { name: 'mkl', from: '2023.1', to: null, why: null, downloadBytes: null },
      { name: 'pytorch', from: '2.4.1', to: '2.13.0', why: null, downloadBytes: 600_000_000 },
    ]);
    expect(plan).toMatchObject({ downloadBytes: 600_000_000, unchanged: 1, resolvedWith: 'conda 26.1.0' });
    expect(plan.commands.at(-1)).toMatch(/^CONDA_OVERRIDE_CUDA=13\.0 .*good install --prefix .*e1 --channel conda-forge --override-channels --yes pytorch-gpu=2\.14 cuda-version=13\.0$/);
    await tool.install(environment, routeTo(newTorch), plan, access, recordProgress());
    const asked = readFileSync(join(folder, 'good.asked'), 'utf8').trim().split('\n');
    expect(asked).toHaveLength(3);
    expect(asked[0]).toContain('--dry-run --json');
    expect(asked[1]).toContain('--download-only');
    expect(asked.every((line) => line.startsWith('13.0 install'))).toBe(true);
  });

  it('puts the very builds back', async () => {
    const plan = await makeTool('again', PLAN).resolve(makeEnvironment('e2'), { kind: 'reinstall', packages: ['pytorch'] }, access, NEVER);
    expect(plan.commands.at(-1)).toContain('--force-reinstall --yes pytorch=2.4.1=cuda120_py311_h0');
  });

  it.each([
    ['a CPU build', { ...PLAN, actions: { ...PLAN.actions, LINK: [record('pytorch', '2.13.0', 'cpu_mkl_py311_h1')] } }, 0, 'upgrade.conflict', /CPU build/],
    ['no solution', { error: 'x', exception_name: 'LibMambaUnsatisfiableError', message: 'Encountered problems while solving:\n  - package pytorch-2.13 requires python >=3.10, but none of the providers can be installed', caused_by: '', success: false }, 1, 'upgrade.conflict', /requires python >=3\.10/],
    ['no package', { error: 'x', exception_name: 'PackagesNotFoundError', message: 'The following packages are not available from current channels:\n  - pytorch-gpu=2.14', success: false }, 1, 'upgrade.no_wheel', /pytorch-gpu=2\.14/],
    ['no network', { error: 'x', exception_name: 'CondaHTTPError', message: 'HTTP 000 CONNECTION FAILED for url <https://conda.example/linux-64/repodata.json>\nConnection refused', success: false }, 1, 'upgrade.index_unreachable', /refused/],
    ['no room', { error: 'x', exception_name: 'CondaError', message: '[Errno 28] No space left on device', success: false }, 1, 'file.disk_full', /No space/],
    ['no JSON', 'Traceback: something', 1, 'upgrade.tool_failed', /code 1/],
  ])('%s', async (name, answer, code, expected, words) => {
    const problem = await problemFrom(makeTool(name.replaceAll(' ', '-'), answer, code).resolve(makeEnvironment(`p-${name}`), routeTo(newTorch), access, NEVER));
    expect(problem.code).toBe(expected);
    expect(problem.cause).toMatch(words);
  });

  it('freezes to an explicit list without secrets', async () => {
    const frozen = await freeze(makeEnvironment('e3'));
    expect(frozen.condaExplicit).toBe(`@EXPLICIT\nhttps://***@conda.example/mkl-2023.1.conda#${'a'.repeat(32)}\nhttps://conda.example/numpy.conda#${'a'.repeat(32)}\nhttps://conda.example/t/***/pytorch-2.4.1.conda#${'a'.repeat(32)}\n`);
  });
});
