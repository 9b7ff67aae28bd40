import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeTestFolder } from '../../../../core/testing/test-folder.ts';
import { createBoundedReader } from '../bounded-reader.ts';
import { parseCondaSpec, parseEnvironmentFile, parsePinnedFile, parsePixiLock } from './parse-conda-pins.ts';
import { parseRequirementFile } from './parse-requirement-file.ts';
import { parseTomlLines } from './parse-toml-lines.ts';
import { parseLockPins, parseTomlPins } from './parse-toml-pins.ts';
import type { PinLine } from './pinned-names.ts';
import { decideProjectFolder, readPins } from './read-pins.ts';

const show = (pins: readonly PinLine[]): string[] => pins.map((pin) => `${pin.line} ${pin.package} ${pin.specifier}`);

describe('requirements', () => {
  test('pins with their lines, comments, continuations, hashes, markers, indexes', () => {
    const file = parseRequirementFile(
      ['# torch==1.0', 'torch==2.4.1  # why not', 'torchvision>=0.19,<0.20 ; python_version < "3.13"', 'numpy==1.26', 'torch', 'Torch_Audio==2', 'torchaudio == 2.4.1 \\', '    --hash=sha256:abc \\', '    --hash=sha256:def', '--extra-index-url https://user:secret@download.pytorch.org/whl/cu121', '--index-url https://example.org/simple', 'torch @ https://user:secret@example.org/torch-2.4.1-cp312.whl ; sys_platform == "linux"', '-r other.txt', '-c "limits.txt"', '--requirement=deep/more.txt'].join('\n'),
    );
    expect(show(file.pins)).toEqual(['2 torch ==2.4.1', '3 torchvision >=0.19,<0.20', '7 torchaudio ==2.4.1', '10 torch from https://download.pytorch.org/whl/cu121', '12 torch @ https://example.org/torch-2.4.1-cp312.whl']);
    expect(file.includes).toEqual([{ path: 'other.txt', kind: 'requirements' }, { path: 'limits.txt', kind: 'constraint' }, { path: 'deep/more.txt', kind: 'requirements' }]);
  });
});

describe('TOML', () => {
  test('values with keys and lines', () => {
    const lines = parseTomlLines(['a = "x#y" # c', 'b.c = [ "1", # one', '  "2", { d = 3 } ]', '[t."q.r"]', "e = '''", "long'''", '[[p]]', 'n = 1', '[[p]]', 'n = 2', '[p.sub]', 'x = true'].join('\n'));
    expect(lines.map((line) => `${line.line} ${line.keys.join('/')} ${line.value.trim()}`)).toEqual(['1 a x#y', '2 b/c/#0 1', '3 b/c/#1 2', '3 b/c/#2/d 3', '5 t/q.r/e long', '8 p/#0/n 1', '10 p/#1/n 2', '12 p/sub/x true']);
  });
  test.each(['', '=', '[', '[[', '[a', 'a', 'a =', 'a = [', 'a = [,]', 'a = {', 'a = { b', 'a = { b = }', 'a = "', "a = '''", 'a = "\\', '"', '[".'.repeat(2000), `a = ${'['.repeat(100_000)}`, `a = ${'{a='.repeat(10_000)}`, '\0\0', 'a.'.repeat(5000)])('rubbish ends: %#', (text) => {
    // What follows on another line is read all the same, unless rubbish has swallowed it.
    expect(parseTomlLines(`${text}\nlast = 1\n`).length).toBeLessThanOrEqual(1);
  });
  test('pyproject.toml: PEP 621, groups, poetry, uv, pdm, hatch, pixi', () => {
    const text = `[project]
dependencies = [
  "numpy",
  "torch==2.4.1",
  'torchvision ~= 0.19',
]
[project.optional-dependencies]
gpu = ["torch>=2.3"]
[dependency-groups]
dev = ["torch[opt]<3", {include-group = "x"}]
[tool.poetry.dependencies]
torch = "^2.4"
torchaudio = { version = "2.4.1", source = "pytorch" }
torchtext = "1"
[tool.poetry.group.gpu.dependencies.torchvision]
version = "0.19.*"
[tool.uv]
override-dependencies = ["torch==2.5.0"]
[tool.uv.sources]
torch = [{ index = "pytorch-cu121", marker = "sys_platform == 'linux'" }]
torchvision = { git = "https://token@example.org/x" }
[[tool.uv.index]]
name = "pytorch-cu121"
url = "https://download.pytorch.org/whl/cu121"
[tool.pdm.dev-dependencies]
x = ["torch==2.6"]
[tool.hatch.envs.default]
extra-dependencies = ["torch==2.7"]
[tool.pixi.feature.cuda.pypi-dependencies]
torch = "==2.8.0"
[build-system]
requires = ["torch==9"]
`;
    expect(show(parseTomlPins(text))).toEqual(['4 torch ==2.4.1', '5 torchvision ~=0.19', '8 torch >=2.3', '10 torch <3', '12 torch ^2.4', '13 torchaudio 2.4.1', '16 torchvision 0.19.*', '18 torch ==2.5.0', '20 torch from index pytorch-cu121 (https://download.pytorch.org/whl/cu121)', '21 torchvision from git https://example.org/x', '26 torch ==2.6', '28 torch ==2.7', '30 torch ==2.8.0']);
    expect(show(parseTomlPins('[dependencies]\npytorch = "2.4.*"\ncuda-version = "12.1"\npython = "*"\n[target.linux-64.dependencies]\npytorch = { version = ">=2.4", channel = "x" }\n'))).toEqual(['2 pytorch 2.4.*', '3 cuda-version 12.1', '6 pytorch >=2.4']);
  });
  test('lock files, also with several of one name', () => {
    const text = 'version = 1\n[[package]]\nname = "torch"\nversion = "2.4.1+cu121"\nsource = { registry = "x" }\ndependencies = [\n    { name = "torchvision", version = "9" },\n]\n[[package]]\nname = "numpy"\nversion = "1"\n[[package]]\nname = "torch"\nversion = "2.4.1"\n[package.metadata]\nname = "torch"\nversion = "7"\n';
    expect(show(parseLockPins(text))).toEqual(['4 torch ==2.4.1+cu121', '14 torch ==2.4.1']);
  });
});

describe('conda', () => {
  test('environment.yml with a pip section', () => {
    const text = 'name: x\nchannels:\n  - pytorch\ndependencies:\n  - python=3.11\n  - pytorch::pytorch=2.4.1=py3.11_cuda12.1*  # pinned\n  - "pytorch-cuda=12.1"\n  - pip:\n      - torchvision==0.19.1\n      - torchaudio\n  - conda-forge::cuda-version >=12,<13\nvariables:\n  - pytorch=9\n';
    expect(show(parseEnvironmentFile(text))).toEqual(['6 pytorch =2.4.1=py3.11_cuda12.1*', '7 pytorch-cuda =12.1', '9 torchvision ==0.19.1', '11 cuda-version >=12,<13']);
  });
  test('match specifications, conda-meta/pinned, pixi.lock', () => {
    expect(parseCondaSpec('pytorch 2.4.*')).toEqual({ name: 'pytorch', specifier: '2.4.*' });
    expect(parseCondaSpec('pytorch')).toEqual({ name: 'pytorch', specifier: '' });
    expect(parseCondaSpec('two words')).toBeNull();
    expect(show(parsePinnedFile('# none\nnumpy 1.*\npytorch ==2.4.1\n'))).toEqual(['3 pytorch ==2.4.1']);
    const lock = 'packages:\n- conda: https://conda.anaconda.org/conda-forge/linux-64/pytorch-2.4.1-cuda120_py312h_300.conda\n  sha256: x\n- pypi: https://download.pytorch.org/whl/cu121/torch-2.4.1%2Bcu121-cp312-cp312-linux_x86_64.whl#sha256=1\n- conda: https://x/y/numpy-1.0-py_0.conda\n- pypi: https://x/%zz\n';
    expect(show(parsePixiLock(lock))).toEqual(['2 pytorch ==2.4.1', '4 torch ==2.4.1+cu121']);
  });
});

describe('a project', () => {
  test('its files are found, includes are followed inside of it only, circles end', () => {
    const root = makeTestFolder('pins');
    const project = join(root, 'project');
    const prefix = join(project, '.venv');
    mkdirSync(join(project, 'requirements'), { recursive: true });
    mkdirSync(join(prefix, 'conda-meta'), { recursive: true });
    writeFileSync(join(root, 'outside.txt'), 'torch==6.6.6\n');
    writeFileSync(join(project, 'requirements.txt'), 'torch==2.4.1\n-r requirements/deep.in\n-r ../outside.txt\n-r requirements.txt\n-c limits.txt\n-r /etc/passwd\n-r missing.txt\n');
    writeFileSync(join(project, 'requirements', 'deep.in'), '-r ../requirements.txt\ntorchvision==0.19.1\n');
    writeFileSync(join(project, 'limits.txt'), 'torch<2.5\n');
    symlinkSync('../outside.txt', join(project, 'requirements-linked.txt'));
    symlinkSync('requirements-loop.txt', join(project, 'requirements-loop.txt'));
    execFileSync('mkfifo', [join(project, 'requirements-pipe.txt'), join(project, 'uv.lock')]);
    mkdirSync(join(project, 'pyproject.toml'));
    writeFileSync(join(project, 'environment.yml'), 'dependencies:\n- pytorch=2.4\n');
    writeFileSync(join(prefix, 'conda-meta', 'pinned'), 'pytorch 2.4.*\n');
    expect(decideProjectFolder(prefix)).toBe(project);
    const pins = readPins(createBoundedReader(), { projectFolder: null, prefix, distributions: [] });
    expect(pins).toEqual([
      { file: join(project, 'environment.yml'), line: 2, package: 'pytorch', specifier: '=2.4', source: 'environment.yml' },
      { file: join(project, 'requirements.txt'), line: 1, package: 'torch', specifier: '==2.4.1', source: 'requirements' },
      { file: join(project, 'requirements', 'deep.in'), line: 2, package: 'torchvision', specifier: '==0.19.1', source: 'requirements' },
      { file: join(project, 'limits.txt'), line: 1, package: 'torch', specifier: '<2.5', source: 'constraint' },
      { file: join(prefix, 'conda-meta', 'pinned'), line: 1, package: 'pytorch', specifier: '2.4.*', source: 'constraint' },
    ]);
  });

  test('a project that is not there', () => {
    expect(readPins(createBoundedReader(), { projectFolder: '/nowhere', prefix: '/nowhere/env', distributions: [] })).toEqual([]);
    expect(decideProjectFolder('/opt/conda')).toBeNull();
  });
});
