import type { Alert } from '../../contract/alerts.ts';
import { isFinding, type Drift } from '../../contract/verdict.ts';

const build = (torch: string | null): string => (torch === null ? 'no torch' : torch);

/** A change that somebody else made, as an alert: what, when, by whom, and what it did to the verdict. Pure. */
export function alertOfDrift(drift: Drift): Alert {
  const worse = isFinding(drift.toWorst) && !isFinding(drift.fromWorst);
  const by = drift.by === null ? '' : ` It was done by ${drift.by}.`;
  const way = drift.upgradeId === null ? 'Repair it from the page Environments.' : 'The state before is kept: put it back from the page Environments.';
  return {
    id: `drift-${drift.id}`, kind: 'environment', severity: worse ? 'problem' : 'attention', uuid: null, deviceName: null,
    title: `torch in ${drift.environmentName} went from ${build(drift.fromTorch)} to ${build(drift.toTorch)}`,
    text: worse ? `It can no longer use every GPU.${by} ${way}` : `Its verdict is no worse.${by}`,
    value: drift.toTorch, sinceMs: drift.atMs, endedMs: null, quietUntilMs: null,
  };
}
