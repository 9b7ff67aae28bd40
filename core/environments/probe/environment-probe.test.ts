import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangedEvent, FindReply } from '../../../contract/environment-probe.ts';
import { createMemoryLogger, until } from '../../supervisor/fixtures/test-support.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { runTool } from '../../supervisor/run-tool.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createEnvironmentProbe, type EnvironmentProbe } from './environment-probe.ts';
import { addPackages, makeEnvironmentTree, type EnvironmentTree } from './fixtures/make-environment-tree.ts';

let tree: EnvironmentTree;
let supervisor: Supervisor;
let probe: EnvironmentProbe;
beforeAll(() => {
  tree = makeEnvironmentTree(realpathSync(makeTestFolder('environments')), pythonTools());
  supervisor = createSupervisor({ log: createMemoryLogger(), journalFolder: null });
  probe = createEnvironmentProbe({ supervisor, log: createMemoryLogger(), runTool, worker: { restart: { firstMs: 20, maxMs: 50 } } });
}, 180_000);
afterAll(async () => {
  await probe.stop();
  await supervisor.stopAll();
});

const below = (path: string): string => (path === tree.root ? '' : path.slice(tree.root.length + 1));
const names = (reply: FindReply): string[] => reply.environments.map((e) => below(e.prefix) + (e.id === createHash('sha256').update(e.prefix).digest('hex').slice(0, 12) ? '' : '#3.99'));
const environmentAt = (reply: FindReply, path: string): FindReply['environments'][number] => {
  const found = reply.environments.find((e) => below(e.prefix) === path);
  if (found === undefined) throw new Error(`${path} was not found`);
  return found;
};

describe('finding, by the real worker', () => {
  it('finds every environment of the tree and nothing else, with its kind, tool and project', async () => {
    const reply = await probe.find({ home: tree.root });
    expect(names(reply).sort()).toEqual(Object.keys(tree.expected).sort());
    const got = Object.fromEntries(reply.environments.map((e, i) => [names(reply)[i], { kind: e.kind, tool: e.tool, name: e.name, project: e.projectFolder === null ? undefined : below(e.projectFolder) }]));
    expect(got).toEqual(Object.fromEntries(Object.entries(tree.expected).map(([path, { kind, tool, name, project }]) => [path, { kind, tool, name, project }])));
    for (const [i, path] of names(reply).entries()) expect(reply.environments[i]?.foundBy ?? [], path).toEqual(expect.arrayContaining([...(tree.expected[path]?.foundBy ?? [])]));
    // Only what cannot run here has a problem: the Python of Windows.
    expect(reply.environments.filter((e) => e.problems.length > 0).map((e) => [below(e.prefix), e.problems.map((p) => p.code)])).toEqual([['ComfyUI_windows_portable/python_embeded', ['env.interpreter_broken']]]);
    expect(reply.problems).toEqual([]);
    expect(new Set(reply.environments.map((e) => e.id)).size).toBe(reply.environments.length);
  });

  it('says what Python it is and where its packages are, as that Python itself says', async () => {
    const reply = await probe.find({ home: tree.root });
    for (const path of ['projects/alpha/.venv', '.virtualenvs/beta', 'projects/gamma/.venv']) {
      const environment = environmentAt(reply, path);
      const { stdout } = await runTool(environment.python.path ?? '', ['-I', '-c', 'import json,site,sys,platform,os;print(json.dumps([sys.prefix,sys.base_prefix,platform.python_version(),site.getsitepackages(),os.path.realpath(sys.executable)]))'], '');
      const [prefix, base, version, folders, real] = JSON.parse(stdout) as [string, string, string, string[], string];
      expect({ prefix: environment.prefix, base: environment.basePrefix, version: environment.python.version, folders: environment.packageFolders, real: environment.python.realPath }).toEqual({ prefix, base, version, folders, real });
      expect(environment.python).toMatchObject({ implementation: 'cpython', abi: `cp${tree.minor.replace('.', '')}`, freeThreaded: false });
    }
    expect(environmentAt(reply, 'usr').packageFolders.map(below)).toEqual([`usr/local/lib/python${tree.minor}/dist-packages`, 'usr/lib/python3/dist-packages']);
    expect(environmentAt(reply, 'usr').externallyManaged).toBe(true);
  });

  it('looks only where it is told to, and says of a folder that is not there', async () => {
    const reply = await probe.find({ onlyGiven: true, folders: [join(tree.root, 'projects'), join(tree.root, 'nowhere')], interpreters: [join(tree.root, '.hidden/lab/bin/python'), '/gone/bin/python'] });
    expect(names(reply).sort()).toEqual([...Object.keys(tree.expected).filter((path) => path.startsWith('projects/')), '.hidden/lab'].sort());
    expect(reply.problems).toMatchObject([{ code: 'env.unreadable', facts: { path: join(tree.root, 'nowhere') } }]);
  });

  it('a search that is cancelled rejects with its reason; the next one works', async () => {
    const controller = new AbortController();
    const search = probe.find({ home: tree.root }, controller.signal);
    controller.abort(new Error('not any more'));
    await expect(search).rejects.toThrow('not any more');
    expect((await probe.find({ home: tree.root })).environments).toHaveLength(Object.keys(tree.expected).length);
  });

  it('its worker killed in the middle of a search: env.probe_failed, and the next search works', async () => {
    await probe.find({ onlyGiven: true });
    const pid = probe.status().pid ?? 0;
    // Stopped, so that the kill comes before the answer whatever the machine does.
    process.kill(pid, 'SIGSTOP');
    const search = probe.find({ home: tree.root });
    const reading = probe.xray(environmentOfNothing());
    process.kill(pid, 'SIGKILL');
    expect(await search).toMatchObject({ environments: [], problems: [{ code: 'env.probe_failed', facts: { prefix: tree.root } }] });
    expect((await reading).problems).toMatchObject([{ code: 'env.probe_failed', facts: { prefix: '/nothing' } }]);
    const again = await probe.find({ home: tree.root });
    expect(again.environments).toHaveLength(Object.keys(tree.expected).length);
    expect(probe.status()).toMatchObject({ state: 'ready', restarts: 1 });
  });
});

function environmentOfNothing(): FindReply['environments'][number] {
  return {
    id: '0123456789ab', name: 'nothing', kind: 'venv', tool: null, prefix: '/nothing', foundBy: [], python: { path: null, realPath: null, version: null, implementation: null, abi: null, freeThreaded: false },
    basePrefix: null, projectFolder: null, packageFolders: [], sharesBasePackages: false, externallyManaged: false, ownerUid: null, place: null, changedAtMs: null, problems: [],
  };
}

describe('X-ray and watch, by the real worker', () => {
  it('reads several environments at once', async () => {
    const reply = await probe.find({ home: tree.root });
    const xrays = await Promise.all(reply.environments.map((environment) => probe.xray(environment)));
    expect(xrays.map((xray) => xray.environmentId)).toEqual(reply.environments.map((e) => e.id));
    const alpha = xrays.find((xray) => xray.environmentId === environmentAt(reply, 'projects/alpha/.venv').id);
    expect(alpha?.packages).toEqual([{ name: 'one', version: '1.0' }, { name: 'three', version: '1.0' }, { name: 'two', version: '1.0' }]);
  });

  it('tells of an installation, of a new torch, of an environment made anew, and goes on after its worker died', async () => {
    const events: ChangedEvent[] = [];
    probe.onChanged((event) => events.push(event));
    const reply = await probe.find({ home: tree.root });
    const [delta, gamma] = [environmentAt(reply, 'projects/delta/venv'), environmentAt(reply, 'projects/gamma/.venv')];
    const site = delta.packageFolders[0] ?? '';
    probe.watch([delta, gamma].map((e) => ({ id: e.id, folders: e.packageFolders })));
    // Calls are answered in order: the watch stands.
    await probe.find({ onlyGiven: true });
    const told = async (ids: readonly string[], what: () => void): Promise<void> => {
      const before = events.length;
      what();
      await until(() => events.length > before);
      expect(events.at(-1)?.ids).toEqual(ids);
    };
    await told([delta.id], () => { addPackages(site, 'uv', ['later']); });
    await told([delta.id], () => { mkdirSync(join(site, 'torch')); });
    await told([delta.id], () => { writeFileSync(join(site, 'torch', 'version.py'), "__version__ = '2.8.0'"); });
    await told([delta.id], () => { renameSync(site, `${site}.old`); mkdirSync(site); });
    await told([delta.id], () => { addPackages(site, 'uv', ['anew']); });
    await told([delta.id, gamma.id], () => { process.kill(probe.status().pid ?? 0, 'SIGKILL'); });
    await until(() => probe.status().state === 'ready');
    await probe.find({ onlyGiven: true });
    await told([delta.id], () => { addPackages(site, 'uv', ['last']); });
    rmSync(`${site}.old`, { recursive: true });
  });
});
