import { mapEventIterator } from '@orpc/client';
import { ORPCError } from '@orpc/server';
import { ValidationError } from '@orpc/contract';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../contract/problem.ts';
import type { Logger } from '../logging/logger.ts';

/** A sentence for the first schema issue: where, and what. Never a stack, never a path of this machine. */
function describeIssues(error: ValidationError): string {
  const lines = error.issues.slice(0, 3).map((issue) => {
    const path = (issue.path ?? []).map((p) => String(typeof p === 'object' ? p.key : p)).join('.');
    return `${path === '' ? 'input' : path}: ${issue.message}`;
  });
  return lines.join('; ').slice(0, 500);
}

/** A Problem as the one error of the contract. */
export function describeProblem(problem: Problem): ORPCError<'PROBLEM', Problem> {
  return new ORPCError('PROBLEM', { defined: true, status: 422, message: problem.title, data: problem });
}

/**
 * Whatever was thrown while an operation ran, as the one error that the contract declares. What is not a Problem
 * is a fault of ours: the caller gets `engine.internal` with an incident id, the log gets the rest.
 */
function toApiError(error: unknown, operation: string, log: Logger): ORPCError<string, Problem> {
  const known = problemOf(error);
  if (known) return describeProblem(known);
  if (error instanceof ORPCError) {
    if (error.cause instanceof ValidationError) return describeProblem(makeProblem('input.invalid', { detail: describeIssues(error.cause) }));
    if (error.code === 'NOT_FOUND') return describeProblem(makeProblem('input.unknown_operation', { operation }));
  }
  const incident = `i${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36).padStart(2, '0')}`;
  log.error('operation failed', { operation, incident, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return describeProblem(makeProblem('engine.internal', { detail: `Operation ${operation} ended unexpectedly (incident ${incident}).` }, { incident }));
}

const isStream = (output: unknown): output is AsyncIterator<unknown, unknown, unknown> => typeof output === 'object' && output !== null && Symbol.asyncIterator in output;

/**
 * The interceptor of all handlers. What an operation throws becomes the contract's one error, also when a stream
 * throws it: its first item is only asked for after the operation has answered.
 */
export function answerWithProblems(log: Logger): <T>(call: { readonly next: () => Promise<T>; readonly path: readonly string[] }) => Promise<T> {
  return async ({ next, path }) => {
    const fail = (error: unknown): ORPCError<string, Problem> => toApiError(error, path.join('.'), log);
    try {
      const output = await next();
      if (!isStream(output)) return output;
      return mapEventIterator(output, { value: (value) => Promise.resolve(value), error: (error) => Promise.resolve(fail(error)) }) as unknown as typeof output;
    } catch (error) {
      throw fail(error);
    }
  };
}
