import { createHash } from 'node:crypto';
import { isFinding, type Drift, type EnvironmentReport, type VerdictWord } from '../../../contract/verdict.ts';

/** What is compared between two looks at an environment. */
export interface EnvironmentState {
  readonly torch: string | null;
  readonly worst: VerdictWord;
  /** Of the names and versions of all packages. */
  readonly packagesHash: string;
}

/** The state of a report; null when its packages could not be read: then nothing is known, not "no torch". */
export function stateOfReport(report: Pick<EnvironmentReport, 'xray' | 'worst'>): EnvironmentState | null {
  const { xray } = report;
  if (xray === null) return null;
  return { torch: xray.torch?.version ?? xray.torch?.metadataVersion ?? null, worst: report.worst, packagesHash: hashPackages(xray.packages) };
}

/** The order in which they were read does not count. */
export function hashPackages(packages: readonly { readonly name: string; readonly version: string }[]): string {
  const hash = createHash('sha256');
  for (const line of packages.map((p) => `${p.name}\n${p.version}\n`).sort()) hash.update(line);
  return hash.digest('hex').slice(0, 32);
}

export interface DriftContext {
  readonly id: string;
  readonly environmentId: string;
  readonly environmentName: string;
  readonly atMs: number;
  /** An upgrade or rollback of Warpdeck did it. */
  readonly ours: boolean;
  readonly by: string | null;
  /** The way back to the state before. */
  readonly upgradeId: string | null;
}

/**
 * Whether somebody else changed what concerns us: another torch, or other packages with another verdict. A verdict
 * that changes while the packages stay is the driver's or the GPU's doing; a change of other packages is nobody's
 * business. Pure.
 */
export function decideDrift(before: EnvironmentState, after: EnvironmentState, context: DriftContext): Drift | null {
  if (context.ours) return null;
  const verdictKnown = before.worst !== 'unknown' && after.worst !== 'unknown';
  const verdictChanged = before.packagesHash !== after.packagesHash && verdictKnown && before.worst !== after.worst && (isFinding(before.worst) || isFinding(after.worst));
  if (before.torch === after.torch && !verdictChanged) return null;
  return {
    id: context.id, environmentId: context.environmentId, environmentName: context.environmentName, atMs: context.atMs,
    fromTorch: before.torch, toTorch: after.torch, fromWorst: before.worst, toWorst: after.worst,
    by: context.by, upgradeId: context.upgradeId, seen: false,
  };
}

/** A change within this time of one that nobody has seen yet is its continuation, ms: installers remove, then put. */
export const MERGE_WITHIN_MS = 10 * 60_000;

/**
 * One drift out of two that belong together; null when the second took the first back; `separate` when they are two. Pure.
 */
export function mergeDrifts(earlier: Drift, later: Drift): Drift | null | 'separate' {
  if (earlier.environmentId !== later.environmentId || earlier.seen || later.atMs - earlier.atMs > MERGE_WITHIN_MS) return 'separate';
  if (earlier.fromTorch === later.toTorch && earlier.fromWorst === later.toWorst) return null;
  return { ...earlier, atMs: later.atMs, toTorch: later.toTorch, toWorst: later.toWorst, by: later.by ?? earlier.by };
}
