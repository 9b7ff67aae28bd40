import { z } from 'zod';
import { environmentKind, environmentTool, environmentXray, foundEnvironment } from './environments.ts';
import { problem, type Problem } from './problem.ts';

/** Words that are promises (interface.md). All but native, jit and no_torch are findings. */
export const verdictWord = z.enum(['native', 'jit', 'library_gap', 'incompatible', 'cpu_only', 'driver_too_old', 'driver_mismatch', 'gpu_unsupported', 'broken', 'no_torch', 'unknown']);
export type VerdictWord = z.infer<typeof verdictWord>;
/** What they are called for people, on every face. */
export const verdictNames: Readonly<Record<VerdictWord, string>> = {
  native: 'native', jit: 'by JIT', library_gap: 'library gap', incompatible: 'incompatible', cpu_only: 'CPU only', driver_too_old: 'driver too old', driver_mismatch: 'driver mismatch',
  gpu_unsupported: 'no build', broken: 'broken', no_torch: 'no torch', unknown: 'unknown',
};
export const isFinding = (word: VerdictWord): boolean => word !== 'native' && word !== 'jit' && word !== 'no_torch';

/** A GPU that is judged for: one of this machine, or one that was named. */
export const gpuTarget = z.object({
  /** UUID, or the name as it was given. */
  key: z.string(),
  name: z.string(),
  /** `12.0`. */
  computeCapability: z.string().nullable(),
  /** In this machine, and its place in the driver's order. */
  index: z.int().nullable(),
  /** Integrated in a Tegra chip: shares no cubins with discrete GPUs. */
  tegra: z.boolean(),
  /** Where name and capability come from: the driver, or the table. */
  source: z.enum(['driver', 'table', 'given']),
});
export type GpuTarget = z.infer<typeof gpuTarget>;

/** The driver that is judged with. */
export const driverFacts = z.object({
  version: z.string().nullable(),
  /** Highest CUDA version it can run, as it says itself. */
  cudaVersion: z.string().nullable(),
  /** Kernel module and library differ. */
  mismatch: z.boolean(),
  platform: z.enum(['linux_x86_64', 'linux_aarch64', 'windows_x86_64']),
  wsl: z.boolean(),
  source: z.enum(['driver', 'given', 'none']),
});
export type DriverFacts = z.infer<typeof driverFacts>;

/** One fact that a verdict stands on, with the place where it was read: it can be opened and checked. */
export const evidence = z.object({
  what: z.string(),
  value: z.string(),
  /** A file, a call, or a table with its date. */
  place: z.string(),
  supports: z.boolean(),
});
export type Evidence = z.infer<typeof evidence>;

export const companionState = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(['fine', 'attention', 'problem', 'unknown']),
  /** `matches`, `no sm_120 before 3.3`, `pins torch 2.4.1`. */
  text: z.string(),
});
export type CompanionState = z.infer<typeof companionState>;

export const proofStepName = z.enum(['import', 'context', 'allocate', 'matmul_fp32', 'matmul_tf32', 'matmul_fp16', 'matmul_bf16', 'matmul_fp8', 'matmul_int8', 'convolution', 'linalg', 'attention_math', 'attention_efficient', 'attention_flash', 'attention_cudnn', 'compile']);
export type ProofStepName = z.infer<typeof proofStepName>;
export const proofStep = z.object({
  name: proofStepName,
  /** `not_offered`: this torch or GPU does not have it, which is no failure. */
  state: z.enum(['passed', 'failed', 'crashed', 'hung', 'wrong', 'not_offered', 'skipped']),
  /** Largest relative error against fp64, and what was allowed. */
  error: z.number().nullable(),
  tolerance: z.number().nullable(),
  tookMs: z.number().nullable(),
  /** The message of the exception, the signal and last frame, or why it is not offered. */
  text: z.string().nullable(),
});
export type ProofStep = z.infer<typeof proofStep>;
export const proof = z.object({
  id: z.string(),
  environmentId: z.string(),
  gpuKey: z.string(),
  gpuName: z.string(),
  atMs: z.number(),
  tookMs: z.number(),
  /** Of the environment when it was proved: a proof counts only while this is unchanged. */
  torchVersion: z.string().nullable(),
  driverVersion: z.string().nullable(),
  steps: z.array(proofStep),
  /** Kernels ran and were right. */
  works: z.boolean(),
  /** What the files had promised. */
  predicted: verdictWord,
  agrees: z.boolean(),
  problem: problem.nullable(),
});
export type Proof = z.infer<typeof proof>;

/** "Your next upgrade drops this GPU." */
export const forecast = z.object({ text: z.string(), lastGood: z.string(), dropsAt: z.string(), place: z.string() });
export type Forecast = z.infer<typeof forecast>;

export const verdictCell = z.object({
  gpuKey: z.string(),
  verdict: verdictWord,
  /** One sentence: `needs sm_120; no PTX to compile from`. */
  text: z.string(),
  evidence: z.array(evidence),
  /** Cause and remedy; null when there is nothing to do. */
  problem: problem.nullable(),
  forecast: forecast.nullable(),
  /** A repair could make it green. */
  repairable: z.boolean(),
  /** Libraries that lack this GPU while torch itself has it. */
  gaps: z.array(z.string()),
});
export type VerdictCell = z.infer<typeof verdictCell>;

export const environmentReport = z.object({
  environment: foundEnvironment,
  xray: environmentXray.nullable(),
  companions: z.array(companionState),
  /** One per target, in their order. */
  cells: z.array(verdictCell),
  /** The worst of them. */
  worst: verdictWord,
  /** Newest proof per GPU that still counts. */
  proofs: z.array(proof),
  /** Processes that use it now. */
  usedBy: z.array(z.object({ pid: z.int(), command: z.string(), user: z.string().nullable(), sinceMs: z.number().nullable(), onGpu: z.boolean() })),
  /** Findings about the environment itself: damage, duplicates, leftovers, shadows. */
  findings: z.array(problem),
});
export type EnvironmentReport = z.infer<typeof environmentReport>;

/** One line of the matrix: what a list shows of an environment. */
export const matrixRow = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  kind: environmentKind,
  tool: environmentTool.nullable(),
  python: z.string().nullable(),
  /** With its label, as `2.4.1+cu121`; null where there is none. */
  torch: z.string().nullable(),
  installer: z.string().nullable(),
  changedAtMs: z.number().nullable(),
  worst: verdictWord,
  cells: z.array(z.object({ gpuKey: z.string(), verdict: verdictWord, text: z.string(), repairable: z.boolean(), proved: z.enum(['no', 'works', 'fails', 'disagrees']) })),
  findings: z.array(problem),
  /** Processes that run from it now. */
  inUse: z.int(),
});
export type MatrixRow = z.infer<typeof matrixRow>;

/** What a list shows of a report. Pure. */
export function rowOfReport(report: EnvironmentReport): MatrixRow {
  const { environment, xray } = report;
  return {
    id: environment.id, name: environment.name, prefix: environment.prefix, kind: environment.kind, tool: environment.tool, python: environment.python.version,
    torch: xray?.torch?.version ?? xray?.torch?.metadataVersion ?? null, installer: xray?.torch?.installer ?? null, changedAtMs: environment.changedAtMs, worst: report.worst,
    cells: report.cells.map((cell) => {
      const proof = report.proofs.find((p) => p.gpuKey === cell.gpuKey);
      return { gpuKey: cell.gpuKey, verdict: cell.verdict, text: cell.text, repairable: cell.repairable, proved: proof === undefined ? 'no' : !proof.agrees ? 'disagrees' : proof.works ? 'works' : 'fails' };
    }),
    findings: report.findings, inUse: report.usedBy.length,
  };
}

/** Environments × GPUs. `environments.get` tells all of one. */
export const environmentMatrix = z.object({
  revision: z.int(),
  atMs: z.number(),
  state: z.enum(['never', 'scanning', 'ready']),
  tookMs: z.number().nullable(),
  progress: z.object({ found: z.int(), judged: z.int() }),
  targets: z.array(gpuTarget),
  driver: driverFacts,
  rows: z.array(matrixRow),
  /** Places that could not be read, a driver that does not answer. */
  problems: z.array(problem),
  /** Targets cannot be judged (no hardware and none named): why, for the page. */
  note: z.string().nullable(),
});
export type EnvironmentMatrix = z.infer<typeof environmentMatrix>;

/** Something that happened to an environment outside Warpdeck. */
export const drift = z.object({
  id: z.string(),
  environmentId: z.string(),
  environmentName: z.string(),
  atMs: z.number(),
  fromTorch: z.string().nullable(),
  toTorch: z.string().nullable(),
  fromWorst: verdictWord,
  toWorst: verdictWord,
  /** The program that did it where it could be seen (`uv sync`), else INSTALLER. */
  by: z.string().nullable(),
  /** The state before is kept (a snapshot) and can be put back. */
  upgradeId: z.string().nullable(),
  seen: z.boolean(),
});
export type Drift = z.infer<typeof drift>;

/** The whole answer of `doctor`. */
export interface Judged {
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  readonly reports: readonly EnvironmentReport[];
  readonly problems: readonly Problem[];
}
