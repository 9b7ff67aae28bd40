import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { ProofStep, ProofStepName, VerdictWord } from '../../../contract/verdict.ts';
import { decideFailureCause } from './decide-failure-cause.ts';
import { decideImportFailure } from './decide-import-failure.ts';
import { promises, stepTitles } from './step-words.ts';

export interface ProofDecision {
  /** Kernels ran on it and every result was right. */
  readonly works: boolean;
  readonly agrees: boolean;
  readonly problem: Problem | null;
}

const bad: ReadonlySet<ProofStep['state']> = new Set(['failed', 'crashed', 'hung', 'wrong']);
const preliminary: ReadonlySet<ProofStepName> = new Set(['import', 'context', 'allocate']);
/** Verdicts that promise that nothing runs. */
const promisesFailure: ReadonlySet<VerdictWord> = new Set(['incompatible', 'cpu_only', 'driver_too_old', 'driver_mismatch', 'gpu_unsupported', 'broken', 'no_torch']);

/**
 * What the steps prove, held against what the files promised.
 *
 * Agreement is asked of what the verdict speaks of: kernels in torch's own libraries. So `library_gap` is content
 * with matrix products, torch.compile (triton, a C compiler) never contradicts, and a full GPU or one that CUDA does
 * not see says nothing about files. Pure.
 */
export function decideProof(steps: readonly ProofStep[], predicted: VerdictWord, about: { readonly gpuName: string; readonly cudaMajor: number | null; readonly onCpu?: boolean }): ProofDecision {
  const failing = steps.filter((step) => bad.has(step.state));
  const ofTorch = failing.filter((step) => step.name !== 'compile');
  const ran = steps.filter((step) => !preliminary.has(step.name) && step.name !== 'compile' && step.state === 'passed');
  const works = ofTorch.length === 0 && ran.length > 0;
  const first = failing[0];
  const agrees = about.onCpu === true || decideAgreement(predicted, ofTorch, ran.length > 0);

  if (!agrees) {
    const chain = first === undefined ? [] : [explain(first, about)].map((p) => `${p.title}: ${p.cause} ${p.remedy}`);
    const outcome = first === undefined || (promisesFailure.has(predicted) && ran.length > 0) ? 'worked' : `failed: ${stepTitles[first.name]}, ${describeStep(first)}`;
    return { works, agrees, problem: makeProblem('proof.disagrees', { predicted: promises[predicted], gpu: about.gpuName, outcome, step: first?.name ?? null }, { chain }) };
  }
  return { works, agrees, problem: first === undefined ? null : explain(first, about) };
}

function decideAgreement(predicted: VerdictWord, failing: readonly ProofStep[], ran: boolean): boolean {
  if (promisesFailure.has(predicted)) return !ran;
  const evidence = failing.filter((step) => decideFailureCause(step).evidence);
  if (predicted === 'native' || predicted === 'jit') return evidence.length === 0;
  if (predicted === 'library_gap') return !evidence.some((step) => preliminary.has(step.name) || step.name.startsWith('matmul_'));
  return true;
}

/** The Problem of one step that did not pass. */
function explain(step: ProofStep, about: { readonly gpuName: string; readonly cudaMajor: number | null }): Problem {
  if (step.name === 'import' && step.state === 'failed') {
    const { detail, remedy, library, packageName } = decideImportFailure(step.text ?? 'The import failed.', about.cudaMajor);
    return makeProblem('torch.broken', { detail, remedy, library, package: packageName });
  }
  return makeProblem('proof.failed', { gpu: about.gpuName, step: stepTitles[step.name], detail: describeStep(step), remedy: decideFailureCause(step).remedy });
}

/** How it ended, as the end of a sentence. */
function describeStep(step: ProofStep): string {
  if (step.state !== 'wrong') return (step.text ?? step.state).split('\n')[0] ?? '';
  const allowed = step.tolerance === null ? '' : `, at most ${step.tolerance.toExponential(1)} is rounding`;
  return step.error === null ? 'the result holds values that are no numbers' : `the result is off by ${step.error.toExponential(1)} of its largest value${allowed}`;
}
