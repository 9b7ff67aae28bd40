import { dataProblems } from './problems/data.ts';
import { engineProblems } from './problems/engine.ts';
import { environmentProblems } from './problems/environments.ts';
import { gpuProblems } from './problems/gpu.ts';
import { inferenceProblems } from './problems/inference.ts';
import { optimizeProblems } from './problems/optimize.ts';
import { webProblems } from './problems/web.ts';
import type { Wording } from './problems/wording.ts';
import { ProblemError, type Problem } from './problem.ts';

/** Every code that can appear anywhere. A test walks it: all texts present, each code raised by something real. */
export const problemCatalogue = { ...engineProblems, ...gpuProblems, ...environmentProblems, ...inferenceProblems, ...optimizeProblems, ...dataProblems, ...webProblems };
export type ProblemCode = keyof typeof problemCatalogue;
export const problemCodes = Object.keys(problemCatalogue) as ProblemCode[];

export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** Fills `{name}` from the facts. A fact that is missing stands as an em dash. */
function fill(text: string, facts: Facts): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => (facts[name] === undefined || facts[name] === null ? '—' : String(facts[name])));
}

/** A Problem in the catalogue's words. `chain`: what lies beneath, outermost first. */
export function makeProblem(code: ProblemCode, facts: Facts = {}, extra: { chain?: readonly string[]; incident?: string | null } = {}): Problem {
  const w: Wording = problemCatalogue[code];
  return {
    code,
    severity: w.severity,
    title: fill(w.title, facts),
    cause: fill(w.cause, facts),
    remedy: fill(w.remedy, facts),
    actions: (w.actions ?? []).map((a) => ({ ...a })),
    facts: { ...facts },
    chain: [...(extra.chain ?? [])],
    retry: w.retry ?? 'no',
    incident: extra.incident ?? null,
  };
}

/** The same, to throw. */
export function problemError(code: ProblemCode, facts: Facts = {}, options: { cause?: unknown; chain?: readonly string[] } = {}): ProblemError {
  return new ProblemError(makeProblem(code, facts, options.chain ? { chain: options.chain } : {}), { cause: options.cause });
}
