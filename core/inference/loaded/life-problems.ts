/** What a model's process, or its end, says to those who wait for it. */
import type { GpuTruth } from '../../../contract/inference.ts';
import type { Model } from '../../../contract/models.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';

/** The truth about a model that is not in memory. Pure. */
export function unproved(sentence: string, atMs: number): GpuTruth {
  return { verdict: 'unproved', colour: 'grey', title: 'Not known yet', sentence, backend: null, layersOnGpu: 0, layers: 0, placed: [], checks: [], problem: null, atMs };
}

/** A load that failed with its process alive: what already says it stays, all else is `load.failed`. Pure. */
export function decideLoadFailure(name: string, error: unknown): { readonly problem: Problem; readonly error: unknown } {
  const found = problemOf(error);
  if (found !== null && /^(?:load|model|engine|input)\./.test(found.code)) return { problem: found, error };
  const detail = found?.cause ?? (error instanceof Error ? error.message : String(error));
  const problem = makeProblem('load.failed', { name, detail, remedy: 'Try again; the log has more.' }, { chain: found === null ? [] : [`${found.code}: ${found.cause}`, ...found.chain] });
  return { problem, error: problemError('load.failed', problem.facts, { chain: problem.chain }) };
}

/** Why a process that ended by itself did so; `barred`: it did so before. Pure. */
export function decideDeathProblem({ name, path }: Pick<Model, 'name' | 'path'>, cause: Problem, { detail, otherFile, barred }: { readonly detail: string; readonly otherFile: boolean; readonly barred: boolean }): Problem {
  if (otherFile) return makeProblem('model.changed', { path });
  if (barred) return makeProblem('load.crashed_twice', { name, detail });
  return makeProblem('load.died', { name, detail, remedy: 'The next request loads it anew.' }, { chain: cause.chain });
}
