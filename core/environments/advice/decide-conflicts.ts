import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import type { AdviceTables } from './advice-tables.ts';
import { listBuilds } from './list-builds.ts';
import type { Platform } from './quote-command.ts';
import { lastBranchOf, leftBehind, moduleConflict, serves, servesAll } from './serve-rules.ts';

const words = (gpus: readonly GpuTarget[]): string => [...new Set(gpus.map((g) => (g.computeCapability === null ? g.name : `${g.name} (${g.computeCapability})`)))].join(', ');

/** What no build, or no driver, can do for all GPUs together; one sentence each. Empty: one build can serve them all. */
export function decideConflicts(input: { readonly targets: readonly GpuTarget[]; readonly driver: DriverFacts; readonly platform: Platform; readonly tables: AdviceTables }): string[] {
  const { targets, driver, platform, tables } = input;
  const conflicts: string[] = [];
  const unknown = targets.filter((g) => g.computeCapability === null);
  if (unknown.length > 0) conflicts.push(`The compute capability of ${words(unknown)} is not known, so no build can be chosen for it.`);
  const modules = moduleConflict(targets, driver, tables);
  if (modules !== null) conflicts.push(`${words(modules.open)} needs the open kernel modules of the driver on Linux, ${words(modules.closed)} runs with the proprietary ones only: one Linux machine cannot drive both.`);
  const behind = leftBehind(targets, driver, tables);
  if (behind.length > 0) conflicts.push(`Driver ${driver.version ?? ''} does not drive ${words(behind)}: R${lastBranchOf(behind, tables) ?? ''} is the last branch that does.`);
  const known = targets.filter((g) => g.computeCapability !== null), builds = listBuilds(platform, tables);
  const alone = known.filter((g) => !builds.some((b) => serves(b, g)));
  if (alone.length > 0) conflicts.push(`No official wheel for ${platformWords(platform)} has kernels for ${words(alone)}.`);
  const served = known.filter((g) => !alone.includes(g));
  if (served.length > 1 && !builds.some((b) => servesAll(b, served))) conflicts.push(`No single official wheel serves ${words(served)} together: each needs an environment of its own.`);
  return conflicts;
}

export const platformWords = (platform: Platform): string => ({ linux_x86_64: 'Linux x86_64', linux_aarch64: 'Linux aarch64', windows_x86_64: 'Windows' })[platform];
