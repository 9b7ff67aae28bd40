import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { runTool } from '../../supervisor/run-tool.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { decidePythonPrefix, isPythonProgram, parseMappedPrefixes, type PrefixEvidence } from './decide-python-prefix.ts';
import { createEnvironmentProbe } from './environment-probe.ts';
import { decideProcessEnvironment, findUsers } from './find-users.ts';
import { readPythonProcesses } from './python-processes.ts';

const children: ChildProcess[] = [];
const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
const probe = createEnvironmentProbe({ supervisor, log: silentLogger, runTool });
let root = '';
let environments: readonly FoundEnvironment[] = [];
const at = (path: string): FoundEnvironment => {
  const found = environments.find((environment) => environment.prefix === path);
  if (found === undefined) throw new Error(`${path} was not found`);
  return found;
};

/** A Python that says when it is ready and then waits for its end of stdin. */
async function startPython(program: string, code: string, options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<number> {
  const child = spawn(program, ['-c', `${code}\nprint('ready', flush=True)\nimport sys; sys.stdin.read()`], { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child.pid ?? 0;
}

beforeAll(async () => {
  root = realpathSync(makeTestFolder('processes'));
  const { python } = pythonTools();
  for (const name of ['one', 'two']) execFileSync(python, ['-m', 'venv', '--without-pip', join(root, name)]);
  symlinkSync(join(root, 'one'), join(root, 'link'));
  environments = (await probe.find({ onlyGiven: true, folders: [root], interpreters: [python] })).environments;
}, 120_000);
afterAll(async () => {
  const ends = children.map(async (child) => {
    if (child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin?.end();
    await exited;
  });
  await Promise.all(ends);
  await probe.stop();
  await supervisor.stopAll();
});

describe.skipIf(process.platform !== 'linux')('running Pythons', () => {
  it('are matched to the environment that they run from, however they were called', async () => {
    const one = join(root, 'one');
    const base = at(one).basePrefix ?? '';
    const pids = {
      path: await startPython(join(one, 'bin/python'), ''),
      relative: await startPython('./bin/python', '', { cwd: one }),
      search: await startPython('python', '', { env: { PATH: `${join(one, 'bin')}:/usr/bin` } }),
      link: await startPython(join(root, 'link/bin/python3'), ''),
      other: await startPython(join(root, 'two/bin/python'), ''),
      base: await startPython(at(one).python.realPath ?? '', '', { env: { ...process.env, VIRTUAL_ENV: one } }),
    };
    const processes = await readPythonProcesses();
    const environmentOf = (pid: number): string | null => {
      const found = processes.find((process) => process.pid === pid);
      return found === undefined ? 'not seen' : decideProcessEnvironment(found, environments);
    };
    expect(Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, environmentOf(pid)]))).toEqual({
      path: at(one).id, relative: at(one).id, search: at(one).id, link: at(one).id, other: at(join(root, 'two')).id, base: at(base).id,
    });
    const { path, relative, search, link } = pids;
    expect(findUsers(at(one), processes).map((process) => process.pid)).toEqual([path, relative, search, link].sort((a, b) => a - b));
    const seen = processes.find((process) => process.pid === path);
    expect(seen).toMatchObject({ executable: at(one).python.realPath, prefixGuess: one, prefixReal: one, user: execFileSync('id', ['-un'], { encoding: 'utf8' }).trim(), command: expect.stringContaining('sys.stdin.read()') });
    expect(Math.abs((seen?.startedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('a library of an environment that another Python has loaded is use, too', async () => {
    const two = at(join(root, 'two'));
    const library = join(two.packageFolders[0] ?? '', 'kernel.so');
    const source = execFileSync(two.python.path ?? '', ['-c', 'import _ctypes; print(_ctypes.__file__)'], { encoding: 'utf8' }).trim();
    copyFileSync(source, library);
    const pid = await startPython(join(root, 'one/bin/python'), `import ctypes, mmap\nf = open(${JSON.stringify(library)}, 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)`);
    const processes = await readPythonProcesses();
    expect(processes.find((process) => process.pid === pid)?.openFilesUnder).toEqual([two.prefix]);
    expect(findUsers(two, processes).map((process) => process.pid)).toContain(pid);
    expect(findUsers(at(join(root, 'one')), processes).map((process) => process.pid)).toContain(pid);
  });

  it('where there is no /proc there are none', async () => {
    expect(await readPythonProcesses({ proc: join(root, 'nowhere') })).toEqual([]);
  });
});

describe('which environment a process uses', () => {
  const none: PrefixEvidence = { executable: '/usr/bin/python3.12', calledAs: null, calledInVirtual: false, environ: new Map(), mapped: [] };
  it.each<[string, Partial<PrefixEvidence>, string | null]>([
    ['called in a venv', { calledAs: '/v/bin/python', calledInVirtual: true, mapped: ['/usr'] }, '/v'],
    ['called elsewhere in an activated shell', { calledAs: '/usr/bin/python3', environ: new Map([['VIRTUAL_ENV', '/v']]) }, '/usr'],
    ['not known how it was called, with libraries', { mapped: ['/m', '/usr'] }, '/m'],
    ['not known how it was called, activated', { environ: new Map([['CONDA_PREFIX', '/c']]) }, '/c'],
    ['nothing but its file', {}, '/usr'],
    ['nothing', { executable: null }, null],
  ])('%s', (_, evidence, expected) => {
    expect(decidePythonPrefix({ ...none, ...evidence })).toBe(expected);
  });
  it('from its maps', () => {
    const line = (path: string): string => `7f1 r-xp 0 08:01 12    ${path}`;
    expect(parseMappedPrefixes([line('/v/lib/python3.12/site-packages/torch/lib/a.so'), line('/v x/lib/python3.12/site-packages/b.so'), line('/v x/lib64/python3.13t/site-packages/c.so (deleted)'), line('/usr/lib/python3/dist-packages/d.so'), line('/usr/lib/libc.so'), 'garbage'].join('\n'))).toEqual(['/v x', '/v', '/usr']);
    expect(['/usr/bin/python3.12', 'python', '/x/pypy3.10', '/usr/bin/python3-config', '/bin/bash', ''].map(isPythonProgram)).toEqual([true, true, true, false, false, false]);
  });
});
