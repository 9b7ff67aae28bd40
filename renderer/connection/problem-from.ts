import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problem as problemSchema, problemOf, type Problem } from '../../contract/problem.ts';

/**
 * The Problem inside anything that a call or a stream threw. An oRPC error carries it in `data`; a closed
 * transport throws an AbortError, which here means that the engine has gone.
 */
export function problemFrom(error: unknown): Problem {
  const own = problemOf(error);
  if (own) return own;
  if (typeof error === 'object' && error !== null) {
    const parsed = problemSchema.safeParse('data' in error ? error.data : undefined);
    if (parsed.success) return parsed.data;
    if ('name' in error && error.name === 'TimeoutError') return makeProblem('engine.unreachable', { dataDir: 'this engine', detail: 'it does not answer' });
    if ('name' in error && error.name === 'AbortError') return makeProblem('engine.unreachable', { dataDir: 'this engine', detail: 'the connection was closed' });
  }
  return makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
}
