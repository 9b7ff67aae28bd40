import { dirname, resolve } from 'node:path';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../../contract/problem.ts';
import type { SearchContext } from '../search-context.ts';
import { decideProgram } from './decide-program.ts';

export interface InterpreterFacts {
  readonly path: string;
  /** The file behind it; null when there is none. */
  readonly realPath: string | null;
  /** Every path from the interpreter to the file, both included; the last one may not exist. */
  readonly chain: readonly string[];
  readonly problem: Problem | null;
}

const MAX_HOPS = 40;
const HEAD_BYTES = 4096;
/** Any execute bit. */
const EXECUTABLE = 0o111;

/** Follows an interpreter's links and looks at the file's header. Runs nothing. */
export async function readInterpreter(context: SearchContext, path: string, arch: string = process.arch): Promise<InterpreterFacts> {
  const chain = [path];
  const broken = (detail: string): InterpreterFacts => ({ path, realPath: null, chain, problem: makeProblem('env.interpreter_broken', { path, detail }) });
  for (let hop = path; ; ) {
    const target = await context.readlink(hop);
    if (target === null) break;
    hop = resolve(dirname(hop), target);
    if (chain.includes(hop) || chain.length > MAX_HOPS) return broken('its links lead in a circle.');
    chain.push(hop);
  }
  const realPath = await context.realpath(path);
  if (realPath === null) {
    const target = chain.at(-1) ?? path;
    return { path, realPath: null, chain, problem: makeProblem('env.interpreter_missing', { path, target }) };
  }
  const facts = await context.stat(realPath);
  if (facts === null) return broken('it cannot be looked at.');
  if (facts.isDirectory()) return broken('it is a folder.');
  if (!facts.isFile()) return broken('it is no regular file.');
  const withFile = (detail: string): InterpreterFacts => ({ ...broken(detail), realPath });
  if (context.places.platform !== 'win32' && (facts.mode & EXECUTABLE) === 0 && !path.toLowerCase().endsWith('.exe')) return withFile('it is not executable.');
  const head = await context.readBytes(realPath, HEAD_BYTES);
  // May be run but not read: nothing is known against it.
  if (head === null) return { path, realPath, chain, problem: null };
  const { trouble, loader } = decideProgram({ head, sizeBytes: facts.size, platform: context.places.platform, arch });
  if (trouble !== null) return withFile(trouble);
  if (loader !== null && !(await context.exists(loader))) return withFile(`it needs the loader ${loader}, which this system does not have: it was built for another C library.`);
  return { path, realPath, chain, problem: null };
}
