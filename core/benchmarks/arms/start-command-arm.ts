import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { CommandWorkload } from '../../../contract/optimize.ts';
import type { ProgramResult, Supervisor } from '../../supervisor/supervisor.ts';
import type { Arm, ArmWish, StartArm } from '../parts.ts';
import { findFigure, parseFigure } from './find-figure.ts';
import type { TorchArmOptions } from './start-torch-arm.ts';

export interface CommandArmOptions {
  readonly supervisor: Pick<Supervisor, 'runProgram'>;
  /** Toggles that act inside a process cannot be brought into somebody else's program. */
  readonly codeToggle: TorchArmOptions['codeToggle'];
}

/** Characters of each output that are kept and searched: the last ones. */
const KEPT = 1024 * 1024;
/** Characters after which a program is ended. */
const FLOOD = 64 * 1024 * 1024;
const LAST_WORDS = 300;

interface Outcome {
  readonly result: ProgramResult;
  readonly stdout: string;
  readonly stderr: string;
  readonly flooded: boolean;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/**
 * The user's own program, run once for each sample under the guard, which ends all that it started with it. Its figure
 * is the first group of the pattern's last match in what it printed: standard output first, else standard error.
 * @throws ProblemError `effect.command_fails`, `effect.command_late`, `effect.command_silent`, `effect.pattern`,
 *   `toggle.workload`, `program.not_found`, `program.not_executable`; on abort the signal's reason
 */
export async function startCommandArm(wish: ArmWish, signal: AbortSignal, log: (text: string) => void, options: CommandArmOptions): Promise<Arm> {
  signal.throwIfAborted();
  if (typeof wish.workload === 'string') throw problemError('bench.unknown', { what: wish.workload });
  const workload = wish.workload;
  const command = workload.command.join(' ').slice(0, 200);
  const inside = wish.toggles.find((toggle) => options.codeToggle(toggle) !== null);
  if (inside !== undefined) throw problemError('toggle.workload', { title: inside.toggleId, detail: `it acts inside a process, and cannot be brought into ${command}.`, workloads: 'the built-in workloads' });
  // A pattern that cannot work is said before anything is run.
  const trial = await findFigure(workload.pattern, ['']);
  if (trial.t === 'invalid') throw problemError('effect.pattern', { pattern: workload.pattern, detail: trial.detail });
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const under = new Set<Promise<unknown>>();

  const once = async (): Promise<Outcome & { readonly value: number }> => {
    signal.throwIfAborted();
    if (ended.signal.aborted) throw problemError('effect.command_fails', { command, how: 'is not run any more: the measurement has ended', last: '' });
    const running = runOnce(workload, { ...wish.variables, CUDA_VISIBLE_DEVICES: wish.place === 'cpu' ? '' : wish.place }, both, log, options.supervisor);
    under.add(running);
    const outcome = await running.catch((error: unknown) => {
      signal.throwIfAborted();
      if (problemOf(error)?.code === 'program.timeout') throw problemError('effect.command_late', { command, seconds: workload.timeoutSeconds }, { cause: error });
      throw error;
    }).finally(() => under.delete(running));
    signal.throwIfAborted();
    return { ...outcome, value: await readValue(outcome, workload, command) };
  };

  return {
    facts: { command, unit: workload.unit, folder: workload.folder, unknown: null },
    // One run fills the caches; its figure does not count.
    async warmUp(seconds) { if (seconds > 0) await once(); },
    async sample() {
      const { value, startedAtMs, endedAtMs } = await once();
      return { value, startedAtMs, endedAtMs, memoryBytes: null, repetitions: 1 };
    },
    error: () => Promise.resolve(null),
    async end() {
      ended.abort();
      await Promise.allSettled(under);
    },
  };
}

async function runOnce(workload: CommandWorkload, env: Readonly<Record<string, string>>, signal: AbortSignal, log: (text: string) => void, supervisor: CommandArmOptions['supervisor']): Promise<Outcome> {
  const [program = '', ...args] = workload.command;
  const stop = new AbortController();
  const outputs = { stdout: '', stderr: '' };
  let received = 0;
  let flooded = false;
  const take = (name: 'stdout' | 'stderr') => (text: string): void => {
    received += text.length;
    // Cut in steps, so that a stream of small pieces is not copied each time.
    const all = outputs[name] + text;
    outputs[name] = all.length > 2 * KEPT ? all.slice(-KEPT) : all;
    if (received <= KEPT) log(text);
    if (received <= FLOOD || flooded) return;
    flooded = true;
    stop.abort();
  };
  const startedAtMs = Date.now();
  const result = await supervisor.runProgram({
    program, args, env, timeoutMs: workload.timeoutSeconds * 1000, signal: AbortSignal.any([signal, stop.signal]), onStdout: take('stdout'), onStderr: take('stderr'),
    ...(workload.folder === null ? {} : { cwd: workload.folder }),
  }).done;
  return { result, stdout: outputs.stdout.slice(-KEPT), stderr: outputs.stderr.slice(-KEPT), flooded, startedAtMs, endedAtMs: Date.now() };
}

/** The last line that says something, of what was printed last. */
function lastWords({ stdout, stderr }: Pick<Outcome, 'stdout' | 'stderr'>): string {
  const of = (text: string): string => text.slice(-4000).split('\n').map((line) => line.trim()).findLast((line) => line !== '') ?? '';
  return (of(stderr) || of(stdout) || '(nothing)').slice(0, LAST_WORDS).replace(/\.+$/, '');
}

async function readValue(outcome: Outcome, workload: CommandWorkload, command: string): Promise<number> {
  const { result, flooded } = outcome;
  const fails = (how: string): Error => problemError('effect.command_fails', { command, how, last: lastWords(outcome), exitCode: result.exitCode, signal: result.signal });
  if (flooded) throw fails(`printed more than ${String(FLOOD / 1024 / 1024)} MB and was ended`);
  if (result.signal !== null) throw fails(`was ended by ${result.signal}`);
  if (result.exitCode !== 0) throw fails(`ended with code ${String(result.exitCode ?? 'unknown')}`);
  const found = await findFigure(workload.pattern, [outcome.stdout, outcome.stderr]);
  if (found.t === 'invalid') throw problemError('effect.pattern', { pattern: workload.pattern, detail: found.detail });
  const silent = (last: string): Error => problemError('effect.command_silent', { command, exitCode: result.exitCode, pattern: workload.pattern, last });
  if (found.t === 'none') throw silent(lastWords(outcome));
  const value = parseFigure(found.text);
  if (value === null) throw silent(`"${found.text}", which is no number above 0`);
  return value;
}

/** `startCommandArm` with its surroundings. */
export const createCommandArms = (options: CommandArmOptions): StartArm => (wish, signal, log) => startCommandArm(wish, signal, log, options);
