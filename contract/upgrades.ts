import { z } from 'zod';
import { environmentTool } from './environments.ts';
import { problem } from './problem.ts';
import { evidence, gpuTarget, driverFacts } from './verdict.ts';

export const routeKind = z.enum(['pip', 'uv_pip', 'uv_project', 'conda', 'pixi', 'poetry', 'container', 'nightly', 'new_environment', 'driver', 'reinstall']);
export type RouteKind = z.infer<typeof routeKind>;

/** A build of torch to go to. */
export const torchTarget = z.object({
  /** `2.14.1+cu130`. */
  version: z.string(),
  label: z.string(),
  torchvision: z.string().nullable(),
  torchaudio: z.string().nullable(),
  archs: z.array(z.string()),
  minDriver: z.string().nullable(),
  /** Evidence of the table: measured, documented, unverified. */
  confidence: z.enum(['M', 'D', 'U']),
  indexUrl: z.string(),
});
export type TorchTarget = z.infer<typeof torchTarget>;

/** One way to get there, with the exact commands of the tool that owns the environment. */
export const route = z.object({
  id: z.string(),
  kind: routeKind,
  title: z.string(),
  /** One sentence: why this one, or what it costs. */
  why: z.string(),
  target: torchTarget.nullable(),
  tool: environmentTool.nullable(),
  commands: z.array(z.string()),
  /** Commands that show that it worked. */
  verify: z.array(z.string()),
  /** What must be true first: `driver ≥ 580`. */
  needs: z.array(z.object({ text: z.string(), met: z.boolean().nullable() })),
  recommended: z.boolean(),
  /** Warpdeck can do it as a transaction that can be undone. */
  automatic: z.boolean(),
  risks: z.array(z.string()),
});
export type Route = z.infer<typeof route>;

/** Popular advice that does not work here, and why. */
export const wrongAdvice = z.object({ command: z.string(), why: z.string(), instead: z.string().nullable() });
export type WrongAdvice = z.infer<typeof wrongAdvice>;

export const advice = z.object({
  environmentId: z.string().nullable(),
  targets: z.array(gpuTarget),
  driver: driverFacts,
  /** Nothing is wrong: why nothing is to be done. */
  nothingToDo: z.string().nullable(),
  routes: z.array(route),
  wrong: z.array(wrongAdvice),
  /** GPUs that no single build serves together. */
  conflicts: z.array(z.string()),
  evidence: z.array(evidence),
  problems: z.array(problem),
});
export type Advice = z.infer<typeof advice>;

export const packageChange = z.object({
  name: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  why: z.string().nullable(),
  downloadBytes: z.number().nullable(),
});
export type PackageChange = z.infer<typeof packageChange>;

export const upgradePlan = z.object({
  planId: z.string(),
  expiresAtMs: z.number(),
  environmentId: z.string(),
  environmentName: z.string(),
  prefix: z.string(),
  kind: z.enum(['upgrade', 'rollback', 'put_back']),
  route: route.nullable(),
  tool: environmentTool,
  /** The very commands that will run, secrets left out. */
  commands: z.array(z.string()),
  changes: z.array(packageChange),
  unchanged: z.int(),
  resolvedWith: z.string(),
  resolveMs: z.number(),
  downloadBytes: z.number().nullable(),
  diskDuringBytes: z.number().nullable(),
  diskAfterBytes: z.number().nullable(),
  diskFreeBytes: z.number(),
  secondsExpected: z.number().nullable(),
  /** How the snapshot is taken: probed, not assumed. */
  snapshotMethod: z.enum(['reflink', 'hardlink', 'copy']),
  usedBy: z.array(z.object({ pid: z.int(), command: z.string(), user: z.string().nullable(), sinceMs: z.number().nullable() })),
  /** Packages pinned to the old torch, files that would flip it back. */
  breaks: z.array(z.string()),
  /** What stands against it. Severity `problem` forbids the application; `attention` must be agreed to. */
  problems: z.array(problem),
  wrong: z.array(wrongAdvice),
});
export type UpgradePlan = z.infer<typeof upgradePlan>;

export const upgradeStep = z.enum(['planned', 'snapshot', 'apply', 'verify', 'commit', 'rollback']);
export type UpgradeStep = z.infer<typeof upgradeStep>;
export const upgradeState = z.enum(['running', 'committed', 'rolled_back', 'failed', 'undone']);

export const verifyCheck = z.object({
  name: z.enum(['files', 'record', 'xray', 'import', 'kernel', 'smoke', 'pip_check']),
  title: z.string(),
  state: z.enum(['waiting', 'running', 'passed', 'failed', 'skipped']),
  text: z.string().nullable(),
});
export type VerifyCheck = z.infer<typeof verifyCheck>;

export const upgrade = z.object({
  id: z.string(),
  planId: z.string(),
  jobId: z.string().nullable(),
  kind: z.enum(['upgrade', 'rollback', 'put_back']),
  /** For a rollback: the upgrade that it undoes. */
  undoes: z.string().nullable(),
  environmentId: z.string(),
  environmentName: z.string(),
  prefix: z.string(),
  state: upgradeState,
  step: upgradeStep,
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  fromTorch: z.string().nullable(),
  toTorch: z.string().nullable(),
  changes: z.array(packageChange),
  checks: z.array(verifyCheck),
  snapshotPath: z.string().nullable(),
  snapshotBytes: z.number().nullable(),
  /** It can be undone now, offline; else why not. */
  canUndo: z.boolean(),
  whyNot: z.string().nullable(),
  problem: problem.nullable(),
});
export type Upgrade = z.infer<typeof upgrade>;
