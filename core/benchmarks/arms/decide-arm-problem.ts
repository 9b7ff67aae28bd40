import type { Facts, ProblemCode } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';

export interface ArmSubject {
  /** The workload, as it was wished. */
  readonly what: string;
  /** A place's name for people. */
  readonly place: string;
  /** The environment's folder. */
  readonly environment: string;
  readonly library: 'PyTorch' | 'NumPy';
}
export interface ArmFailure {
  readonly code: ProblemCode;
  readonly facts: Facts;
  readonly chain: readonly string[];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Why a measuring process ended → what to tell: from the Problem of its script (`python.failed` with its facts `how`,
 * `kind`, `doing`, `signal`). Null: it is right as it is. Pure.
 */
export function decideArmProblem(problem: Problem, subject: ArmSubject): ArmFailure | null {
  if (problem.code !== 'python.failed') return null;
  const { how, kind, doing } = problem.facts;
  const detail = text(problem.facts['detail']);
  const chain = [problem.cause, ...problem.chain];
  const starting = doing === null || doing === 'import' || doing === 'context';
  const numpy = subject.library === 'NumPy';
  const numpyRemedy = 'Try again. If it stays so, install NumPy or PyTorch in another environment; "warpdeck envs" lists them.';
  const torchFails = (remedy: string): ArmFailure => ({ code: numpy ? 'bench.numpy_fails' : 'bench.torch_fails', facts: { environment: subject.environment, detail, remedy: numpy ? numpyRemedy : remedy }, chain });
  const caseFails = (remedy: string): ArmFailure => ({ code: 'bench.case_fails', facts: { what: subject.what, detail, remedy }, chain });

  if (how === 'start' || how === 'idle' || how === 'total') {
    const seconds = /\b([\d.]+) s\b/.exec(detail)?.[1] ?? '—';
    return { code: 'bench.hangs', facts: { what: starting ? `${subject.library} in ${subject.environment}` : subject.what, seconds, doing: text(doing) }, chain };
  }
  if (how === 'problem') {
    if (kind === 'import') return torchFails('"warpdeck doctor" says what is wrong with this environment and how it is repaired.');
    if (kind === 'context') return torchFails('"warpdeck doctor --deep" says which step fails.');
    if (kind === 'memory') return { code: 'bench.no_memory', facts: { what: subject.what, place: subject.place, detail }, chain };
    if (kind === 'not_offered') return { code: 'bench.no_place', facts: { what: subject.what, place: subject.place, detail }, chain };
    const [named = '', ...rest] = detail.split(': ');
    if (kind === 'toggle') return { code: 'toggle.unavailable', facts: { title: named, detail: rest.join(': '), remedy: 'Leave it out, or choose an environment with another PyTorch.' }, chain };
    if (kind === 'toggle_workload') return { code: 'toggle.workload', facts: { title: named, detail: `it has no effect on ${subject.what} by its nature.`, workloads: rest.join(': ') }, chain };
    return caseFails('Choose another size, or another environment.');
  }
  // An end without a word: by a signal (a crash, or somebody ended it), or by a library's exit.
  if (starting) return torchFails('"warpdeck doctor --deep" says which step fails.');
  return caseFails(problem.facts['signal'] === 'SIGKILL' ? 'Somebody ended the process, or the machine had no memory left. Try again, or choose a smaller case.' : 'Try again; if it stays so, "warpdeck doctor --deep" says which step fails.');
}
