import { open } from 'node:fs/promises';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { Upgrade, VerifyCheck } from '../../../contract/upgrades.ts';
import { readProcessStartTicks } from '../../supervisor/process-identity.ts';
import { compareTree } from '../snapshot/compare-tree.ts';
import { errorText } from '../snapshot/file-trouble.ts';
import { forEachLimited } from '../snapshot/for-each-limited.ts';
import type { Manifest } from '../snapshot/manifest.ts';
import { readAltered } from '../snapshot/restore-snapshot.ts';
import { takeSnapshot } from '../snapshot/take-snapshot.ts';
import { fullPath, showPath } from '../snapshot/tree-path.ts';
import { walkTree } from '../snapshot/walk-tree.ts';
import { compareFingerprints, decideForeign, fingerprintOf, normalizeName, type Fingerprint, type InstalledPackages } from './installed-packages.ts';
import { putBack } from './put-back.ts';
import { packagesOfManifest, readPackages } from './read-packages.ts';
import { chooseSnapshotPlace, deleteSnapshotAt } from './snapshot-place.ts';
import type { ChangeContext, UpgradeCheck, UpgradeContext } from './upgrade-input.ts';
import type { UpgradeJournal } from './upgrade-journal.ts';
import { stepNames, type StoredUpgrade, type UpgradeStore } from './upgrade-store.ts';

export interface Transaction {
  readonly stored: StoredUpgrade;
  readonly store: UpgradeStore;
  readonly journal: UpgradeJournal;
  /** As it was when the plan was made. */
  readonly fingerprint: Fingerprint | null;
  readonly verify: readonly UpgradeCheck[];
  readonly context: UpgradeContext;
  readonly now: () => number;
  change(context: ChangeContext): Promise<void>;
}

/** How much of the whole each step is, as its end. */
const ends = { snapshot: 0.05, apply: 0.85, verify: 0.97 };
const FLUSH_AT_ONCE = 8;

/**
 * planned → snapshot → apply → verify → commit; or back to the snapshot at the first failure or cancellation. Before
 * each step its line is in the journal, on the disk, so that an engine that comes after a crash knows what to do.
 *
 * @throws ProblemError what failed, saying that the old state was put back; the signal's reason on cancellation.
 */
export async function runTransaction(run: Transaction): Promise<Upgrade> {
  const { stored, store, journal, now } = run;
  try {
    const manifest = await keep(run);
    await change(run, manifest);
    await verify(run);
    await commit(run, manifest);
    return stored.upgrade;
  } catch (error) {
    const cancelled = run.context.signal.aborted;
    const cause = cancelled ? null : (problemOf(error) ?? makeProblem('upgrade.tool_failed', { tool: stored.internals.tool, how: 'an error', detail: errorText(error) }));
    const step = stored.upgrade.step;
    await store.freeBallast(stored).catch(() => undefined);
    const kept = await backToStart(run, step, cause, error);
    const problem = cause === null ? null : withChain(cause, kept);
    await endRolledBack(stored, store, journal, {
      step: step === 'planned' || step === 'snapshot' ? step : 'rollback', endedAtMs: now(), problem,
      whyNot: cancelled ? `It was cancelled during ${stepNames[step]}. Everything is as before.` : 'It failed, and everything is as before.',
    });
    for (const line of kept) run.context.log(line);
    if (problem === null) throw run.context.signal.reason;
    throw new ProblemError(problem, { cause: error });
  }
}

/**
 * The line first, then the snapshot goes: the other way round, a crash between the two would leave recovery with
 * nothing to put back from. Where the line cannot be written, the snapshot stays and putting back is done once more.
 */
export async function endRolledBack(stored: StoredUpgrade, store: UpgradeStore, journal: UpgradeJournal, to: Pick<Upgrade, 'step' | 'endedAtMs' | 'problem' | 'whyNot'>): Promise<void> {
  const { snapshotPath } = stored.upgrade;
  const isTold = await journal.append({ event: 'rolled_back' }).then(() => true, () => false);
  const isGone = isTold && (snapshotPath === null || (await deleteSnapshotAt(snapshotPath).then(() => true, () => false)));
  store.change(stored, { ...to, state: 'rolled_back', canUndo: false, ...(isGone ? { snapshotPath: null, snapshotBytes: null } : {}) });
  await store.save(stored).catch(() => undefined);
}

/** Until the environment may have been touched, there is only a snapshot to drop. Answers sentences for the Problem. */
async function backToStart(run: Transaction, step: Upgrade['step'], cause: Problem | null, error: unknown): Promise<readonly string[]> {
  const { stored, store, journal, now } = run;
  const { snapshotPath } = stored.upgrade;
  if (step === 'planned' || step === 'snapshot') {
    return ['Nothing was changed.'];
  }
  store.change(stored, { step: 'rollback', problem: cause });
  run.context.progress({ fraction: null, doing: 'puts the old state back' });
  // On a full disk the journal may refuse: the line that says "apply" already means that this is to be done.
  await journal.append({ event: 'rollback', why: cause?.code ?? 'cancelled' }).catch(() => undefined);
  await store.save(stored).catch(() => undefined);
  try {
    return await putBack(stored, run.context.log);
  } catch (failure) {
    const problem = withChain(problemOf(failure) ?? makeProblem('upgrade.rollback_failed', { detail: errorText(failure), snapshot: snapshotPath }), [cause === null ? 'It was cancelled.' : `${cause.title}. ${cause.cause}`]);
    store.change(stored, { state: 'failed', endedAtMs: now(), problem, canUndo: true, whyNot: null });
    await store.save(stored).catch(() => undefined);
    throw new ProblemError(problem, { cause: error });
  }
}

function withChain(problem: Problem, lines: readonly string[]): Problem {
  return { ...problem, chain: [...problem.chain, ...lines] };
}

async function keep({ stored, store, journal, context, fingerprint, now }: Transaction): Promise<Manifest> {
  const { realPrefix } = stored.internals;
  await journal.append({ event: 'begin' });
  context.signal.throwIfAborted();
  const place = await chooseSnapshotPlace(realPrefix, stored.folder);
  // In the record before it is made, so that recovery finds it.
  store.change(stored, { step: 'snapshot', snapshotPath: place.folder });
  await store.save(stored);
  await journal.append({ event: 'snapshot', folder: place.folder, method: place.method });
  const snapshot = await takeSnapshot({
    prefix: realPrefix, into: place.folder, method: place.method, signal: context.signal, now,
    onProgress: (done, total) => context.progress({ fraction: (done / total) * ends.snapshot, doing: `snapshot: ${done} of ${total} files` }),
  });
  await journal.append({ event: 'snapshot_done' });
  store.change(stored, { snapshotBytes: snapshot.extraBytes });
  context.log(`Snapshot of ${snapshot.manifest.entries.length} files by ${place.method} in ${(snapshot.tookMs / 1000).toFixed(1)} s, ${(snapshot.extraBytes / 1e6).toFixed(1)} MB of disk: ${place.folder}`);
  if (snapshot.fellBack > 0) context.log(`${snapshot.fellBack} files could not be shared and were copied.`);
  for (const path of snapshot.manifest.skipped.slice(0, 20)) context.log(`Not in the snapshot, because it is no file: ${showPath(path)}`);
  for (const path of snapshot.manifest.left.slice(0, 20)) context.log(`Not in the snapshot, because it is no part of this environment: ${showPath(path)}`);
  const example = fingerprint === null ? null : compareFingerprints(fingerprint, fingerprintOf(packagesOfManifest(snapshot.manifest)));
  if (example !== null) throw problemError('upgrade.changed_meanwhile', { prefix: stored.upgrade.prefix, between: 'the plan and now', example, remedy: 'Nothing was changed by Warpdeck. Plan again.' });
  return snapshot.manifest;
}

async function change(run: Transaction, manifest: Manifest): Promise<void> {
  const { stored, store, journal, context } = run;
  context.signal.throwIfAborted();
  store.change(stored, { step: 'apply' });
  await store.save(stored);
  await journal.append({ event: 'apply' });
  await run.change({
    signal: context.signal,
    log: context.log,
    progress: ({ fraction, doing }) => context.progress({ fraction: fraction === null ? null : ends.snapshot + fraction * (ends.apply - ends.snapshot), ...(doing === undefined ? {} : { doing }) }),
    noteProcess: (pid) => journal.append({ event: 'process', pid, startTicks: readProcessStartTicks(pid) }),
  });
  context.signal.throwIfAborted();
  await refuseForeign(stored, packagesOfManifest(manifest), await readPackages(stored.internals.realPrefix));
}

/** Nobody but the plan's own tool may have changed packages meanwhile, and the plan came true. */
async function refuseForeign(stored: StoredUpgrade, before: InstalledPackages, after: InstalledPackages): Promise<void> {
  const { planned } = stored.internals;
  if (planned === null) return;
  const { prefix, changes } = stored.upgrade;
  const [foreign] = decideForeign(before, after, new Set(planned));
  if (foreign !== undefined) {
    const [was, is] = [before.get(foreign)?.version, after.get(foreign)?.version];
    throw problemError('upgrade.changed_meanwhile', {
      prefix, between: 'the beginning and the end of the installation',
      example: is === undefined ? `${foreign} ${was} was removed` : was === undefined ? `${foreign} ${is} was installed` : was === is ? `${foreign} ${is} was installed again` : `${foreign} went from ${was} to ${is}`,
      remedy: 'What Warpdeck did was put back; what the other did was left. Wait until nothing else works in this environment, then plan again.',
    });
  }
  for (const { name, to } of changes) {
    const is = after.get(normalizeName(name))?.version ?? null;
    if (!isSameVersion(is, to)) throw problemError('upgrade.verify_failed', { check: 'Packages', detail: `${name} should be ${to ?? 'gone'} and is ${is ?? 'not there'}` });
  }
}

/** PEP 440: a local label counts only where both say one; METADATA of torch wheels often leaves it out. */
function isSameVersion(is: string | null, planned: string | null): boolean {
  if (is === null || planned === null) return is === planned;
  const [a, b] = [is.split('+'), planned.split('+')];
  return a[0] === b[0] && (a[1] === undefined || b[1] === undefined || a[1].replace(/[-_]/g, '.') === b[1].replace(/[-_]/g, '.'));
}

async function verify({ stored, store, journal, context, verify: checks }: Transaction): Promise<void> {
  store.change(stored, { step: 'verify' });
  await store.save(stored);
  await journal.append({ event: 'verify' });
  const set = (index: number, to: Partial<VerifyCheck>): void => {
    store.change(stored, { checks: stored.upgrade.checks.map((one, i) => (i === index ? { ...one, ...to } : one)) });
  };
  for (const [index, check] of checks.entries()) {
    context.signal.throwIfAborted();
    await journal.append({ event: 'check', name: check.name });
    set(index, { state: 'running' });
    context.progress({ fraction: ends.apply + (index / checks.length) * (ends.verify - ends.apply), doing: check.title });
    try {
      const found = await check.run(context.signal);
      set(index, typeof found === 'object' && found !== null ? { state: 'skipped', text: found.skipped } : { state: 'passed', text: found });
    } catch (error) {
      set(index, { state: 'failed', text: errorText(error) });
      for (const i of checks.keys()) if (i > index) set(i, { state: 'skipped', text: 'not run' });
      throw problemError('upgrade.verify_failed', { check: check.title, detail: errorText(error) }, { cause: error });
    }
  }
}

async function commit({ stored, store, journal, context, now }: Transaction, manifest: Manifest): Promise<void> {
  const { realPrefix } = stored.internals;
  const snapshot = stored.upgrade.snapshotPath ?? '';
  context.progress({ fraction: ends.verify, doing: 'writes everything to the disk' });
  store.change(stored, { step: 'commit' });
  await journal.append({ event: 'flush' });
  await flushChanged(realPrefix, snapshot, manifest, context.signal);
  const altered = await readAltered(realPrefix, snapshot, context.signal);
  const after = fingerprintOf(await readPackages(realPrefix));
  context.signal.throwIfAborted();
  // From here it is done, whatever happens.
  await journal.append({ event: 'commit' });
  const [example] = altered;
  store.change(stored, {
    state: 'committed', endedAtMs: now(), problem: null, canUndo: example === undefined,
    whyNot: example === undefined ? null : `The tool wrote into ${altered.length} files instead of replacing them, among them ${showPath(example)}: their old content is lost. All others can be put back with agreement.`,
  }, { after, altered: altered.length });
  await store.freeBallast(stored).catch(() => undefined);
  await store.save(stored).catch(() => undefined);
  if (stored.upgrade.whyNot !== null) context.log(stored.upgrade.whyNot);
}

/** Installers do not flush: without this a power cut after the commit could leave files of length zero. */
async function flushChanged(prefix: string, snapshot: string, manifest: Manifest, signal: AbortSignal): Promise<void> {
  const differences = await compareTree({ prefix, snapshot, manifest, readContents: false, signal });
  const added = differences.flatMap((one) => (one.what === 'added' ? [one.path] : []));
  const walk = added.length === 0 ? [] : (await walkTree(prefix, signal)).entries;
  const isNew = (path: string): boolean => added.some((top) => path === top || path.startsWith(`${top}/`));
  const changed = differences.flatMap((one) => (one.what === 'changed' && one.entry.t === 'f' ? [one.entry.p] : []));
  const files = [...changed, ...walk.filter((entry) => entry.type === 'file' && isNew(entry.path)).map((entry) => entry.path)];
  await forEachLimited(files, FLUSH_AT_ONCE, async (path) => {
    const handle = await open(fullPath(prefix, path), 'r').catch(() => null);
    try {
      // Some file systems do not flush what was opened for reading.
      await handle?.sync().catch(() => undefined);
    } finally {
      await handle?.close();
    }
  }, signal);
}
