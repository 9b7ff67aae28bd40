import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { upgrade as upgradeSchema, type Upgrade } from '../../../contract/upgrades.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { hashTree } from '../snapshot/hash-tree.ts';
import { checkEnvironment } from './check-environment.ts';
import { createUpgrades, type Upgrades } from './create-upgrades.ts';
import { LOCK_FILE } from './environment-lock.ts';
import { listTree, makeTestEnvironment, runChangingTool, testPlan, type TestEnvironment } from './fixtures/test-environment.ts';
import { readFingerprint } from './installed-packages.ts';
import type { ApplyInput, UpgradeCheck, UpgradeContext } from './upgrade-input.ts';

let environment: TestEnvironment;
let start = '';
let dataFolder = '';
let upgrades: Upgrades;

beforeAll(() => {
  environment = makeTestEnvironment(makeTestFolder('upgrade'));
}, 60_000);
beforeEach(() => {
  environment.reset();
  start = listTree(environment.prefix);
  dataFolder = join(makeTestFolder('upgrades'), 'upgrades');
  upgrades = createUpgrades({ dataFolder, log: silentLogger });
});

const tree = (): string => listTree(environment.prefix);
const passes: UpgradeCheck = { name: 'files', title: 'Files', run: () => Promise.resolve('all there') };
const importAlpha: UpgradeCheck = {
  name: 'import', title: 'Import',
  run: () => {
    const run = spawnSync(join(environment.prefix, 'bin', 'python'), ['-I', '-B', '-c', 'import alpha; print(alpha.__version__)'], { encoding: 'utf8' });
    return run.status === 0 ? Promise.resolve(run.stdout.trim()) : Promise.reject(new Error(run.stderr));
  },
};
function contextOf(signal: AbortSignal = new AbortController().signal): UpgradeContext & { readonly lines: string[] } {
  const lines: string[] = [];
  return { signal, progress: () => undefined, log: (text) => { lines.push(text); }, lines };
}
function input(more: Partial<ApplyInput> = {}): ApplyInput {
  return { plan: testPlan(environment.found), environment: environment.found, fingerprint: null, install: runChangingTool(environment, 'ok'), verify: [passes, importAlpha], agree: true, jobId: 'job-1', context: contextOf(), ...more };
}
const problemFrom = async (work: Promise<unknown>): Promise<Problem | null> => work.then(() => null, (error: unknown) => {
  const problem = problemOf(error);
  if (problem === null) throw error;
  return problem;
});
const undo = (upgradeId: string | null, agree = true, using: Upgrades = upgrades): Promise<Upgrade> =>
  using.rollback({ upgradeId, environment: environment.found, fingerprint: null, planId: 'plan-2', verify: [importAlpha], agree, jobId: null, context: contextOf() });

describe('an upgrade', () => {
  test('is committed when its checks pass, told step by step, and known to the next engine', async () => {
    const steps = new Set<string>();
    upgrades.onChange(() => { steps.add(upgrades.list()[0]?.step ?? ''); });
    const done = await upgrades.apply(input());
    expect(upgradeSchema.parse(done)).toMatchObject({ state: 'committed', step: 'commit', canUndo: true, whyNot: null, jobId: 'job-1', problem: null });
    expect(done.checks.map((one) => [one.name, one.state, one.text])).toEqual([['files', 'passed', 'all there'], ['import', 'passed', '2.0']]);
    expect([...steps]).toEqual(['planned', 'snapshot', 'apply', 'verify', 'commit']);
    expect(readdirSync(environment.prefix)).not.toContain(LOCK_FILE);
    expect(done.snapshotBytes).toBeLessThan(200_000);
    const next = createUpgrades({ dataFolder, log: silentLogger });
    expect(await next.recover()).toEqual([]);
    expect(next.list()).toEqual([done]);
    expect(next.get(done.id)).toEqual(done);
  });

  test.each(['fail:2', 'fail:9', 'die:5'])('whose tool fails (%s) is put back', async (mode) => {
    const problem = await problemFrom(upgrades.apply(input({ install: runChangingTool(environment, mode) })));
    expect(problem).toMatchObject({ code: 'upgrade.tool_failed', chain: ['The old state was put back.'] });
    expect(tree()).toBe(start);
    expect(upgrades.list()).toMatchObject([{ state: 'rolled_back', canUndo: false, snapshotPath: null, problem: { code: 'upgrade.tool_failed' } }]);
    expect(readdirSync(join(dataFolder, upgrades.list()[0]?.id ?? ''))).not.toContain('snapshot');
  });

  test('whose tool throws what is no Problem is put back, and that becomes one', async () => {
    const install = async (context: Parameters<ApplyInput['install']>[0]): Promise<void> => { await runChangingTool(environment, 'ok')(context); throw new Error('out of the blue'); };
    expect(await problemFrom(upgrades.apply(input({ install })))).toMatchObject({ code: 'upgrade.tool_failed', cause: 'uv ended with an error. out of the blue' });
    expect(tree()).toBe(start);
  });

  test('whose check fails is put back and names the check; a check may be skipped', async () => {
    const skipped: UpgradeCheck = { name: 'kernel', title: 'Kernel', run: () => Promise.resolve({ skipped: 'there is no GPU' }) };
    const fails: UpgradeCheck = { name: 'smoke', title: 'Your command', run: () => Promise.reject(new Error('exit 1')) };
    const problem = await problemFrom(upgrades.apply(input({ verify: [skipped, fails, importAlpha] })));
    expect(problem).toMatchObject({ code: 'upgrade.verify_failed', cause: 'Your command: exit 1' });
    expect(tree()).toBe(start);
    expect(upgrades.list()[0]?.checks.map((one) => [one.state, one.text])).toEqual([['skipped', 'there is no GPU'], ['failed', 'exit 1'], ['skipped', 'not run']]);
  });

  test('that did not bring what was planned is put back', async () => {
    const plan = testPlan(environment.found, { changes: [{ name: 'alpha', from: '1.0', to: '3.0', why: null, downloadBytes: null }] });
    expect(await problemFrom(upgrades.apply(input({ plan })))).toMatchObject({ code: 'upgrade.verify_failed', cause: 'Packages: alpha should be 3.0 and is 2.0' });
    expect(tree()).toBe(start);
  });

  test.each(['snapshot', 'apply', 'verify', 'commit'] as const)('cancelled in the middle of "%s" leaves everything as before', async (step) => {
    const cancel = new AbortController();
    const reason = new Error('cancelled by the user');
    const context: UpgradeContext = { ...contextOf(cancel.signal), progress: ({ doing }) => { if (step === 'commit' && doing?.startsWith('writes') === true) cancel.abort(reason); } };
    upgrades.onChange(() => { if (upgrades.list()[0]?.step === step && step === 'snapshot') cancel.abort(reason); });
    const install = runChangingTool(environment, step === 'apply' ? 'hang:6' : 'ok', (line) => { if (step === 'apply' && line === 'file 6') cancel.abort(reason); });
    const slow: UpgradeCheck = {
      name: 'kernel', title: 'Kernel',
      run: (signal) => new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => { reject(reason); });
        if (step === 'verify') cancel.abort(reason);
        else resolve(null);
      }),
    };
    await expect(upgrades.apply(input({ install, context, verify: [passes, slow] }))).rejects.toBe(reason);
    expect(tree()).toBe(start);
    expect(upgrades.list()).toMatchObject([{ state: 'rolled_back', problem: null, whyNot: expect.stringContaining('cancelled') }]);
    expect(readdirSync(environment.prefix)).not.toContain(LOCK_FILE);
  });

  test('is refused where the plan is old, forbidden, or not agreed to', async () => {
    const readOnly = makeProblem('upgrade.read_only', { path: '/x', detail: 'y' });
    const inUse = makeProblem('upgrade.in_use', { count: 1, example: 'python train.py' });
    expect(await problemFrom(upgrades.apply(input({ plan: testPlan(environment.found, { expiresAtMs: Date.now() - 1 }) })))).toMatchObject({ code: 'upgrade.plan_expired' });
    expect(await problemFrom(upgrades.apply(input({ plan: testPlan(environment.found, { problems: [inUse, readOnly] }) })))).toMatchObject({ code: 'upgrade.read_only' });
    expect(await problemFrom(upgrades.apply(input({ plan: testPlan(environment.found, { problems: [inUse] }), agree: false })))).toMatchObject({ code: 'upgrade.in_use' });
    expect(upgrades.list()).toEqual([]);
    expect((await upgrades.apply(input({ plan: testPlan(environment.found, { problems: [inUse] }) }))).state).toBe('committed');
  });
});

test('folders that are not upgrades stay, records that cannot be read too', async () => {
  const done = await upgrades.apply(input());
  for (const name of ['photos', '2026-01-01-00000000', '2026-01-01-11111111']) mkdirSync(join(dataFolder, name), { recursive: true });
  writeFileSync(join(dataFolder, 'photos', 'one.jpg'), '');
  writeFileSync(join(dataFolder, '2026-01-01-11111111', 'upgrade.json'), '{"schemaVersion": 99}');
  const next = createUpgrades({ dataFolder, log: silentLogger });
  expect(await next.recover()).toEqual([]);
  expect(next.list()).toEqual([done]);
  expect(readdirSync(dataFolder).sort()).toEqual(['2026-01-01-11111111', done.id, 'photos']);
});

describe('others at the same environment', () => {
  test('two upgrades at once: the second is told who works on it, and leaves no trace', async () => {
    const elsewhere = createUpgrades({ dataFolder: join(makeTestFolder('upgrades'), 'other'), log: silentLogger });
    const others: Promise<Problem | null>[] = [];
    const install = runChangingTool(environment, 'ok', (line) => {
      if (line === 'file 3') others.push(problemFrom(upgrades.apply(input())), problemFrom(elsewhere.apply(input())));
    });
    const first = await upgrades.apply(input({ install }));
    expect(first.state).toBe('committed');
    expect(others).toHaveLength(2);
    for (const problem of await Promise.all(others)) expect(problem).toMatchObject({ code: 'upgrade.busy', facts: { id: first.id, pid: process.pid } });
    expect(upgrades.list()).toHaveLength(1);
    expect(elsewhere.list()).toEqual([]);
  });

  test('changed between plan and application: nothing is done', async () => {
    const fingerprint = await readFingerprint(environment.found);
    expect(await readFingerprint(environment.found)).toEqual(fingerprint);
    environment.uv('pip', 'install', '--python', join(environment.prefix, 'bin', 'python'), '--no-index', environment.wheel('gamma', '1.0'));
    const changed = tree();
    expect(await problemFrom(upgrades.apply(input({ fingerprint })))).toMatchObject({ code: 'upgrade.changed_meanwhile', cause: expect.stringContaining('gamma 1.0 was installed') });
    expect(tree()).toBe(changed);
  });

  test('somebody installs a package meanwhile: ours is put back, theirs is left, and it is said', async () => {
    const python = join(environment.prefix, 'bin', 'python');
    let output = '';
    const install = runChangingTool(environment, 'ok', (line) => {
      if (line === 'file 8') output = environment.uv('pip', 'install', '--python', python, '--no-index', environment.wheel('gamma', '1.0'));
    });
    const problem = await problemFrom(upgrades.apply(input({ install })));
    expect(output).toBe('');
    expect(problem).toMatchObject({ code: 'upgrade.changed_meanwhile', cause: expect.stringContaining('gamma 1.0 was installed') });
    expect(problem?.chain).toEqual(['The old state was put back.', 'Left as it is, because somebody else changed it meanwhile: gamma.']);
    const gamma = (line: string): boolean => line.includes('/gamma');
    expect(tree().split('\n').filter((line) => !gamma(line)).join('\n')).toBe(start);
    expect(tree().split('\n').filter(gamma).length).toBeGreaterThan(8);
    expect(spawnSync(python, ['-I', '-B', '-c', 'import gamma, alpha; print(alpha.__version__)'], { encoding: 'utf8' }).stdout.trim()).toBe('1.0');
  });

  test('a lock of a process that is gone, or that was cut off, does not hold', async () => {
    const path = join(environment.prefix, LOCK_FILE);
    writeFileSync(path, JSON.stringify({ upgradeId: 'x', pid: 999_999_999, startTicks: '1', bootId: 'another', host: 'elsewhere', nonce: 'n' }));
    expect(await problemFrom(upgrades.apply(input()))).toMatchObject({ code: 'upgrade.busy', facts: { id: 'x' } });
    writeFileSync(path, '{"upgr');
    expect(await problemFrom(upgrades.apply(input()))).toMatchObject({ code: 'upgrade.busy' });
    const later = createUpgrades({ dataFolder, log: silentLogger, now: () => Date.now() + 300_000 });
    expect((await later.apply(input({ plan: testPlan(environment.found, { expiresAtMs: Date.now() + 900_000 }) }))).state).toBe('committed');
  });
});

describe('undoing', () => {
  test('later, offline, by another engine; and undoing that', async () => {
    const first = await upgrades.apply(input());
    const goal = tree();
    const next = createUpgrades({ dataFolder, log: silentLogger });
    const { plan } = await next.planRollback({ upgradeId: null, environment: environment.found, users: [] });
    expect(plan).toMatchObject({ kind: 'rollback', problems: [], downloadBytes: 0, commands: [], unchanged: 1, breaks: [] });
    expect(plan.changes).toEqual([{ name: 'alpha', from: '2.0', to: '1.0', why: null, downloadBytes: null }]);
    const second = await undo(null, false, next);
    expect(second).toMatchObject({ kind: 'rollback', undoes: first.id, state: 'committed', canUndo: true, checks: [{ text: '1.0' }] });
    expect(tree()).toBe(start);
    expect(next.get(first.id)).toMatchObject({ state: 'undone', canUndo: false });
    expect(await problemFrom(undo(null, false, next))).toMatchObject({ code: 'upgrade.nothing_to_undo' });
    const third = await undo(second.id, false, next);
    expect(third).toMatchObject({ undoes: second.id, state: 'committed' });
    expect(tree()).toBe(goal);
    expect(next.get(first.id)).toMatchObject({ state: 'committed', canUndo: true });
    expect(next.get(second.id)).toMatchObject({ state: 'undone' });
    await undo(first.id, false, next);
    expect(tree()).toBe(start);
  });

  test('what the user changed since is said, goes only with agreement, and comes back by undoing', async () => {
    const first = await upgrades.apply(input());
    environment.uv('pip', 'install', '--python', join(environment.prefix, 'bin', 'python'), '--no-index', environment.wheel('gamma', '1.0'));
    const changed = tree();
    const { plan } = await upgrades.planRollback({ upgradeId: first.id, environment: environment.found, users: [{ pid: 7, command: 'python train.py', user: null, sinceMs: null }] });
    expect(plan.problems.map((one) => [one.code, one.severity])).toEqual([['upgrade.in_use', 'attention'], ['upgrade.changed_meanwhile', 'attention']]);
    expect(plan.changes.map((one) => one.name)).toEqual(['alpha', 'gamma']);
    expect(await problemFrom(undo(first.id, false))).toMatchObject({ code: 'upgrade.changed_meanwhile' });
    expect(tree()).toBe(changed);
    const second = await undo(first.id);
    expect(tree()).toBe(start);
    await undo(second.id);
    expect(tree()).toBe(changed);
  });

  test('an older one takes the newer with it', async () => {
    const first = await upgrades.apply(input());
    const second = await upgrades.apply(input({ plan: testPlan(environment.found, { kind: 'put_back', changes: [{ name: 'beta', from: '1.0', to: null, why: null, downloadBytes: null }] }), verify: [], install: async () => { environment.uv('pip', 'uninstall', '--python', join(environment.prefix, 'bin', 'python'), 'beta'); } }));
    const goal = tree();
    const { plan } = await upgrades.planRollback({ upgradeId: first.id, environment: environment.found, users: [] });
    expect(plan.breaks).toEqual([expect.stringContaining(second.id)]);
    const undoing = await undo(first.id);
    expect(tree()).toBe(start);
    expect(upgrades.get(second.id)?.state).toBe('undone');
    await undo(undoing.id);
    expect(tree()).toBe(goal);
    expect([upgrades.get(first.id)?.state, upgrades.get(second.id)?.state]).toEqual(['committed', 'committed']);
  });

  test('a check that fails after undoing puts the present back', async () => {
    await upgrades.apply(input());
    const goal = tree();
    const fails: UpgradeCheck = { name: 'smoke', title: 'Your command', run: () => Promise.reject(new Error('exit 1')) };
    expect(await problemFrom(upgrades.rollback({ upgradeId: null, environment: environment.found, fingerprint: null, planId: 'p', verify: [fails], agree: true, jobId: null, context: contextOf() }))).toMatchObject({ code: 'upgrade.verify_failed' });
    expect(tree()).toBe(goal);
    await undo(null);
    expect(tree()).toBe(start);
  });

  test('an environment that was deleted since is made anew', async () => {
    await upgrades.apply(input());
    rmSync(environment.prefix, { recursive: true });
    await undo(null);
    expect(tree()).toBe(start);
  });

  test('files that the tool wrote in place: said at the commit, the rest comes back with agreement', async () => {
    const shared = join(environment.packages, 'beta', 'version.py');
    const first = await upgrades.apply(input({ install: async (context) => { await runChangingTool(environment, 'ok')(context); appendFileSync(shared, 'X = 1\n'); } }));
    expect(first).toMatchObject({ state: 'committed', canUndo: false, whyNot: expect.stringContaining('beta/version.py') });
    expect(await problemFrom(undo(first.id, false))).toMatchObject({ code: 'upgrade.rollback_failed', severity: 'attention' });
    await undo(first.id);
    expect(readFileSync(shared, 'utf8')).toContain('X = 1');
    expect(tree().split('\n').filter((line) => !line.includes('/beta/version.py')).join('\n')).toBe(start.split('\n').filter((line) => !line.includes('/beta/version.py')).join('\n'));
  });

  test('files that the tool wrote in place before it failed: the rest is put back, the loss is said, the snapshot kept', async () => {
    const shared = join(environment.packages, 'beta', 'version.py');
    const problem = await problemFrom(upgrades.apply(input({ install: async (context) => { appendFileSync(shared, 'X = 1\n'); await runChangingTool(environment, 'fail:7')(context); } })));
    expect(problem).toMatchObject({ code: 'upgrade.rollback_failed', cause: expect.stringContaining('beta/version.py'), chain: [expect.stringContaining('The installation failed')] });
    const [failed] = upgrades.list();
    expect(failed).toMatchObject({ state: 'failed', canUndo: true });
    expect(existsSync(failed?.snapshotPath ?? '')).toBe(true);
    expect(readFileSync(join(environment.packages, 'alpha', 'version.py'), 'utf8')).toContain('1.0');
  });

  test('given up for disk space it cannot be undone; the oldest go by age', async () => {
    const first = await upgrades.apply(input());
    const undoing = await undo(null);
    const future = createUpgrades({ dataFolder, log: silentLogger, now: () => Date.now() + 40 * 86_400_000 });
    expect(await future.prune(30)).toEqual([first.id]);
    expect(future.get(first.id)).toMatchObject({ state: 'undone', snapshotPath: null });
    await future.forget(undoing.id);
    expect(future.get(undoing.id)).toMatchObject({ canUndo: false, whyNot: 'Its snapshot was deleted to free disk space.' });
    expect(await problemFrom(future.forget(undoing.id))).toMatchObject({ code: 'upgrade.nothing_to_undo' });
    expect(await problemFrom(undo(undoing.id, true, future))).toMatchObject({ code: 'upgrade.nothing_to_undo' });
    expect(await problemFrom(undo('nonsense', true, future))).toMatchObject({ code: 'upgrade.nothing_to_undo' });
    for (const id of readdirSync(dataFolder)) expect(readdirSync(join(dataFolder, id)).sort()).toEqual(['journal.jsonl', 'upgrade.json']);
  });
});

describe('what stands against it', () => {
  test('nothing, where nothing does; and the look leaves no mark', async () => {
    const before = await hashTree(environment.prefix);
    expect(await checkEnvironment(environment.found, [], { environmentBytes: 1000, dataBytes: 1000, dataFolder })).toEqual([]);
    expect(await hashTree(environment.prefix)).toBe(before);
  });

  test('the system’s, in use, no room, gone', async () => {
    const codes = async (...args: Parameters<typeof checkEnvironment>): Promise<string[]> => (await checkEnvironment(...args)).map((one) => `${one.code} ${one.severity}`);
    expect(await codes({ ...environment.found, externallyManaged: true }, [])).toEqual(['upgrade.externally_managed problem']);
    expect(await codes({ ...environment.found, kind: 'system' }, [])).toEqual(['upgrade.externally_managed problem']);
    expect(await codes(environment.found, [{ pid: 12, command: 'python train.py', user: 'me', sinceMs: 1 }])).toEqual(['upgrade.in_use attention']);
    const [room] = await checkEnvironment(environment.found, [], { environmentBytes: 1e17, dataBytes: 5, dataFolder });
    expect(room).toMatchObject({ code: 'upgrade.no_space', facts: { need: expect.stringMatching(/GB/) } });
    expect(await codes({ ...environment.found, prefix: join(environment.folder, 'gone'), packageFolders: [] }, [])).toEqual(['upgrade.read_only problem']);
    expect(await problemFrom(upgrades.apply(input({ environment: { ...environment.found, externallyManaged: true } })))).toMatchObject({ code: 'upgrade.externally_managed' });
  });

  test.skipIf(process.getuid?.() !== 0)('another user’s, or without rights (needs root, to become somebody else)', () => {
    const folder = makeTestFolder('others');
    chmodSync(folder, 0o755);
    const prefix = join(folder, 'env');
    const site = join(prefix, 'site-packages');
    mkdirSync(site, { recursive: true });
    const look = (): string[] => {
      const order = JSON.stringify({ do: 'check', dataFolder: folder, environment: { ...environment.found, prefix, packageFolders: [site] }, next: '' });
      const run = spawnSync(process.execPath, [join(import.meta.dirname, 'fixtures', 'upgrade-process.ts'), order], { encoding: 'utf8', uid: 65_534, gid: 65_534, env: { PATH: process.env['PATH'] ?? '' } });
      if (run.status !== 0) throw new Error(run.stderr);
      return JSON.parse(run.stdout).result.map((one: Problem) => `${one.code}: ${one.cause}`);
    };
    expect(look()).toEqual([`upgrade.foreign_owner: ${prefix} belongs to root.`]);
    chownSync(prefix, 65_534, 65_534);
    expect(look()).toEqual([expect.stringMatching(/^upgrade\.read_only: .*site-packages: EACCES/)]);
    chownSync(site, 65_534, 65_534);
    expect(look()).toEqual([]);
    chmodSync(prefix, 0o555);
    expect(look()).toEqual([expect.stringMatching(/^upgrade\.read_only: .*env: EACCES/)]);
  });
});
