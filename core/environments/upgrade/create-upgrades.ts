import { mkdir, realpath } from 'node:fs/promises';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { Upgrade, UpgradePlan } from '../../../contract/upgrades.ts';
import type { Logger } from '../../logging/logger.ts';
import { fileTrouble } from '../snapshot/file-trouble.ts';
import { decidePrune } from '../snapshot/delete-snapshot.ts';
import { restoreSnapshot } from '../snapshot/restore-snapshot.ts';
import { checkEnvironment } from './check-environment.ts';
import { lockEnvironment } from './environment-lock.ts';
import { compareFingerprints, normalizeName, readFingerprint, type Fingerprint } from './installed-packages.ts';
import { planRollbackOf, type PlannedRollback } from './plan-rollback.ts';
import { recoverUpgrade, tidyEnvironment } from './recover-upgrade.ts';
import { runTransaction } from './run-transaction.ts';
import { deleteSnapshotAt } from './snapshot-place.ts';
import type { ApplyInput, ChangeContext, RollbackInput, UpgradeCheck, UpgradeContext } from './upgrade-input.ts';
import { openJournal } from './upgrade-journal.ts';
import { createUpgradeStore, newUpgradeId, type StoredUpgrade } from './upgrade-store.ts';

export interface Upgrades {
  /**
   * Applies a plan as a transaction: afterwards the environment is in the new state, checked, or exactly as before.
   * @throws ProblemError `upgrade.plan_expired`, `upgrade.busy`, `upgrade.changed_meanwhile`, `upgrade.verify_failed`,
   * `upgrade.rollback_failed`, what stands in the plan, what the tool threw; the signal's reason on cancellation.
   */
  apply(input: ApplyInput): Promise<Upgrade>;
  /** @throws ProblemError `upgrade.nothing_to_undo` */
  planRollback(input: { readonly upgradeId: string | null; readonly environment: FoundEnvironment; readonly users: UpgradePlan['usedBy'] }): Promise<PlannedRollback>;
  /** Puts back what was before an upgrade, offline; itself a transaction that can be undone. @throws as `apply`, `upgrade.nothing_to_undo` */
  rollback(input: RollbackInput): Promise<Upgrade>;
  /** Newest first. Empty until `recover` or another call has read what is stored. */
  list(): readonly Upgrade[];
  get(id: string): Upgrade | null;
  onChange(listener: () => void): () => void;
  /** Deletes the snapshot: it cannot be undone any more. @throws ProblemError `upgrade.nothing_to_undo` */
  forget(id: string): Promise<void>;
  /** Deletes snapshots older than this, but of each environment the newest. Answers the ids. */
  prune(days: number): Promise<readonly string[]>;
  /** At the engine's start: upgrades that an earlier engine left running are put back, or kept where they were committed. */
  recover(): Promise<readonly Upgrade[]>;
}

export interface UpgradesOptions {
  /** One folder per upgrade in it. */
  readonly dataFolder: string;
  readonly log: Logger;
  readonly now?: () => number;
  /** Settles when programs of an earlier engine have ended; recovery waits for it. */
  readonly processesEnded?: () => Promise<unknown>;
}

export function createUpgrades({ dataFolder, log: parent, now = Date.now, processesEnded }: UpgradesOptions): Upgrades {
  const log = parent.child('upgrades');
  const store = createUpgradeStore(dataFolder, log);

  const begin = async (spec: Begin): Promise<Upgrade> => {
    await store.load();
    spec.context.signal.throwIfAborted();
    const { environment } = spec;
    const id = newUpgradeId(now());
    const realPrefix = await resolvePrefix(environment.prefix, spec.kind === 'rollback');
    const blocking = (await checkEnvironment({ ...environment, prefix: realPrefix }, [])).find((one) => one.severity === 'problem');
    if (blocking !== undefined) throw new ProblemError(blocking);
    await mkdir(dataFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => { throw fileTrouble(error, dataFolder); });
    const torch = spec.changes.find((one) => normalizeName(one.name) === 'torch') ?? spec.changes.find((one) => normalizeName(one.name) === 'pytorch');
    const upgrade: Upgrade = {
      id, planId: spec.planId, jobId: spec.jobId, kind: spec.kind, undoes: spec.undoes, environmentId: environment.id, environmentName: environment.name, prefix: environment.prefix,
      state: 'running', step: 'planned', startedAtMs: now(), endedAtMs: null, fromTorch: torch?.from ?? null, toTorch: torch?.to ?? null, changes: [...spec.changes],
      checks: spec.verify.map(({ name, title }) => ({ name, title, state: 'waiting', text: null })), snapshotPath: null, snapshotBytes: null, canUndo: false, whyNot: 'It is running.', problem: null,
    };
    const packageFolders = inside(environment, realPrefix);
    // The record first: what a crash leaves in the environment, a lock to begin with, is then found by recovery.
    const stored = await store.add(upgrade, { realPrefix, tool: environment.tool, packageFolders, planned: spec.planned, undid: [...spec.undid], after: null, altered: 0 });
    try {
      return await lockAndRun(spec, stored);
    } catch (error) {
      if (store.get(id) === undefined) await store.drop(stored).catch(() => undefined);
      throw error;
    }
  };

  const lockAndRun = async (spec: Begin, stored: StoredUpgrade): Promise<Upgrade> => {
    const { realPrefix, packageFolders } = stored.internals;
    const lock = await lockEnvironment(realPrefix, stored.upgrade.id, now);
    try {
      const example = spec.fingerprint === null ? null : compareFingerprints(spec.fingerprint, await readFingerprint({ prefix: realPrefix, packageFolders }));
      if (example !== null) throw problemError('upgrade.changed_meanwhile', { prefix: spec.environment.prefix, between: 'the plan and now', example, remedy: 'Nothing was changed by Warpdeck. Plan again.' });
      const journal = await openJournal(stored.folder, now).catch((error: unknown) => { throw fileTrouble(error, stored.folder); });
      try {
        store.admit(stored);
        await runTransaction({ stored, store, journal, fingerprint: spec.fingerprint, verify: spec.verify, context: spec.context, now, change: spec.change });
        await applyUndone(stored);
        log.info('an upgrade was committed', { id: stored.upgrade.id, kind: spec.kind });
        return stored.upgrade;
      } finally {
        await journal.close();
      }
    } finally {
      await lock.release().catch((error: unknown) => log.warn('a lock could not be removed', { realPrefix, error: String(error) }));
    }
  };

  /** What an undoing that is committed does to the records of what it undid. Done again after a crash, it changes nothing. */
  const applyUndone = async (stored: StoredUpgrade): Promise<void> => {
    const target = stored.upgrade.undoes === null ? undefined : store.get(stored.upgrade.undoes);
    if (target === undefined) return;
    const back = new Set(target.internals.undid);
    for (const id of stored.internals.undid) await setState(id, 'undone');
    // To undo an undoing makes valid again what it had undone.
    for (const id of back) await setState(id, 'committed');
  };
  const setState = async (id: string, state: 'undone' | 'committed'): Promise<void> => {
    const one = store.get(id);
    if (one === undefined || one.upgrade.state === state) return;
    const canUndo = state === 'committed' && one.upgrade.snapshotPath !== null && one.internals.altered === 0;
    store.change(one, { state, canUndo, whyNot: state === 'undone' ? 'It was undone.' : canUndo ? null : 'Its snapshot is gone.' });
    await store.save(one).catch((error: unknown) => log.warn('the record of an upgrade cannot be stored', { id, error: String(error) }));
  };

  const newestFirst = (): readonly StoredUpgrade[] => store.all().toSorted((a, b) => b.upgrade.startedAtMs - a.upgrade.startedAtMs);

  const choose = async (upgradeId: string | null, environment: FoundEnvironment): Promise<{ stored: StoredUpgrade; later: readonly Upgrade[] }> => {
    await store.load();
    const ofThis = newestFirst().filter((one) => one.upgrade.environmentId === environment.id);
    const isKept = (one: StoredUpgrade): boolean => one.upgrade.snapshotPath !== null && ['committed', 'failed'].includes(one.upgrade.state);
    const stored = upgradeId === null ? ofThis.find((one) => one.upgrade.kind !== 'rollback' && isKept(one)) : ofThis.find((one) => one.upgrade.id === upgradeId);
    if (stored === undefined) throw problemError('upgrade.nothing_to_undo', { detail: upgradeId === null ? `No upgrade of ${environment.name} is kept.` : `${environment.name} has no upgrade ${upgradeId}.` });
    if (!isKept(stored)) throw problemError('upgrade.nothing_to_undo', { detail: `Upgrade ${stored.upgrade.id} cannot be undone. ${stored.upgrade.whyNot ?? ''}`.trim() });
    const later = ofThis.filter((one) => one.upgrade.startedAtMs > stored.upgrade.startedAtMs && one.upgrade.state === 'committed').map((one) => one.upgrade);
    return { stored, later };
  };

  return {
    async apply(input) {
      refusePlan(input.plan, input.agree, now());
      return begin({
        kind: input.plan.kind, planId: input.plan.planId, jobId: input.jobId, undoes: null, undid: [], environment: input.environment, changes: input.plan.changes, fingerprint: input.fingerprint,
        planned: input.plan.changes.map((one) => normalizeName(one.name)), verify: input.verify, context: input.context, change: (context) => input.install(context),
      });
    },
    async planRollback({ upgradeId, environment, users }) {
      const { stored, later } = await choose(upgradeId, environment);
      return planRollbackOf({ stored, environment, users, later, now });
    },
    async rollback(input) {
      const { stored, later } = await choose(input.upgradeId, input.environment);
      const snapshot = stored.upgrade.snapshotPath ?? '';
      const { plan } = await planRollbackOf({ stored, environment: input.environment, users: [], later, now });
      refusePlan(plan, input.agree, now());
      return begin({
        kind: 'rollback', planId: input.planId, jobId: input.jobId, undoes: stored.upgrade.id, undid: [stored.upgrade.id, ...later.map((one) => one.id)], environment: input.environment,
        changes: plan.changes, fingerprint: input.fingerprint, planned: null, verify: input.verify, context: input.context,
        async change({ signal, progress, log: tell }) {
          const done = await restoreSnapshot({ prefix: await realpath(input.environment.prefix), snapshot, lost: input.agree ? 'leave' : 'refuse', signal, onProgress: (count, total) => progress({ fraction: total === 0 ? 1 : count / total, doing: `puts back ${count} of ${total} files` }) });
          tell(`Put back ${done.placed} files in ${(done.tookMs / 1000).toFixed(1)} s, ${done.folders} folders as a whole, ${done.removed} new ones removed.`);
          if (done.lost.length > 0) tell(`${done.lost.length} files were written in place and are left as they are.`);
        },
      });
    },
    list: () => newestFirst().map((one) => one.upgrade),
    get: (id) => store.get(id)?.upgrade ?? null,
    onChange: (listener) => store.onChange(listener),
    async forget(id) {
      await store.load();
      const one = store.get(id);
      if (one === undefined || one.upgrade.state === 'running' || one.upgrade.snapshotPath === null) throw problemError('upgrade.nothing_to_undo', { detail: one === undefined ? `There is no upgrade ${id}.` : one.upgrade.state === 'running' ? `Upgrade ${id} is running.` : `Upgrade ${id} has no snapshot any more.` });
      await dropSnapshot(one, 'Its snapshot was deleted to free disk space.');
    },
    async prune(days) {
      await store.load();
      const kept = store.all().flatMap((one) => (one.upgrade.snapshotPath === null || one.upgrade.state === 'running' || one.upgrade.state === 'failed' ? [] : [{ id: one.upgrade.id, environmentId: one.upgrade.environmentId, folder: one.upgrade.snapshotPath, takenAtMs: one.upgrade.startedAtMs }]));
      const doomed = decidePrune(kept, days, 1, now());
      for (const { id } of doomed) {
        const one = store.get(id);
        if (one !== undefined) await dropSnapshot(one, `Its snapshot was deleted after ${days} days.`);
      }
      return doomed.map((one) => one.id);
    },
    async recover() {
      await processesEnded?.().catch((error: unknown) => log.warn('programs of an earlier engine could not be ended', { error: String(error) }));
      await store.load();
      const recovered: Upgrade[] = [];
      for (const one of store.all().filter((stored) => stored.upgrade.state === 'running')) {
        if (await recoverUpgrade(one, store, log, now, applyUndone)) recovered.push(one.upgrade);
      }
      // A crash between the commit of an undoing and the records of what it undid: only the newest can be such a one.
      const environments = new Set(store.all().map((stored) => stored.upgrade.environmentId));
      for (const id of environments) {
        const newest = newestFirst().find((stored) => stored.upgrade.environmentId === id);
        if (newest?.upgrade.state === 'committed') await applyUndone(newest);
      }
      for (const prefix of new Set(store.all().map((stored) => stored.internals.realPrefix))) await tidyEnvironment(prefix, now);
      return recovered;
    },
  };

  async function dropSnapshot(one: StoredUpgrade, whyNot: string): Promise<void> {
    const { snapshotPath } = one.upgrade;
    // The record first: a snapshot that is half deleted must not be offered.
    store.change(one, { snapshotPath: null, snapshotBytes: null, canUndo: false, whyNot: one.upgrade.state === 'committed' || one.upgrade.state === 'failed' ? whyNot : one.upgrade.whyNot });
    await store.save(one);
    if (snapshotPath !== null) await deleteSnapshotAt(snapshotPath);
  }
}

interface Begin {
  readonly kind: Upgrade['kind'];
  readonly planId: string;
  readonly jobId: string | null;
  readonly undoes: string | null;
  readonly undid: readonly string[];
  readonly environment: FoundEnvironment;
  readonly changes: Upgrade['changes'];
  readonly fingerprint: Fingerprint | null;
  readonly planned: string[] | null;
  readonly verify: readonly UpgradeCheck[];
  readonly context: UpgradeContext;
  change(context: ChangeContext): Promise<void>;
}

function refusePlan(plan: UpgradePlan, agree: boolean, nowMs: number): void {
  if (plan.expiresAtMs < nowMs) throw problemError('upgrade.plan_expired', { why: 'It is older than it may be: packages and programs may have changed since.' });
  const [forbids] = plan.problems.filter((one) => one.severity === 'problem');
  if (forbids !== undefined) throw new ProblemError(forbids);
  const [asks] = plan.problems.filter((one) => one.severity === 'attention');
  if (asks !== undefined && !agree) throw new ProblemError(asks);
}

/** An undoing may make a folder anew that is gone. */
async function resolvePrefix(prefix: string, mayMake: boolean): Promise<string> {
  try {
    if (mayMake) await mkdir(prefix, { recursive: true });
    return await realpath(prefix);
  } catch (error) {
    throw fileTrouble(error, prefix);
  }
}

/** Package folders below the prefix, with the prefix's links resolved. */
function inside(environment: FoundEnvironment, realPrefix: string): string[] {
  return environment.packageFolders.flatMap((folder) => (folder.startsWith(`${environment.prefix}/`) ? [`${realPrefix}${folder.slice(environment.prefix.length)}`] : []));
}
