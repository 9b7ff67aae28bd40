import { z } from 'zod';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf } from '../../../contract/problem.ts';
import type { RunScript } from '../python/run-script.ts';
import { decideImportFailure, parseCudaLabel } from './decide-import-failure.ts';
import { requirePython } from './require-python.ts';

const filesItem = z.object({ kind: z.literal('files'), path: z.string().nullable(), version: z.string().nullable(), cuda: z.string().nullable() });
const facts = z.object({ version: z.string(), python: z.string(), cuda: z.string().nullable(), hip: z.string().nullable(), path: z.string().nullable(), archs: z.array(z.string()).nullable() });

export interface VerifyImportOptions {
  readonly environment: Pick<FoundEnvironment, 'prefix' | 'python'>;
  readonly runScript: RunScript;
  readonly signal: AbortSignal;
  readonly log?: (text: string) => void;
  /** Tests shorten it. A first import reads gigabytes: 22 to 25 s were measured, and without bytecode it compiles. */
  readonly importTimeoutMs?: number;
}

/**
 * Imports torch with the environment's own interpreter and says in one sentence what came.
 * @throws ProblemError `torch.broken` (facts: `library`, `package`), `python.garbage`, `env.interpreter_missing`, `program.*`
 */
export async function verifyImport({ environment, runScript, signal, log, importTimeoutMs = 120_000 }: VerifyImportOptions): Promise<string> {
  let cudaMajor: number | null = null;
  let answer: unknown;
  try {
    answer = await runScript({
      python: requirePython(environment), script: 'torch_facts.py', args: [], signal,
      // CUDA is not asked: a driver that hangs is another question.
      env: { CUDA_VISIBLE_DEVICES: '' },
      startTimeoutMs: 30_000, idleTimeoutMs: importTimeoutMs, totalTimeoutMs: importTimeoutMs + 30_000,
      onItem(data) {
        const files = filesItem.safeParse(data);
        if (files.success) cudaMajor = Number.parseInt(files.data.cuda ?? '', 10) || parseCudaLabel(files.data.version);
      },
      ...(log === undefined ? {} : { onLog: log }),
    });
  } catch (error) {
    const problem = problemOf(error);
    if (problem?.code !== 'python.failed') throw error;
    const detail = String(problem.facts['detail'] ?? problem.cause);
    // Only an exception has a message that can be looked up; a crash or a hang is what it is.
    const cause = problem.facts['how'] === 'problem' ? decideImportFailure(detail, cudaMajor) : { detail, remedy: 'Reinstall torch together with its nvidia packages.', library: null, packageName: null };
    throw new ProblemError(makeProblem('torch.broken', { detail: cause.detail, remedy: cause.remedy, library: cause.library, package: cause.packageName }, { chain: problem.facts['how'] === 'problem' ? problem.chain : [problem.cause, ...problem.chain] }), { cause: error });
  }
  const parsed = facts.safeParse(answer);
  if (!parsed.success) throw problemError('python.garbage', { program: environment.python.path, detail: 'torch does not say which version it is.' });
  const { version, python, cuda, hip, archs } = parsed.data;
  const build = cuda !== null ? `CUDA ${cuda}` : hip !== null ? `ROCm ${hip}` : 'CPU build';
  return `torch ${version} imports in Python ${python} (${build}${archs === null || archs.length === 0 ? '' : `; ${archs.join(' ')}`}).`;
}
