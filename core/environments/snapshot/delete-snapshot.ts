import { rename } from 'node:fs/promises';
import { isMissing } from './file-trouble.ts';
import { removeTree } from './remove-tree.ts';

export interface KeptSnapshot {
  readonly id: string;
  readonly environmentId: string;
  readonly folder: string;
  readonly takenAtMs: number;
}

const DAY_MS = 86_400_000;

/** Pure: which snapshots have had their time. The newest of each environment stay, however old. */
export function decidePrune(snapshots: readonly KeptSnapshot[], keepDays: number, newestPerEnvironment: number, nowMs: number): readonly KeptSnapshot[] {
  const seen = new Map<string, number>();
  return snapshots.toSorted((a, b) => b.takenAtMs - a.takenAtMs).filter((one) => {
    const rank = seen.get(one.environmentId) ?? 0;
    seen.set(one.environmentId, rank + 1);
    return rank >= newestPerEnvironment && one.takenAtMs < nowMs - keepDays * DAY_MS;
  });
}

/** Deletes a snapshot. It is renamed first, so that one that is half deleted is never taken for one that is there. */
export async function deleteSnapshot(folder: string): Promise<void> {
  const doomed = `${folder}.deleting`;
  await removeTree(Buffer.from(doomed));
  await rename(folder, doomed).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  await removeTree(Buffer.from(doomed));
}
