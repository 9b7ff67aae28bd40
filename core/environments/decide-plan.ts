import { makeProblem } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Route, UpgradePlan, WrongAdvice } from '../../contract/upgrades.ts';
import type { EnvironmentTool } from '../../contract/environments.ts';
import type { EnvironmentReport } from '../../contract/verdict.ts';
import type { Resolution } from './install/install-tool.ts';

/** A plan holds for so long: indexes and programs change. */
export const PLAN_VALID_MS = 15 * 60_000;
/** Unpacked wheels of torch and CUDA are about so many times their download (2.4 to 2.8: 1.5 to 1.9 measured on disk). */
const UNPACKED = 1.8;

export interface PlanInput {
  readonly planId: string;
  readonly nowMs: number;
  readonly report: EnvironmentReport;
  readonly route: Route;
  readonly resolution: Resolution;
  readonly tool: EnvironmentTool;
  readonly freeBytes: number;
  readonly snapshotMethod: UpgradePlan['snapshotMethod'];
  /** What stands against any change of this environment. */
  readonly standing: readonly Problem[];
  readonly wrong: readonly WrongAdvice[];
}

/** Costs, who is hurt and what stands against it, from what was resolved. Pure. */
export function decidePlan(input: PlanInput): UpgradePlan {
  const { report, resolution, route } = input;
  const { environment, xray } = report;
  const installBytes = resolution.installBytes ?? (resolution.downloadBytes === null ? null : resolution.downloadBytes * UNPACKED);
  // The download stays in the tool's cache beside what is unpacked.
  const during = installBytes === null ? null : installBytes + (resolution.downloadBytes ?? 0);
  const breaks = decideBreaks(report, resolution);
  const problems: Problem[] = [...input.standing];
  if (during !== null && during > input.freeBytes) problems.push(makeProblem('upgrade.no_space', { path: environment.prefix, free: gigabytes(input.freeBytes), need: gigabytes(during) }));
  if (breaks.length > 0) problems.push(makeProblem('torch.companion_mismatch', { package: breaks[0] ?? '', version: '', why: 'is not met afterwards.', torch: route.target?.version ?? '' }));
  return {
    planId: input.planId, expiresAtMs: input.nowMs + PLAN_VALID_MS, environmentId: environment.id, environmentName: environment.name, prefix: environment.prefix, kind: 'upgrade',
    route, tool: input.tool, commands: [...resolution.commands], changes: [...resolution.changes], unchanged: resolution.unchanged, resolvedWith: resolution.resolvedWith, resolveMs: resolution.tookMs,
    downloadBytes: resolution.downloadBytes, diskDuringBytes: during, diskAfterBytes: installBytes, diskFreeBytes: input.freeBytes, secondsExpected: null, snapshotMethod: input.snapshotMethod,
    usedBy: report.usedBy.map(({ pid, command, user, sinceMs }) => ({ pid, command, user, sinceMs })),
    breaks: [...breaks, ...(xray?.pins ?? []).filter((p) => p.source !== 'package' && p.package === 'torch').map((p) => `${p.file}${p.line === null ? '' : `:${String(p.line)}`} asks for torch${p.specifier}`)], problems, wrong: [...input.wrong],
  };
}

/** Packages that stay and require exactly the torch that goes. Pure. */
export function decideBreaks(report: EnvironmentReport, resolution: Pick<Resolution, 'changes'>): string[] {
  const torch = resolution.changes.find((c) => c.name === 'torch');
  if (torch === undefined || torch.to === null) return [];
  const to = torch.to.split('+')[0] ?? torch.to;
  return (report.xray?.companions ?? []).flatMap((companion) => {
    if (resolution.changes.some((c) => c.name === companion.name)) return [];
    const exact = /^torch==([0-9][0-9.]*)/.exec(companion.torchRequirement ?? '')?.[1];
    return exact === undefined || exact === to ? [] : [`${companion.name} ${companion.version} requires torch==${exact}`];
  });
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
