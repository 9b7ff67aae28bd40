import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { CompanionState, DriverFacts, GpuTarget, VerdictCell, VerdictWord } from '../../../contract/verdict.ts';
import type { Tables } from '../tables/read-tables.ts';
import { decideBroken } from './broken-torch.ts';
import { decideCompanions, judgeCompanion } from './companions.ts';
import { decideFindings } from './decide-findings.ts';
import { decideVerdict } from './decide-verdict.ts';
import { decideMixedNotes } from './mixed-gpus.ts';

/** Worst first. `no_torch` is last: there is nothing to be bad. */
const byBadness: readonly VerdictWord[] = ['broken', 'driver_mismatch', 'gpu_unsupported', 'incompatible', 'cpu_only', 'driver_too_old', 'unknown', 'library_gap', 'jit', 'native', 'no_torch'];
export const worseFirst = (a: VerdictWord, b: VerdictWord): number => byBadness.indexOf(a) - byBadness.indexOf(b);
export const worstOf = (words: readonly VerdictWord[]): VerdictWord | null => [...words].sort(worseFirst)[0] ?? null;

export interface JudgeInput {
  readonly found: FoundEnvironment;
  readonly xray: EnvironmentXray | null;
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  readonly tables: Tables;
}
export interface JudgedEnvironment {
  /** One per target, in their order. */
  readonly cells: VerdictCell[];
  readonly companions: CompanionState[];
  readonly worst: VerdictWord;
  readonly findings: Problem[];
}

/** All that is said of one environment. Pure: the same facts give the same answer. */
export function judgeEnvironment({ found, xray, targets, driver, tables }: JudgeInput): JudgedEnvironment {
  const plain = targets.map((target) => decideVerdict({ found, xray, target, driver, tables }));
  const mixed = decideMixedNotes(targets, driver, tables);
  const cells = plain.map((cell) => (cell.verdict === 'no_torch' || targets.length < 2 ? cell : { ...cell, evidence: [...cell.evidence, ...besideEvidence(cell, plain, targets), ...mixed.map((note) => ({ what: 'These GPUs together', value: note, place: 'the tables of builds and drivers', supports: true }))] }));
  return { cells, companions: xray === null ? [] : decideCompanions(xray, targets, driver, tables), worst: worstOf(cells.map((c) => c.verdict)) ?? worstWithoutGpu(found, xray), findings: [...decideFindings(found, xray), ...misfits(xray, driver, tables)] };
}

/** A build that serves one GPU and not the other. */
function besideEvidence(cell: VerdictCell, cells: readonly VerdictCell[], targets: readonly GpuTarget[]): VerdictCell['evidence'] {
  const runs = (c: VerdictCell): boolean => c.verdict === 'native' || c.verdict === 'jit' || c.verdict === 'library_gap';
  const nameOf = (key: string): string => targets.find((t) => t.key === key)?.name ?? key;
  const others = cells.filter((c) => c.gpuKey !== cell.gpuKey && runs(c) !== runs(cell)).map((c) => nameOf(c.gpuKey));
  if (others.length === 0) return [];
  return [{ what: runs(cell) ? 'Serves this GPU, but not' : 'Does not serve this GPU, but serves', value: [...new Set(others)].join(', '), place: 'the verdicts of this environment', supports: runs(cell) }];
}

/** No GPU to judge for: what holds for every GPU is still said. */
function worstWithoutGpu(found: FoundEnvironment, xray: EnvironmentXray | null): VerdictWord {
  if (xray === null) return 'unknown';
  if (decideBroken(found, xray) !== null) return 'broken';
  return xray.torch === null ? 'no_torch' : 'unknown';
}

/** Packages that do not fit this torch, whatever the GPU. */
function misfits(xray: EnvironmentXray | null, driver: DriverFacts, tables: Tables): Problem[] {
  if (xray === null || xray.torch === null) return [];
  const torch = xray.torch.version ?? 'of unknown version';
  return xray.companions.map((companion) => ({ companion, finding: judgeCompanion(companion, xray, null, driver, tables) }))
    .filter(({ finding }) => finding.state === 'problem' && finding.about === 'version')
    .map(({ companion, finding }) => makeProblem('torch.companion_mismatch', { torch, package: companion.name, version: companion.version, why: `${finding.text}.` }));
}
