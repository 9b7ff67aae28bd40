import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

/** The interpreter's path. @throws ProblemError `env.interpreter_missing` */
export function requirePython(environment: Pick<FoundEnvironment, 'prefix' | 'python'>): string {
  const { path, realPath } = environment.python;
  if (path === null) throw problemError('env.interpreter_missing', { path: environment.prefix, target: realPath ?? 'no interpreter' });
  return path;
}
