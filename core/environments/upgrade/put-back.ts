import { readManifest } from '../snapshot/manifest.ts';
import { restoreSnapshot, rollbackFailed } from '../snapshot/restore-snapshot.ts';
import { showPath } from '../snapshot/tree-path.ts';
import { readForeignFiles } from './foreign-files.ts';
import { decideForeign, normalizeName } from './installed-packages.ts';
import { packagesOfManifest, readPackages } from './read-packages.ts';
import type { StoredUpgrade } from './upgrade-store.ts';

/**
 * Puts an environment back to the snapshot of an upgrade that did not come to its end. Packages that somebody else
 * installed or changed meanwhile (not in the plan) are left as they are. The snapshot stays.
 *
 * Answers sentences that say what was done. @throws ProblemError `upgrade.rollback_failed`, the snapshot kept.
 */
export async function putBack(stored: StoredUpgrade, log: (text: string) => void): Promise<readonly string[]> {
  const { realPrefix, planned } = stored.internals;
  const snapshot = stored.upgrade.snapshotPath;
  if (snapshot === null) throw rollbackFailed('there is no snapshot', '');
  const foreign = planned === null ? null : await readForeign(realPrefix, snapshot, planned).catch(() => null);
  const restored = await restoreSnapshot({ prefix: realPrefix, snapshot, lost: 'leave', ...(foreign === null ? {} : { isForeign: foreign.isForeign }) });
  log(`Put back ${restored.placed} files in ${(restored.tookMs / 1000).toFixed(1)} s, ${restored.folders} folders as a whole, ${restored.removed} new ones removed.`);
  const [lost] = restored.lost;
  if (lost !== undefined) {
    throw rollbackFailed(`${restored.lost.length} files were written in place, so their old content is lost, among them ${showPath(lost)}; all others are as before. Reinstall the packages that they belong to`, snapshot);
  }
  const left = foreign === null ? [] : [`Left as it is, because somebody else changed it meanwhile: ${foreign.names.slice(0, 10).join(', ')}.`];
  return ['The old state was put back.', ...left];
}

async function readForeign(prefix: string, snapshot: string, planned: readonly string[]): Promise<{ names: readonly string[]; isForeign: Awaited<ReturnType<typeof readForeignFiles>> } | null> {
  const before = packagesOfManifest(await readManifest(snapshot));
  const after = await readPackages(prefix);
  const names = decideForeign(before, after, new Set(planned));
  if (names.length === 0) return null;
  return { names, isForeign: await readForeignFiles(prefix, snapshot, before, after, names, planned.map(normalizeName)) };
}
