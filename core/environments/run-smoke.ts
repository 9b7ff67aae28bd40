import { dirname } from 'node:path';
import type { FoundEnvironment } from '../../contract/environments.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** A command of the user's own may take so long, ms, and be silent so long. */
const LIMIT_MS = 30 * 60_000;
const IDLE_MS = 5 * 60_000;

/**
 * Runs the user's own check with the environment first in PATH, as an activated shell would.
 * @throws ProblemError `upgrade.verify_failed` when it ends with anything but 0; `program.*`; the signal's reason
 */
export async function runSmoke(options: { readonly supervisor: Pick<Supervisor, 'runProgram'>; readonly command: readonly string[]; readonly environment: Pick<FoundEnvironment, 'prefix' | 'python' | 'projectFolder'>; readonly signal: AbortSignal; readonly log: (text: string) => void }): Promise<string> {
  const { command, environment, signal } = options;
  const [program = '', ...args] = command;
  const bin = environment.python.path === null ? environment.prefix : dirname(environment.python.path);
  const path = `${bin}${process.platform === 'win32' ? ';' : ':'}${process.env['PATH'] ?? ''}`;
  const started = performance.now();
  const running = options.supervisor.runProgram({
    program, args, cwd: environment.projectFolder ?? environment.prefix, env: { PATH: path, VIRTUAL_ENV: environment.prefix }, timeoutMs: LIMIT_MS, idleTimeoutMs: IDLE_MS, signal,
    onStdout: (text) => { options.log(text); }, onStderr: (text) => { options.log(text); },
  });
  const ended = await running.done;
  signal.throwIfAborted();
  const how = ended.signal ?? `exit code ${String(ended.exitCode)}`;
  if (ended.exitCode !== 0) throw problemError('upgrade.verify_failed', { check: command.join(' '), detail: `${how}. ${ended.stderr.trim().split('\n').at(-1) ?? ''}` });
  return `ended with 0 after ${((performance.now() - started) / 1000).toFixed(1)} s`;
}
