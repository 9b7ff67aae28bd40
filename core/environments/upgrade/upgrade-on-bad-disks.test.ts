import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createUpgrades } from './create-upgrades.ts';
import { copyTestEnvironment, listTree, makeTestEnvironment, runChangingTool, testPlan, type TestEnvironment } from './fixtures/test-environment.ts';
import { BESIDE_FOLDER } from './snapshot-place.ts';
import type { UpgradeCheck, UpgradeContext } from './upgrade-input.ts';

const mount = (...args: readonly string[]): void => { execFileSync('mount', args, { stdio: 'pipe' }); };
const unmount = (at: string): void => { execFileSync('umount', ['-l', at], { stdio: 'pipe' }); };

function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const at = makeTestFolder('mount');
  try {
    mount('-t', 'tmpfs', '-o', 'size=1m', 'none', at);
    unmount(at);
    return true;
  } catch {
    return false;
  }
}

const context: UpgradeContext = { signal: new AbortController().signal, progress: () => undefined, log: () => undefined };
const passes: UpgradeCheck = { name: 'files', title: 'Files', run: () => Promise.resolve(null) };

describe.skipIf(!mayMount())('on disks that are full, read-only or apart (needs mount, as root)', () => {
  let made: TestEnvironment;
  beforeAll(() => {
    made = makeTestEnvironment(makeTestFolder('disks'));
  }, 60_000);

  const onTmpfs = async (options: string, work: (at: string) => Promise<void>): Promise<void> => {
    const at = makeTestFolder('disk');
    mount('-t', 'tmpfs', '-o', options, 'none', at);
    try {
      await work(at);
    } finally {
      unmount(at);
    }
  };
  const apply = (environment: TestEnvironment, dataFolder: string, verify: readonly UpgradeCheck[] = [passes]) => {
    const upgrades = createUpgrades({ dataFolder, log: silentLogger });
    const done = upgrades.apply({ plan: testPlan(environment.found), environment: environment.found, fingerprint: null, install: runChangingTool(environment, 'ok'), verify, agree: true, jobId: null, context });
    return { upgrades, problem: done.then((): Problem | null => null, (error: unknown) => { const problem = problemOf(error); if (problem === null) throw error; return problem; }) };
  };

  test('with any amount of room left: the goal or the start, and the full disk is named', { timeout: 120_000 }, async () => {
    await onTmpfs('size=6m', async (at) => {
      const environment = copyTestEnvironment(made, at);
      const start = listTree(environment.prefix);
      const fill = join(at, 'fill');
      const dataFolder = join(at, 'upgrades');
      const steps = new Set<string>();
      let committed = 0;
      // From nothing at all to more than enough, in the size of a page of the file system.
      for (const freeKiB of [0, 4, 16, 64, 200, 256, 264, 272, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 768, 1024]) {
        environment.reset();
        rmSync(dataFolder, { recursive: true, force: true });
        const available = Number(execFileSync('df', ['--output=avail', '-k', at], { encoding: 'utf8' }).trim().split('\n')[1]);
        writeFileSync(fill, Buffer.alloc((available - freeKiB) * 1024, 1));
        const { upgrades, problem } = apply(environment, dataFolder);
        const found = await problem;
        const [one] = upgrades.list();
        rmSync(fill);
        if (found === null) {
          committed += 1;
          expect(one?.state).toBe('committed');
          expect(existsSync(join(environment.packages, 'alpha-2.0.dist-info', 'RECORD'))).toBe(true);
          continue;
        }
        expect(listTree(environment.prefix), `${freeKiB} KiB`).toBe(start);
        expect(['file.disk_full', 'upgrade.tool_failed']).toContain(found.code);
        expect(found.cause).toMatch(/ENOSPC|No space left/);
        steps.add(one?.step ?? 'before');
        if (one !== undefined) expect(one.state).toBe('rolled_back');
      }
      expect(committed).toBeGreaterThan(0);
      expect([...steps]).toEqual(expect.arrayContaining(['before', 'snapshot', 'rollback']));
    });
  });

  test('the data folder on another file system: the snapshot is kept beside the environment, hidden from git, and goes with it', async () => {
    await onTmpfs('size=20m', async (at) => {
      const environment = copyTestEnvironment(made, makeTestFolder('beside'));
      const start = listTree(environment.prefix);
      const { upgrades, problem } = apply(environment, join(at, 'upgrades'));
      expect(await problem).toBeNull();
      const hidden = join(environment.prefix, '..', BESIDE_FOLDER);
      const [one] = upgrades.list();
      expect(one?.snapshotPath).toBe(join(hidden, one?.id ?? ''));
      expect(readdirSync(hidden).sort()).toEqual(['.gitignore', one?.id]);
      execFileSync('git', ['init', '-q', join(hidden, '..')]);
      expect(execFileSync('git', ['-C', join(hidden, '..'), 'status', '--porcelain'], { encoding: 'utf8' })).not.toContain(BESIDE_FOLDER);
      const undoing = await upgrades.rollback({ upgradeId: null, environment: environment.found, fingerprint: null, planId: 'p', verify: [], agree: false, jobId: null, context });
      expect(listTree(environment.prefix)).toBe(start);
      await upgrades.forget(undoing.id);
      await upgrades.forget(one?.id ?? '');
      expect(existsSync(hidden)).toBe(false);
    });
  });

  test('no file can be shared at all: a copy', async () => {
    await onTmpfs('size=20m', async (at) => {
      const environment = copyTestEnvironment(made, makeTestFolder('apart'));
      const start = listTree(environment.prefix);
      const project = join(environment.prefix, '..');
      mkdirSync(join(project, BESIDE_FOLDER));
      // Nothing can be made beside it.
      mount('--bind', join(project, BESIDE_FOLDER), join(project, BESIDE_FOLDER));
      mount('-o', 'remount,ro,bind', join(project, BESIDE_FOLDER));
      try {
        const { upgrades, problem } = apply(environment, join(at, 'upgrades'));
        expect(await problem).toBeNull();
        const [one] = upgrades.list();
        expect(basename(one?.snapshotPath ?? '')).toBe('snapshot');
        expect(one?.snapshotBytes).toBeGreaterThan(150_000);
        await upgrades.rollback({ upgradeId: null, environment: environment.found, fingerprint: null, planId: 'p', verify: [], agree: false, jobId: null, context });
        expect(listTree(environment.prefix)).toBe(start);
      } finally {
        unmount(join(project, BESIDE_FOLDER));
      }
    });
  });

  test('read-only from the beginning: found by writing, nothing is begun', async () => {
    const environment = copyTestEnvironment(made, makeTestFolder('fixed'));
    mount('--bind', environment.prefix, environment.prefix);
    try {
      mount('-o', 'remount,ro,bind', environment.prefix);
      const { upgrades, problem } = apply(environment, join(environment.folder, 'upgrades'));
      expect(await problem).toMatchObject({ code: 'upgrade.read_only', cause: expect.stringContaining('EROFS') });
      expect(upgrades.list()).toEqual([]);
    } finally {
      unmount(environment.prefix);
    }
  });

  test('read-only when it is to be put back: said, the snapshot kept, and put back later', async () => {
    const environment = copyTestEnvironment(made, makeTestFolder('turns'));
    const start = listTree(environment.prefix);
    const dataFolder = join(environment.folder, 'upgrades');
    mount('--bind', environment.prefix, environment.prefix);
    const turns: UpgradeCheck = { name: 'smoke', title: 'Your command', run: () => { mount('-o', 'remount,ro,bind', environment.prefix); return Promise.reject(new Error('exit 1')); } };
    const { upgrades, problem } = apply(environment, dataFolder, [turns]);
    const found = await problem;
    unmount(environment.prefix);
    const [one] = upgrades.list();
    expect(found).toMatchObject({ code: 'upgrade.rollback_failed', remedy: expect.stringContaining(one?.snapshotPath ?? 'none'), chain: [expect.stringContaining('Your command: exit 1')] });
    expect(one).toMatchObject({ state: 'failed', canUndo: true });
    expect(listTree(environment.prefix)).not.toBe(start);
    // By the next engine, as the remedy says.
    const next = createUpgrades({ dataFolder, log: silentLogger });
    await next.recover();
    await next.rollback({ upgradeId: null, environment: environment.found, fingerprint: null, planId: 'p', verify: [], agree: false, jobId: null, context });
    expect(listTree(environment.prefix)).toBe(start);
    expect(next.get(one?.id ?? '')?.state).toBe('undone');
  });
});
