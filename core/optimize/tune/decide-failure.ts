import type { Problem } from '../../../contract/problem.ts';
import { problemOf } from '../../../contract/problem.ts';

export interface Failure {
  readonly state: 'no_memory' | 'failed';
  readonly why: string;
  readonly problem: Problem | null;
}

const memoryCodes: ReadonlySet<string> = new Set(['load.no_memory', 'worker.out_of_memory', 'bench.no_memory']);

/** What a candidate died of. Only that there is no memory is expected of a search. Pure. */
export function decideFailure(error: unknown): Failure {
  const problem = problemOf(error);
  const text = problem === null ? (error instanceof Error ? error.message : String(error)) : `${problem.title}: ${problem.cause}`;
  const memory = problem !== null && (memoryCodes.has(problem.code) || /out of memory|failed to allocate|not enough memory|OOM/i.test(problem.cause));
  return { state: memory ? 'no_memory' : 'failed', why: text.slice(0, 400), problem };
}
