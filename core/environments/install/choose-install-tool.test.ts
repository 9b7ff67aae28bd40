import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { chooseInstallTool, decideInstallTool, type ToolFacts } from './choose-install-tool.ts';
import { findTools } from './find-tools.ts';
import { describeEnvironment } from './fixtures/install-bench.ts';
import { DEFAULT_LIMITS } from './run-tool-step.ts';

const folder = makeTestFolder('choose');
const uv = { name: 'uv', path: '/u/uv', version: '0.13.9' } as const;
const conda = { name: 'conda', path: '/c/conda', version: '26.1' } as const;
const none: ToolFacts = { madeByUv: false, pipVersion: null, uv: null, conda: null, torchByConda: false, uvLock: false };
const venv = describeEnvironment('/e', 'cp311', 'venv', 'pip', '/usr/bin/python3');

describe('which tool may change an environment', () => {
  it.each<[string, typeof venv, Partial<ToolFacts>, string]>([
    ['a venv with pip', venv, { pipVersion: '23.2.1', uv }, 'pip'],
    ['its pip cannot plan, uv is there', venv, { pipVersion: '21.0', uv }, 'uv'],
    ['its pip cannot plan, uv is not there', venv, { pipVersion: '21.0' }, 'upgrade.no_tool'],
    ['no pip, uv is there', venv, { uv }, 'uv'],
    ['neither', venv, {}, 'upgrade.no_tool'],
    ['made by uv', venv, { madeByUv: true, pipVersion: '25.0', uv }, 'uv'],
    ['made by uv, which is gone', venv, { madeByUv: true, pipVersion: '25.0' }, 'pip'],
    ['a uv project', { ...venv, projectFolder: '/p' }, { madeByUv: true, uvLock: true, uv }, 'uv_project'],
    ['a uv project without uv', { ...venv, projectFolder: '/p' }, { uvLock: true, pipVersion: '25.0' }, 'upgrade.no_tool'],
    ['conda with torch of conda', { ...venv, kind: 'conda', tool: 'conda' }, { torchByConda: true, conda, pipVersion: '25.0' }, 'conda'],
    ['conda with torch of conda, conda is gone', { ...venv, kind: 'conda', tool: 'conda' }, { torchByConda: true, pipVersion: '25.0' }, 'upgrade.no_tool'],
    ['conda with torch of pip', { ...venv, kind: 'conda', tool: 'conda' }, { conda, pipVersion: '25.0' }, 'pip'],
    ['poetry', { ...venv, kind: 'poetry', tool: 'poetry', projectFolder: '/p' }, { pipVersion: '25.0', uv }, 'upgrade.manual_route'],
    ['pixi', { ...venv, kind: 'pixi', tool: 'pixi' }, { pipVersion: '25.0' }, 'upgrade.manual_route'],
    ['a uv tool', { ...venv, kind: 'uv_tool', tool: 'uv' }, { uv }, 'upgrade.manual_route'],
  ])('%s', (_name, environment, facts, expected) => {
    const choice = decideInstallTool(environment, { ...none, ...facts });
    expect(choice.tool === 'none' ? choice.code : choice.tool).toBe(expected);
  });
});

describe('finding the tools', () => {
  const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  const surroundings = { runProgram: supervisor.runProgram, workFolder: join(folder, 'work'), limits: DEFAULT_LIMITS };

  it('finds them where installers put them, asks their version, and survives those that say nothing', async () => {
    const home = join(folder, 'home');
    const place = (path: string, text: string): void => {
      mkdirSync(join(home, path, '..'), { recursive: true });
      writeFileSync(join(home, path), text, { mode: 0o755 });
    };
    place('.pixi/bin/pixi', '#!/bin/sh\necho pixi 0.60.1\n');
    place('miniforge3/condabin/mamba', '#!/bin/sh\nexit 3\n');
    place('mine/conda', '#!/bin/sh\necho conda 26.1.0\n');
    place('.cargo/bin/uv', 'not a program');
    const tools = await findTools({ env: { PATH: join(pythonTools().folder, 'bin'), CONDA_EXE: join(home, 'mine', 'conda') }, surroundings, home });
    const at = (path: string): string => join(home, path);
    expect(tools.programs.pixi).toEqual({ name: 'pixi', path: at('.pixi/bin/pixi'), version: '0.60.1' });
    expect(tools.programs.mamba).toEqual({ name: 'mamba', path: at('miniforge3/condabin/mamba'), version: null });
    expect(tools.programs.conda).toEqual({ name: 'conda', path: at('mine/conda'), version: '26.1.0' });
    expect(tools.programs.uv).toMatchObject({ version: '0.13.9' });
    const other = await findTools({ env: { PATH: '' }, surroundings, home });
    expect(other.programs.uv).toEqual({ name: 'uv', path: at('.cargo/bin/uv'), version: null });
  });

  it('says what is missing, and in which environment', async () => {
    const prefix = join(folder, 'bare');
    mkdirSync(join(prefix, 'lib/python3.11/site-packages'), { recursive: true });
    writeFileSync(join(prefix, 'pyvenv.cfg'), 'home = /usr/bin\nuv = 0.13.9\n');
    const tools = await findTools({ env: { PATH: '' }, surroundings, home: join(folder, 'nobody') });
    const problem = await problemFrom(chooseInstallTool(describeEnvironment(prefix, 'cp311', 'uv', 'uv', '/usr/bin/python3'), tools));
    expect(problem).toMatchObject({ code: 'upgrade.no_tool', facts: { tool: 'uv' } });
    expect(problem.cause).toContain(prefix);
  });
});
