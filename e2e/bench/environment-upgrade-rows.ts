import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../contract/environments.ts';
import type { PackageChange, UpgradePlan } from '../../contract/upgrades.ts';
import { parseUvPlan } from '../../core/environments/install/parse-uv-output.ts';
import { takeSnapshot } from '../../core/environments/snapshot/take-snapshot.ts';
import { createUpgrades } from '../../core/environments/upgrade/create-upgrades.ts';
import { compareFingerprints, normalizeName, readFingerprint } from '../../core/environments/upgrade/installed-packages.ts';
import { readPackages } from '../../core/environments/upgrade/read-packages.ts';
import { chooseSnapshotPlace, deleteSnapshotAt } from '../../core/environments/upgrade/snapshot-place.ts';
import type { ChangeContext } from '../../core/environments/upgrade/upgrade-input.ts';
import { pythonTools } from '../../core/testing/python-tools.ts';
import { silentLogger } from '../../core/testing/silent-logger.ts';
import { diskBytes, type BenchPlaces } from './environment-places.ts';
import { megabytes, seconds, spreadOf, summarise, type EnvironmentRow } from './environment-table.ts';
import { startProbeWorker } from './environment-worker.ts';

const SNAPSHOT_MS = 5000;
const MOST_EXTRA = 0.01;
const SNAPSHOT_RUNS = 5;
const ROLLBACK_MS = 30_000;
const ROLLBACK_RUNS = 3;

/** A snapshot as an upgrade takes it, measured from outside: what `du` finds beside the environment is what it costs. */
export async function benchSnapshot(places: BenchPlaces): Promise<EnvironmentRow[]> {
  const rows: EnvironmentRow[] = [];
  for (const one of places.big) {
    const prefix = realpathSync(one.prefix);
    const data = mkdtempSync(join(places.folder, 'snapshot-'));
    try {
      const environmentBytes = diskBytes(prefix);
      const all: number[] = [];
      let extra = 0;
      let files = 0;
      let method = '';
      for (let i = 0; i < SNAPSHOT_RUNS; i += 1) {
        const startedAt = performance.now();
        const place = await chooseSnapshotPlace(prefix, data);
        const { manifest } = await takeSnapshot({ prefix, into: place.folder, method: place.method });
        all.push(performance.now() - startedAt);
        ({ method } = place);
        files = manifest.entries.length;
        extra = Math.max(extra, diskBytes(prefix, place.folder) - environmentBytes);
        await deleteSnapshotAt(place.folder);
      }
      const took = summarise(all);
      const share = extra / environmentBytes;
      const links = method === 'copy' ? 'This file system can neither link nor clone.' : null;
      const what = `snapshot of ${(environmentBytes / 1e9).toFixed(1)} GB, ${files} entries, torch ${one.torch}, installed by ${one.how}, taken by ${method}`;
      rows.push({ what, must: `≤ ${seconds(SNAPSHOT_MS)}`, met: took.median <= SNAPSHOT_MS, measured: seconds(took.median), n: took.n, spread: spreadOf(took), why: null, detail: { ms: took.median, environmentBytes, entries: files, method } });
      rows.push({ what: '  and the disk that it takes (du)', must: `≤ ${MOST_EXTRA * 100} %`, met: links === null ? share <= MOST_EXTRA : null, measured: `${(share * 100).toFixed(2)} % (${megabytes(extra)})`, n: took.n, spread: '', why: links, detail: { extraBytes: extra, share } });
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  }
  return rows;
}

/** torch goes to the other version by a real `uv pip install`, and back: as a transaction each, nothing of it asks a network. */
export async function benchRollback(places: BenchPlaces): Promise<EnvironmentRow[]> {
  const [from, to] = places.big;
  if (from === undefined || to === undefined) throw new Error('two builds are needed');
  const folder = realpathSync(mkdtempSync(join(places.folder, 'rollback-')));
  const prefix = join(folder, 'environment');
  const python = join(prefix, 'bin', 'python');
  const install = ['pip', 'install', '--offline', '--link-mode', 'hardlink', '--find-links', join(places.folder, '..', 'wheels'), '--python', python];
  try {
    places.uv(['venv', '--quiet', '--no-project', '--seed', '--python', pythonTools().python, prefix]);
    places.uv([...install, `torch==${from.torch}`, 'numpy<2.3']);
    importedVersion(python);
    const worker = await startProbeWorker();
    const [environment] = (await worker.find(prefix)).environments;
    await worker.stop();
    if (environment === undefined) throw new Error(`${prefix} is not found`);

    const upgrades = createUpgrades({ dataFolder: join(folder, 'data'), log: silentLogger });
    const context = { signal: new AbortController().signal, progress: () => undefined, log: () => undefined };
    const importCheck = (version: string) => ({ name: 'import' as const, title: 'Import torch', run: () => Promise.resolve(expectVersion(python, version)) });
    const [applied, undone]: [number[], number[]] = [[], []];
    let packages = 0;
    for (let i = 0; i < ROLLBACK_RUNS; i += 1) {
      const before = await readFingerprint(environment);
      const changes = await planChanges(places, environment, [...install, '--dry-run', `torch==${to.torch}`]);
      packages = changes.length;
      const startedAt = performance.now();
      const done = await upgrades.apply({
        plan: makePlan(environment, changes), environment, fingerprint: before, agree: true, jobId: null, context, verify: [importCheck(to.torch)],
        install: (change) => runUv(places, [...install, `torch==${to.torch}`], change),
      });
      const appliedAt = performance.now();
      const { plan, fingerprint } = await upgrades.planRollback({ upgradeId: done.id, environment, users: [] });
      await upgrades.rollback({ upgradeId: done.id, environment, fingerprint, planId: plan.planId, agree: false, jobId: null, context, verify: [importCheck(from.torch)] });
      undone.push(performance.now() - appliedAt);
      applied.push(appliedAt - startedAt);
      const left = compareFingerprints(before, await readFingerprint(environment));
      if (left !== null) throw new Error(`It is not as before: ${left}`);
      for (const one of upgrades.list()) if (one.snapshotPath !== null) await upgrades.forget(one.id);
    }
    const took = summarise(undone);
    return [{ what: `rollback of torch ${to.torch} to ${from.torch} (${packages} packages), offline, checked by importing it`, must: `≤ ${seconds(ROLLBACK_MS)}`, met: took.median <= ROLLBACK_MS, measured: seconds(took.median), n: took.n, spread: spreadOf(took), why: null, detail: { rollbackMs: took.median, upgradeMs: summarise(applied).median, packages } }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const importedVersion = (python: string): string => execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], cwd: '/' }).trim();

function expectVersion(python: string, version: string): string {
  const imported = importedVersion(python);
  if (imported.split('+')[0] !== version) throw new Error(`torch ${imported} is imported instead of ${version}`);
  return imported;
}

async function planChanges(places: BenchPlaces, environment: FoundEnvironment, dryRun: readonly string[]): Promise<PackageChange[]> {
  const present = await readPackages(environment.prefix);
  // uv tells on stderr what it would do.
  const told = execFileSync('sh', ['-c', 'exec "$@" 2>&1', 'sh', pythonTools().uv, ...dryRun], { encoding: 'utf8', env: uvEnvironment(places) });
  const changes = parseUvPlan(told).map(({ name, version }) => ({ name, from: present.get(normalizeName(name))?.version ?? null, to: version, why: null, downloadBytes: null }));
  if (changes.length === 0) throw new Error(`Nothing would change: ${told}`);
  return changes;
}

const uvEnvironment = (places: BenchPlaces): NodeJS.ProcessEnv => ({ ...process.env, UV_CACHE_DIR: join(places.folder, 'uv-cache'), UV_NO_CONFIG: '1', UV_NO_PROGRESS: '1', VIRTUAL_ENV: '' });

async function runUv(places: BenchPlaces, args: readonly string[], change: ChangeContext): Promise<void> {
  const child = spawn(pythonTools().uv, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true, env: uvEnvironment(places) });
  let told = '';
  child.stderr.on('data', (data: Buffer) => { told += data.toString('utf8'); });
  const closed = once(child, 'close');
  if (child.pid !== undefined) await change.noteProcess(child.pid);
  const [code] = await closed;
  if (code !== 0) throw new Error(`uv: ${told.slice(-500)}`);
}

function makePlan(environment: FoundEnvironment, changes: PackageChange[]): UpgradePlan {
  return {
    planId: 'bench', expiresAtMs: Date.now() + 600_000, environmentId: environment.id, environmentName: environment.name, prefix: environment.prefix, kind: 'upgrade', route: null, tool: 'uv', commands: [], changes, unchanged: 0,
    resolvedWith: 'uv', resolveMs: 0, downloadBytes: 0, diskDuringBytes: null, diskAfterBytes: null, diskFreeBytes: 0, secondsExpected: null, snapshotMethod: 'hardlink', usedBy: [], breaks: [], problems: [], wrong: [],
  };
}
