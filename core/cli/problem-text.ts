import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problem as problemSchema, problemOf, type Problem } from '../../contract/problem.ts';
import { cleanText } from './display-width.ts';

export const exitCodes = { fine: 0, findings: 1, usage: 2, problem: 3, internal: 4 } as const;

/** Codes whose cause is what was typed. */
const usageCodes: ReadonlySet<string> = new Set(['usage.unknown', 'input.unknown_operation', 'gpu.unknown_source', 'gpu.unknown_name']);

export function decideExitCode(problem: Problem): number {
  if (usageCodes.has(problem.code)) return exitCodes.usage;
  return problem.code === 'engine.internal' ? exitCodes.internal : exitCodes.problem;
}

/**
 * The Problem inside whatever a call, a stream or our own code threw. An oRPC error carries it in `data`; a closed
 * connection throws an AbortError, which here means that the engine has gone.
 */
export function problemFromError(error: unknown, dataDir: string): Problem {
  const own = problemOf(error);
  if (own) return own;
  if (typeof error === 'object' && error !== null) {
    const sent = problemSchema.safeParse('data' in error ? error.data : undefined);
    if (sent.success) return sent.data;
    if ('name' in error && error.name === 'AbortError') return makeProblem('engine.unreachable', { dataDir, detail: 'the connection was closed' });
  }
  return makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
}

/** What is, why, what to do; then the commands that may help. */
export function formatProblem(problem: Problem): readonly string[] {
  const clean = (text: string): string => cleanText(text);
  return [
    `${clean(problem.title)} (${problem.code})`,
    ...(problem.cause === '' ? [] : [`  ${clean(problem.cause)}`]),
    ...(problem.remedy === '' ? [] : [`  ${clean(problem.remedy)}`]),
    ...problem.actions.flatMap((action) => (action.kind === 'copy' ? [`    ${clean(action.command)}`] : [])),
    ...(problem.incident === null ? [] : [`  Incident ${clean(problem.incident)}`]),
  ];
}
