import { lstat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { upgradePlan, type Upgrade, type UpgradePlan } from '../../../contract/upgrades.ts';
import { errorText } from '../snapshot/file-trouble.ts';
import { probeLinkMethod } from '../snapshot/link-method.ts';
import { readManifest, type Manifest } from '../snapshot/manifest.ts';
import { readAltered } from '../snapshot/restore-snapshot.ts';
import { showPath } from '../snapshot/tree-path.ts';
import { checkEnvironment, readRoom } from './check-environment.ts';
import { compareFingerprints, diffPackages, fingerprintOf, type Fingerprint, type InstalledPackages } from './installed-packages.ts';
import { packagesOfManifest, readPackages } from './read-packages.ts';
import type { StoredUpgrade } from './upgrade-store.ts';

export interface RollbackPlanInput {
  readonly stored: StoredUpgrade;
  readonly environment: FoundEnvironment;
  readonly users: UpgradePlan['usedBy'];
  /** Upgrades that came later and whose effect goes too. */
  readonly later: readonly Upgrade[];
  readonly now: () => number;
}

export interface PlannedRollback {
  readonly plan: UpgradePlan;
  /** To be handed to `rollback`. */
  readonly fingerprint: Fingerprint;
}

const VALID_FOR_MS = 15 * 60_000;

/** What undoing would change: nothing is written but a probe, nothing is asked of a network. */
export async function planRollbackOf({ stored, environment, users, later, now }: RollbackPlanInput): Promise<PlannedRollback> {
  const startedAt = performance.now();
  const { upgrade, internals } = stored;
  const snapshot = upgrade.snapshotPath ?? '';
  const isThere = await lstat(internals.realPrefix).then(() => true, () => false);
  // A folder that was deleted is made anew.
  const problems: Problem[] = isThere ? await checkEnvironment(environment, users) : [];
  const present = await readPackages(internals.realPrefix).catch((): InstalledPackages => new Map());
  const kept = await readManifest(snapshot).then((manifest) => ({ manifest, trouble: null }), (error: unknown) => ({ manifest: null, trouble: errorText(error) }));
  if (kept.manifest === null) problems.push(makeProblem('upgrade.rollback_failed', { detail: kept.trouble, snapshot }));
  else {
    const altered = await readAltered(internals.realPrefix, snapshot).catch(() => []);
    const [first] = altered;
    if (first !== undefined) {
      // Everything else can be put back, so this is to be agreed to rather than forbidden.
      problems.push({ ...makeProblem('upgrade.rollback_failed', { detail: `${altered.length} files were written in place since, so their old content is lost, among them ${showPath(first)}. All others can be put back`, snapshot }), severity: 'attention' });
    }
  }
  const since = internals.after === null ? null : compareFingerprints(internals.after, fingerprintOf(present));
  if (since !== null) {
    problems.push({ ...makeProblem('upgrade.changed_meanwhile', { prefix: upgrade.prefix, between: `the end of upgrade ${upgrade.id} and now`, example: since, remedy: 'Undoing takes this away as well; it can itself be undone.' }), severity: 'attention' });
  }
  const before = kept.manifest === null ? present : packagesOfManifest(kept.manifest);
  const changes = diffPackages(present, before);
  const room = await readRoom(internals.realPrefix);
  const method = isThere ? await probeLinkMethod(internals.realPrefix, stored.folder) : kept.manifest?.method ?? 'copy';
  const returns = kept.manifest === null ? null : bytesThatReturn(kept.manifest);
  const plan: UpgradePlan = {
    planId: randomUUID(), expiresAtMs: now() + VALID_FOR_MS, environmentId: upgrade.environmentId, environmentName: environment.name, prefix: environment.prefix,
    kind: 'rollback', route: null, tool: environment.tool ?? 'pip', commands: [], changes, unchanged: [...before.keys()].length - changes.filter((one) => one.to !== null && one.from !== null).length - changes.filter((one) => one.from === null).length,
    resolvedWith: `the snapshot of ${new Date(kept.manifest?.takenAtMs ?? upgrade.startedAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`, resolveMs: performance.now() - startedAt,
    downloadBytes: 0, diskDuringBytes: method === 'copy' ? returns : 0, diskAfterBytes: method === 'copy' ? returns : 0, diskFreeBytes: room.freeBytes, secondsExpected: null, snapshotMethod: method,
    usedBy: users, breaks: later.map((one) => `Upgrade ${one.id} of ${new Date(one.startedAtMs).toISOString().slice(0, 10)} is undone with it.`), problems, wrong: [],
  };
  return { plan: upgradePlan.parse(plan), fingerprint: fingerprintOf(present) };
}

function bytesThatReturn(manifest: Manifest): number {
  return manifest.entries.reduce((sum, entry) => sum + (entry.t === 'f' ? entry.s : 0), 0);
}
