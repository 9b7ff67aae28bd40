import type { Job } from '../../../contract/jobs.ts';
import type { PackageChange, Upgrade, UpgradePlan, UpgradeStep } from '../../../contract/upgrades.ts';

export type WizardStep = 'plan' | 'snapshot' | 'install' | 'verify' | 'done';
export type RepairKind = 'repair' | 'undo';
export interface StepView {
  readonly step: Exclude<WizardStep, 'done'>;
  readonly title: string;
  /** What it is about, in two or three words. */
  readonly hint: string;
  readonly state: 'done' | 'now' | 'next' | 'failed';
}

const words: Readonly<Record<RepairKind, Readonly<Record<StepView['step'], { readonly title: string; readonly hint: string }>>>> = {
  repair: { plan: { title: 'Plan', hint: 'choose and read' }, snapshot: { title: 'Snapshot', hint: 'for the way back' }, install: { title: 'Install', hint: 'can be cancelled' }, verify: { title: 'Verify', hint: 'files, import, kernels' } },
  undo: { plan: { title: 'Plan', hint: 'read what goes back' }, snapshot: { title: 'Snapshot', hint: 'for the way back' }, install: { title: 'Put back', hint: 'offline' }, verify: { title: 'Verify', hint: 'as it was' } },
};
const order: readonly StepView['step'][] = ['plan', 'snapshot', 'install', 'verify'];
const wizardOf: Readonly<Record<UpgradeStep, WizardStep>> = { planned: 'snapshot', snapshot: 'snapshot', apply: 'install', verify: 'verify', commit: 'verify', rollback: 'verify' };

/** The upgrade that the page is about: the one whose job was started from here, else the one that runs. Pure. */
export function findUpgrade(upgrades: readonly Upgrade[], environmentId: string, jobId: string | null): Upgrade | null {
  const mine = upgrades.filter((u) => u.environmentId === environmentId);
  return (jobId === null ? undefined : mine.find((u) => u.jobId === jobId)) ?? mine.find((u) => u.state === 'running') ?? null;
}

/** Where the wizard stands. Without an upgrade it plans; a job that ended before it wrote one has ended. Pure. */
export function decideStep(upgrade: Upgrade | null, job: Job | null): WizardStep {
  if (upgrade === null) return job === null ? 'plan' : job.endedAtMs === null ? 'snapshot' : 'done';
  return upgrade.state === 'running' ? wizardOf[upgrade.step] : 'done';
}

/** The four steps with their states; of a change that was put back, the step that failed. Pure. */
export function decideSteps(kind: RepairKind, upgrade: Upgrade | null, job: Job | null): readonly StepView[] {
  const now = decideStep(upgrade, job);
  const failed = upgrade !== null ? upgrade.state === 'rolled_back' || upgrade.state === 'failed' : job !== null && job.endedAtMs !== null;
  const failedAt: StepView['step'] = upgrade === null ? 'snapshot' : upgrade.checks.some((c) => c.state === 'failed') ? 'verify' : upgrade.snapshotBytes === null ? 'snapshot' : 'install';
  const at = failed ? order.indexOf(failedAt) : now === 'done' ? order.length : order.indexOf(now);
  return order.map((step, i) => ({ step, ...words[kind][step], state: i < at ? 'done' : i > at ? 'next' : failed ? 'failed' : 'now' }));
}

/** torch first, then what follows it, NVIDIA's libraries, the rest; each by name. Pure. */
export function orderChanges(changes: readonly PackageChange[]): readonly PackageChange[] {
  const family = ['torch', 'torchvision', 'torchaudio', 'triton'];
  const rank = (name: string): number => (family.includes(name) ? family.indexOf(name) : name.startsWith('nvidia-') ? 10 : 5);
  return [...changes].sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}

/** Why a package changes, as short as a table can hold: `torch 2.14.1+cu130 needs sympy>=1.13.3` is `torch needs >=1.13.3`. Pure. */
export function decideChangeWhy(change: PackageChange, plan: Pick<UpgradePlan, 'kind'>): string {
  if (change.why === null) {
    if (plan.kind !== 'upgrade') return change.from === null ? 'was there before' : change.to === null ? 'came with the change' : 'as before';
    return change.name === 'torch' ? 'the build chosen' : 'follows torch';
  }
  if (/^Came with the old PyTorch/i.test(change.why)) return 'came with the old torch';
  const needs = /^(\S+) \S+ needs (\S+?)((?:[<>=!~]=?|===).*)?$/.exec(change.why);
  if (needs === null) return change.why;
  const [, by = '', name = '', rest = ''] = needs;
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-') === change.name ? `${by} needs ${rest === '' ? 'it' : rest}` : change.why;
}

/** `3 packages out, 4 in, 87 unchanged`. Pure. */
export function countChanges(plan: Pick<UpgradePlan, 'changes' | 'unchanged'>): string {
  const out = plan.changes.filter((c) => c.from !== null).length;
  const into = plan.changes.filter((c) => c.to !== null).length;
  return `${String(out)} ${out === 1 ? 'package' : 'packages'} out, ${String(into)} in, ${String(plan.unchanged)} unchanged`;
}

/** The user's own command as the engine's machine runs it; null: none. Pure. */
export function decideSmokeCommand(text: string, platform: 'linux_x86_64' | 'linux_aarch64' | 'windows_x86_64' | null): readonly string[] | null {
  const command = text.trim();
  if (command === '') return null;
  return platform === 'windows_x86_64' ? ['cmd.exe', '/d', '/s', '/c', command] : ['sh', '-c', command];
}

export interface ResultWords {
  readonly kind: 'fine' | 'attention' | 'problem';
  readonly said: string;
  readonly more: string;
}

/** What came of it, in a sentence. Pure. */
export function decideResult(name: string, upgrade: Pick<Upgrade, 'kind' | 'state' | 'fromTorch' | 'toTorch' | 'checks'> | null, job: Pick<Job, 'state'> | null): ResultWords {
  const cancelled = job?.state === 'cancelled';
  if (upgrade === null) return cancelled ? { kind: 'attention', said: 'Cancelled before anything was changed.', more: '' } : { kind: 'problem', said: 'The change did not begin.', more: 'Nothing was changed.' };
  const { fromTorch, toTorch, checks } = upgrade;
  if (upgrade.state === 'committed') {
    if (upgrade.kind !== 'upgrade') return { kind: 'fine', said: `${name} is as it was: torch ${toTorch ?? 'is not installed'}.`, more: 'Every file was compared with the snapshot.' };
    const passed = checks.filter((c) => c.state === 'passed').length;
    const skipped = checks.filter((c) => c.state === 'skipped').length;
    return { kind: 'fine', said: `${name} has torch ${toTorch ?? 'no more'} now.`, more: `${String(passed)} ${passed === 1 ? 'check' : 'checks'} passed${skipped === 0 ? '' : `, ${String(skipped)} left out`}.` };
  }
  if (upgrade.state === 'rolled_back') return { kind: 'attention', said: `${name} is as it was: torch ${fromTorch ?? 'is not installed'}.`, more: cancelled ? 'The change was cancelled, and the old state was put back.' : 'The change did not pass, and the old state was put back.' };
  if (upgrade.state === 'undone') return { kind: 'attention', said: 'This change was undone.', more: '' };
  return { kind: 'problem', said: 'The change failed.', more: '' };
}
