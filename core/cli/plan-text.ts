import type { Upgrade, UpgradePlan } from '../../contract/upgrades.ts';
import { cleanText } from './display-width.ts';
import { formatDateTime, formatFileSize, NOT_REPORTED } from './format-values.ts';
import { formatProblem } from './problem-text.ts';
import { renderTable } from './text-table.ts';
import { indent } from './verdict-table.ts';

const size = (bytes: number | null): string => (bytes === null ? NOT_REPORTED : formatFileSize(bytes));

/** All that a plan says: what goes, what comes, what it costs, what stands against it, the commands. */
export function renderPlan(plan: UpgradePlan, room: number | null): readonly string[] {
  const lines = [`${plan.kind === 'upgrade' ? 'Repair' : 'Undo'} ${cleanText(plan.environmentName)}  ${cleanText(plan.prefix)}`];
  if (plan.route !== null) lines.push(`Route: ${cleanText(plan.route.title)}. ${cleanText(plan.route.why)}`);
  lines.push('', ...renderTable(
    [{ title: 'PACKAGE', shrinkTo: 16 }, { title: 'OUT', align: 'right' }, { title: 'IN' }, { title: 'DOWNLOAD', align: 'right' }, { title: 'WHY', dropOrder: 1, shrinkTo: 10 }],
    plan.changes.map((c) => [cleanText(c.name), cleanText(c.from ?? NOT_REPORTED), cleanText(c.to ?? NOT_REPORTED), size(c.downloadBytes), cleanText(c.why ?? '')]), room,
  ));
  lines.push(`${String(plan.changes.length)} packages change, ${String(plan.unchanged)} stay. Resolved with ${cleanText(plan.resolvedWith)} in ${(plan.resolveMs / 1000).toFixed(1)} s.`, '');
  lines.push(`Download ${size(plan.downloadBytes)}; disk during ${size(plan.diskDuringBytes)}, after ${size(plan.diskAfterBytes)}; ${size(plan.diskFreeBytes)} free. Snapshot by ${plan.snapshotMethod}.`);
  for (const user of plan.usedBy) lines.push(`Used by ${String(user.pid)} ${cleanText(user.command)}${user.user === null ? '' : ` (${cleanText(user.user)})`}`);
  for (const text of plan.breaks) lines.push(`Breaks: ${cleanText(text)}`);
  for (const problem of plan.problems) lines.push(...formatProblem(problem));
  if (plan.wrong.length > 0) lines.push('', 'Advice that does not work here:');
  for (const advice of plan.wrong) lines.push(`  ${cleanText(advice.command)}`, `    ${cleanText(advice.why)}`);
  lines.push('', 'Commands:', ...indent(plan.commands.map(cleanText)));
  return lines;
}

export function renderUpgrades(upgrades: readonly Upgrade[], room: number | null): readonly string[] {
  if (upgrades.length === 0) return ['Nothing was upgraded yet.'];
  return renderTable(
    [{ title: 'ID' }, { title: 'ENVIRONMENT', shrinkTo: 12 }, { title: 'WHAT' }, { title: 'STATE' }, { title: 'WHEN', dropOrder: 2 }, { title: 'FROM' }, { title: 'TO' }, { title: 'SNAPSHOT', align: 'right', dropOrder: 1 }, { title: 'UNDO', dropOrder: 3, shrinkTo: 10 }],
    upgrades.map((u) => [
      u.id, cleanText(u.environmentName), u.kind.replace('_', ' '), u.state === 'running' ? `running: ${u.step}` : u.state.replace('_', ' '), formatDateTime(u.startedAtMs), cleanText(u.fromTorch ?? NOT_REPORTED), cleanText(u.toTorch ?? NOT_REPORTED),
      size(u.snapshotBytes), u.canUndo ? 'possible' : cleanText(u.whyNot ?? NOT_REPORTED),
    ]), room,
  );
}
