import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, chmodSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Drift, EnvironmentReport, VerdictWord } from '../../../contract/verdict.ts';
import { createMemoryLogger, until } from '../../supervisor/fixtures/test-support.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createDriftWatch, type DriftWatch, type DriftWatchOptions } from './create-drift-watch.ts';
import { readInstallerProcesses } from './read-processes.ts';

const folder = realpathSync(makeTestFolder('drift'));
const strays: ChildProcess[] = [];
afterAll(() => { for (const stray of strays) stray.kill('SIGKILL'); });
let made = 0;

type Looked = Pick<EnvironmentReport, 'environment' | 'xray' | 'worst'>;
function report(torch: string | null, worst: VerdictWord, more: { id?: string; prefix?: string; installer?: string; packages?: string; unread?: boolean } = {}): Looked {
  const id = more.id ?? 'abc';
  return {
    environment: { id, name: 'chat', kind: 'venv', tool: 'uv', prefix: more.prefix ?? join(folder, id), foundBy: [], python: { path: null, realPath: null, version: null, implementation: null, abi: null, freeThreaded: false }, basePrefix: null, projectFolder: null, packageFolders: [], sharesBasePackages: false, externallyManaged: false, ownerUid: null, place: null, changedAtMs: null, problems: [] },
    worst,
    xray: more.unread === true ? null : {
      environmentId: id, atMs: 0, tookMs: 0, bytesRead: 0, otherTorch: [], companions: [], leftovers: [], record: null, pins: [], shadows: [], problems: [],
      packages: [{ name: 'torch', version: torch ?? 'none' }, { name: 'other', version: more.packages ?? '1' }],
      torch: torch === null ? null : { path: '', version: torch, metadataVersion: null, build: 'cuda', cuda: null, hip: null, installer: more.installer ?? null, directUrl: null, condaBuild: null, wheelTag: null, flags: null, flagsFile: null, census: null, libraries: [], requires: [] },
    },
  };
}

function watch(options: Partial<DriftWatchOptions> = {}): { watch: DriftWatch; at: string; told: Drift[]; changes: () => number } {
  const at = options.folder ?? join(folder, `watch${++made}`);
  const told: Drift[] = [];
  let changes = 0;
  const one = createDriftWatch({ folder: at, log: createMemoryLogger(), isOurs: () => false, findWayBack: () => null, readProcesses: () => Promise.resolve([]), ...options });
  one.onDrift((drift) => { told.push(drift); });
  one.onChange(() => { changes += 1; });
  return { watch: one, at, told, changes: () => changes };
}

describe('createDriftWatch', () => {
  it('the first look is no drift; the next that differs is one, with the way back to what was', async () => {
    const asked: unknown[] = [];
    const { watch: one, told } = watch({ findWayBack: (id, before) => { asked.push([id, before.torch]); return 'upgrade-7'; } });
    expect(await one.look([report('2.14.0+cu130', 'native')])).toEqual([]);
    expect(await one.look([report('2.14.0+cu130', 'native')])).toEqual([]);
    const [drift] = await one.look([report('2.14.0', 'cpu_only', { installer: 'uv' })]);
    expect(drift).toMatchObject({ environmentId: 'abc', environmentName: 'chat', fromTorch: '2.14.0+cu130', toTorch: '2.14.0', fromWorst: 'native', toWorst: 'cpu_only', by: 'uv', upgradeId: 'upgrade-7', seen: false });
    expect(asked).toEqual([['abc', '2.14.0+cu130']]);
    expect(told).toEqual([drift]);
    expect(one.list()).toEqual([drift]);
    expect(await one.look([report('2.14.0', 'cpu_only')])).toEqual([]);
  });

  it('is kept over a restart: also what changed while nobody looked is noticed', async () => {
    const first = watch();
    await first.watch.look([report('2.4.1', 'native'), report('2.8.0', 'native', { id: 'def' })]);
    const second = watch({ folder: first.at });
    await second.watch.load();
    expect((await second.watch.look([report(null, 'no_torch'), report('2.8.0', 'native', { id: 'def' })])).map((d) => d.environmentId)).toEqual(['abc']);
    const third = watch({ folder: first.at });
    await third.watch.load();
    expect(third.watch.list()).toEqual(second.watch.list());
  });

  it('our own upgrade is none, and what it left is the new state', async () => {
    const since: number[] = [];
    let ours = true, now = 1000;
    const { watch: one } = watch({ isOurs: (_, sinceMs) => { since.push(sinceMs); return ours; }, now: () => now });
    await one.look([report('2.4.1', 'incompatible')]);
    now = 2000;
    expect(await one.look([report('2.14.1', 'native')])).toEqual([]);
    ours = false;
    expect(await one.look([report('2.14.1', 'native')])).toEqual([]);
    expect(await one.look([report('2.4.1', 'incompatible')])).toHaveLength(1);
    expect(since).toEqual([1000, 2000]);
  });

  it('an installer that removes and then puts is one change; undone by itself it is none', async () => {
    const { watch: one, told } = watch();
    await one.look([report('2.4.1', 'native')]);
    await one.look([report(null, 'no_torch')]);
    await one.look([report('2.14.0', 'cpu_only')]);
    expect(one.list()).toHaveLength(1);
    expect(one.list()[0]).toMatchObject({ fromTorch: '2.4.1', toTorch: '2.14.0' });
    expect(new Set(told.map((d) => d.id)).size).toBe(1);
    await one.look([report('2.4.1', 'native')]);
    expect(one.list()).toEqual([]);
  });

  it('seen once, seen for ever; what follows is another one', async () => {
    const first = watch();
    await first.watch.look([report('2.4.1', 'native')]);
    await first.watch.look([report('2.14.0', 'cpu_only')]);
    const id = first.watch.list()[0]?.id ?? '';
    const before = first.changes();
    first.watch.see('unknown');
    expect(first.changes()).toBe(before);
    first.watch.see(id);
    expect(first.changes()).toBe(before + 1);
    await first.watch.look([report('2.15.0', 'native')]);
    expect(first.watch.list().map((d) => d.seen)).toEqual([false, true]);
    const again = watch({ folder: first.at });
    await again.watch.load();
    expect(again.watch.list().map((d) => d.seen)).toEqual([false, true]);
  });

  it('an environment that cannot be read now has not lost its torch', async () => {
    const { watch: one } = watch();
    await one.look([report('2.4.1', 'native')]);
    expect(await one.look([report(null, 'broken', { unread: true })])).toEqual([]);
    expect(await one.look([report('2.4.1', 'native')])).toEqual([]);
  });

  it('two looks at once compare one after the other', async () => {
    const { watch: one } = watch();
    await one.look([report('2.4.1', 'native')]);
    const both = await Promise.all([one.look([report('2.14.0', 'cpu_only')]), one.look([report('2.14.0', 'cpu_only')])]);
    expect(both.map((found) => found.length)).toEqual([1, 0]);
  });

  it('the list is bounded', async () => {
    const { watch: one } = watch();
    const many = (torch: string): Looked[] => Array.from({ length: 250 }, (_, i) => report(torch, 'native', { id: `e${i}` }));
    await one.look(many('1'));
    await one.look(many('2'));
    expect(one.list()).toHaveLength(200);
  });

  it('a damaged file: the one before it is taken; both damaged: it begins anew', async () => {
    const first = watch();
    await first.watch.look([report('2.4.1', 'native')]);
    await first.watch.look([report('2.14.0', 'cpu_only')]);
    expect(existsSync(join(first.at, 'drift.json.previous'))).toBe(true);
    writeFileSync(join(first.at, 'drift.json'), '{"states": {');
    const second = watch({ folder: first.at });
    await second.watch.load();
    expect(await second.watch.look([report('2.14.0', 'cpu_only')])).toHaveLength(1);
    writeFileSync(join(first.at, 'drift.json'), 'x');
    writeFileSync(join(first.at, 'drift.json.previous'), 'x');
    const third = watch({ folder: first.at });
    await third.watch.load();
    expect(third.watch.list()).toEqual([]);
    expect(await third.watch.look([report('2.14.0', 'cpu_only')])).toEqual([]);
  });

  it('a folder that cannot be written and a way back that fails do not hide it', async () => {
    const at = join(folder, 'taken');
    writeFileSync(at, '');
    const { watch: one } = watch({ folder: at, findWayBack: () => { throw new Error('no'); } });
    await one.look([report('2.4.1', 'native')]);
    expect(await one.look([report('2.14.0', 'cpu_only')])).toMatchObject([{ upgradeId: null }]);
  });
});

describe.skipIf(process.platform !== 'linux')('who did it', () => {
  /** A real process that is called as an installer is. */
  async function installer(name: string, args: readonly string[], cwd: string): Promise<ChildProcess> {
    const bin = join(folder, `bin${++made}`);
    mkdirSync(bin);
    // The name is what counts: a copy of `tail` that waits.
    copyFileSync(realpathSync('/usr/bin/tail'), join(bin, name));
    chmodSync(join(bin, name), 0o755);
    const child = spawn(join(bin, name), [...args], { cwd, stdio: 'ignore', env: { VIRTUAL_ENV: join(folder, 'active') } });
    strays.push(child);
    await once(child, 'spawn');
    return child;
  }

  it('is seen while it works, and remembered when it has ended before the next look', async () => {
    const project = join(folder, 'project');
    const prefix = join(project, '.venv');
    mkdirSync(prefix, { recursive: true });
    // tail waits for the file of this name, as `uv sync` would work.
    writeFileSync(join(project, 'sync'), '');
    const uv = await installer('uv', ['sync', '-f'], project);
    const { watch: one } = watch({ readProcesses: () => readInstallerProcesses() });
    await one.look([report('2.14.0+cu130', 'native', { prefix })]);
    await until(() => existsSync(`/proc/${uv.pid ?? 0}/cmdline`));
    await one.noteChange([report(null, 'no_torch', { prefix }).environment]);
    uv.kill('SIGKILL');
    await once(uv, 'exit');
    expect(await one.look([report('2.14.0', 'cpu_only', { prefix, installer: 'uv' })])).toMatchObject([{ by: 'uv sync' }]);
  });

  it('arguments, folder and activated environment of a process are read, nothing else', async () => {
    writeFileSync(join(folder, 'install'), '');
    const pip = await installer('pip', ['install', '-f'], folder);
    const seen = (await readInstallerProcesses()).find((p) => p.args[0]?.startsWith(folder) === true && p.args[0].endsWith('/pip'));
    expect(seen).toEqual({ args: [expect.stringMatching(/\/pip$/), 'install', '-f'], cwd: folder, prefixes: [join(folder, 'active')] });
    pip.kill('SIGKILL');
    await once(pip, 'exit');
    expect(await readInstallerProcesses(join(folder, 'no-proc'))).toEqual([]);
  });
});
