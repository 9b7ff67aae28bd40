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

/**
 * Whatever was thrown while an operation ran, as the one error that the contract declares. What is not a Problem
 * is a fault of ours: the caller gets `engine.internal` with an incident id, the log gets the rest.
 */
export function toApiError(error: unknown, operation: string, log: Logger): ORPCError<string, Problem> {
  const wrap = (problem: Problem): ORPCError<string, Problem> => new ORPCError('PROBLEM', { defined: true, status: 422, message: problem.title, data: problem });
  const known = problemOf(error);
  if (known) return wrap(known);
  if (error instanceof ORPCError) {
    if (error.cause instanceof ValidationError) return wrap(makeProblem('input.invalid', { detail: describeIssues(error.cause) }));
    if (error.code === 'NOT_FOUND') return wrap(makeProblem('input.unknown_operation', { operation }));
  }
  const incident = `i${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36).padStart(2, '0')}`;
  log.error('operation failed', { operation, incident, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return wrap(makeProblem('engine.internal', { detail: `Operation ${operation} ended unexpectedly (incident ${incident}).` }, { incident }));
}
