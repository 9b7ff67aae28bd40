import { basename, dirname } from 'node:path';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../../contract/problem.ts';
import { isWithin } from '../is-within.ts';
import type { SearchContext } from '../search-context.ts';
import type { PyvenvConfig } from './parse-pyvenv-config.ts';
import type { InterpreterFacts } from './read-interpreter.ts';

export interface BaseFacts {
  /** sys.base_prefix; null when it cannot be told. */
  readonly prefix: string | null;
  readonly problem: Problem | null;
}

/**
 * The installation behind a virtual environment. Where the interpreter is a link, its target decides, as it does for
 * Python, and a wrong `home` does no harm; where it is a copy (and on Windows) only `home` tells.
 */
export async function readBase(context: SearchContext, prefix: string, config: PyvenvConfig | null, interpreter: InterpreterFacts | null, windows: boolean): Promise<BaseFacts> {
  const target = interpreter?.chain.at(-1) ?? null;
  const outside = target !== null && !isWithin(target, prefix) && (interpreter?.chain.length ?? 0) > 1;
  if (outside && !windows) {
    const real = interpreter?.realPath ?? target;
    return { prefix: basename(dirname(real)) === 'bin' ? dirname(dirname(real)) : (config?.basePrefix ?? null), problem: null };
  }
  const home = config?.home ?? null;
  if (home === null) return { prefix: null, problem: null };
  const named = config?.basePrefix ?? (!windows && basename(home) === 'bin' ? dirname(home) : home);
  // `home` may be `/usr/bin` with a link to elsewhere; what counts is that it is still there.
  if (await context.isFolder(home)) return { prefix: named, problem: null };
  const path = interpreter?.path ?? prefix;
  return { prefix: named, problem: makeProblem('env.interpreter_broken', { path, detail: `it is a copy that needs the Python in ${home}, which is not there any more.` }) };
}
