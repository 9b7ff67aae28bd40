import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { UpgradeStep } from '../../../contract/upgrades.ts';
import type { Logger } from '../../logging/logger.ts';
import { readGroupMembers, readProcessStartTicks } from '../../supervisor/process-identity.ts';
import { errorText, isMissing } from '../snapshot/file-trouble.ts';
import { removeTree } from '../snapshot/remove-tree.ts';
import { WORK_FOLDER } from '../snapshot/restore-snapshot.ts';
import { LOCK_FILE, lockEnvironment } from './environment-lock.ts';
import { putBack } from './put-back.ts';
import { endRolledBack } from './run-transaction.ts';
import { decideRecovery, openJournal, readJournal, type JournalEvent } from './upgrade-journal.ts';
import { stepNames, type StoredUpgrade, type UpgradeStore } from './upgrade-store.ts';

/** Terminate, then kill after this long. */
const GRACE_MS = 2000;
const GONE_WITHIN_MS = 5000;
const LOOK_MS = 25;

/**
 * Brings an upgrade that was running when the engine ended to an end: what it started is ended, the environment is
 * locked, then a commit that was reached is kept, and everything else put back. Answers false where somebody else has
 * the environment; the upgrade then stays as it is for the next start.
 */
export async function recoverUpgrade(stored: StoredUpgrade, store: UpgradeStore, log: Logger, now: () => number, afterCommit: (stored: StoredUpgrade) => Promise<void>): Promise<boolean> {
  const { realPrefix } = stored.internals;
  const events = await readJournal(stored.folder);
  await endNotedProcesses(events, log);
  const journal = await openJournal(stored.folder, now);
  try {
    const decision = decideRecovery(events);
    if (decision !== 'keep' && !(await isThere(realPrefix))) {
      await endWithoutEnvironment(stored, store, decision, now);
      return true;
    }
    const lock = await lockEnvironment(realPrefix, stored.upgrade.id, now).catch((error: unknown) => {
      if (problemOf(error)?.code === 'upgrade.busy') return null;
      // It cannot be written to: that is found again, and said, when putting back is tried.
      return 'none' as const;
    });
    // Where nothing was touched, nothing is to be touched now either.
    if (lock === null && decision !== 'discard') return false;
    try {
      if (lock !== null) await clearLeftovers(realPrefix);
      await clearUpgradeFolder(stored, store);
      if (decision === 'keep') await keepCommitted(stored, store, now, afterCommit);
      else await endInterrupted(stored, store, journal, decision, log, now);
    } finally {
      if (lock !== 'none' && lock !== null) await lock.release().catch(() => undefined);
    }
    return true;
  } finally {
    await journal.close();
  }
}

async function keepCommitted(stored: StoredUpgrade, store: UpgradeStore, now: () => number, afterCommit: (stored: StoredUpgrade) => Promise<void>): Promise<void> {
  store.change(stored, { state: 'committed', step: 'commit', endedAtMs: stored.upgrade.endedAtMs ?? now(), canUndo: stored.upgrade.snapshotPath !== null, problem: null });
  await afterCommit(stored);
  await store.save(stored);
}

async function endInterrupted(stored: StoredUpgrade, store: UpgradeStore, journal: Awaited<ReturnType<typeof openJournal>>, decision: 'restore' | 'discard', log: Logger, now: () => number): Promise<void> {
  const { upgrade } = stored;
  const step: UpgradeStep = upgrade.step;
  const interrupted = makeProblem('upgrade.interrupted', { step: stepNames[step], environment: upgrade.environmentName });
  try {
    const said = decision === 'discard' ? ['Nothing was changed.'] : await putBack(stored, (text) => log.info(text, { upgrade: upgrade.id }));
    await endRolledBack(stored, store, journal, {
      step: decision === 'restore' ? 'rollback' : step, endedAtMs: now(), problem: { ...interrupted, chain: [...said] }, whyNot: 'It was interrupted, and everything is as before.',
    });
  } catch (error) {
    log.error('an interrupted upgrade could not be put back', { id: upgrade.id, error: String(error) });
    const problem = problemOf(error) ?? makeProblem('upgrade.rollback_failed', { detail: errorText(error), snapshot: upgrade.snapshotPath });
    store.change(stored, { state: 'failed', step: 'rollback', endedAtMs: now(), problem: { ...problem, chain: [...problem.chain, interrupted.cause] }, canUndo: true, whyNot: null });
    await store.save(stored).catch(() => undefined);
  }
}

/** Who deleted the folder meant it: it is not made anew unasked. */
async function endWithoutEnvironment(stored: StoredUpgrade, store: UpgradeStore, decision: 'restore' | 'discard', now: () => number): Promise<void> {
  const { prefix, snapshotPath } = stored.upgrade;
  const problem = makeProblem('upgrade.rollback_failed', { detail: `${prefix} is not there any more`, snapshot: snapshotPath });
  store.change(stored, { state: 'failed', step: 'rollback', endedAtMs: now(), problem, canUndo: decision === 'restore' && snapshotPath !== null, whyNot: decision === 'restore' ? null : 'There is no whole snapshot.' });
  await store.save(stored);
}

/** After a crash between the end of an upgrade and the release of its lock: our names in the environment go. */
export async function tidyEnvironment(prefix: string, now: () => number): Promise<void> {
  const names = await readdir(prefix).catch(() => []);
  if (!names.some((name) => name.startsWith(LOCK_FILE) || name === WORK_FOLDER)) return;
  // Held by somebody who lives, it is theirs to tidy.
  const lock = await lockEnvironment(prefix, 'recovery', now).catch(() => null);
  if (lock === null) return;
  await clearLeftovers(prefix);
  await lock.release().catch(() => undefined);
}

async function clearLeftovers(prefix: string): Promise<void> {
  await removeTree(Buffer.from(join(prefix, WORK_FOLDER))).catch(() => undefined);
  const names = await readdir(prefix).catch(() => []);
  for (const name of names) if (name.startsWith(`${LOCK_FILE}.`) || name.startsWith('.warpdeck-probe-')) await rm(join(prefix, name), { force: true }).catch(() => undefined);
}

/** The ballast, a probe of the file system, and records that were cut off before they took their place. */
async function clearUpgradeFolder(stored: StoredUpgrade, store: UpgradeStore): Promise<void> {
  await store.freeBallast(stored).catch(() => undefined);
  for (const name of await readdir(stored.folder)) if (/^\.upgrade\.json\..*\.tmp$|^\.warpdeck-probe-/.test(name)) await rm(join(stored.folder, name), { force: true }).catch(() => undefined);
}

/** Ends the groups of programs that the upgrade had noted, where the leader is the very process or its group lives on. */
async function endNotedProcesses(events: readonly JournalEvent[], log: Logger): Promise<void> {
  for (const event of events) {
    if (event.event !== 'process' || event.startTicks === null || event.pid <= 1) continue;
    const ticks = readProcessStartTicks(event.pid);
    // The number means another process by now.
    if (ticks !== null && ticks !== event.startTicks) continue;
    if (readGroupMembers(event.pid).length === 0) continue;
    log.warn('ends a program of an interrupted upgrade', { pid: event.pid });
    signal(event.pid, 'SIGTERM');
    if (!(await waitForEnd(event.pid, GRACE_MS))) signal(event.pid, 'SIGKILL');
    await waitForEnd(event.pid, GONE_WITHIN_MS);
  }
}

function signal(group: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-group, name);
  } catch {
    // It ended by itself.
  }
}

async function waitForEnd(group: number, milliseconds: number): Promise<boolean> {
  const until = performance.now() + milliseconds;
  while (readGroupMembers(group).length > 0) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(() => true, (error: unknown) => !isMissing(error));
}
