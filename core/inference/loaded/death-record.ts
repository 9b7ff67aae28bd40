import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';

/** How often each model's process has died lately. */
export interface DeathRecord {
  died(modelId: string, detail: string): void;
  /** It was loaded by hand: it gets its chance again. */
  forgive(modelId: string): void;
  /** @throws ProblemError `load.crashed_twice` when it is not to be loaded by itself any more */
  check(modelId: string, name: string): void;
  isBarred(modelId: string): boolean;
}

/** Twice dead within this time on the same model is no accident, ms. */
const WITHIN_MS = 600_000;

export function createDeathRecord(now: () => number): DeathRecord {
  const deaths = new Map<string, { readonly atMs: number; readonly detail: string }[]>();
  const barred = new Map<string, string>();
  return {
    died(modelId, detail) {
      const recent = [...(deaths.get(modelId) ?? []).filter((death) => now() - death.atMs < WITHIN_MS), { atMs: now(), detail }];
      deaths.set(modelId, recent);
      if (recent.length >= 2) barred.set(modelId, detail);
    },
    forgive(modelId) {
      deaths.delete(modelId);
      barred.delete(modelId);
    },
    check(modelId, name) {
      const detail = barred.get(modelId);
      if (detail !== undefined) throw problemError('load.crashed_twice', { name, detail });
    },
    isBarred: (modelId) => barred.has(modelId),
  };
}

/** What the supervisor found out about a death, in a sentence. */
export function describeDeath(problem: Problem, fileChanged: boolean): string {
  const [beneath] = problem.chain;
  const how = typeof problem.facts['how'] === 'string' ? problem.facts['how'] : problem.cause;
  const detail = typeof problem.facts['detail'] === 'string' && problem.facts['detail'] !== '' ? ` (${problem.facts['detail']})` : '';
  if (fileChanged) return 'The model file was changed while it was in use, and its process ended.';
  if (beneath?.startsWith('worker.out_of_memory') === true || problem.code === 'worker.out_of_memory') return `The machine's memory ran out, and the model's process ended with ${how}.`;
  if (beneath?.startsWith('worker.unresponsive') === true || problem.code === 'worker.unresponsive') return `The model's process did not answer any more (${how}) and was ended.`;
  return `The model's process ended with ${how}${detail}.`;
}
