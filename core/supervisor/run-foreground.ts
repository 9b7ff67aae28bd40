import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { problemError } from '../../contract/problem-catalogue.ts';

/**
 * Runs a program in the terminal's foreground: its input and outputs are ours, and Ctrl+C reaches it as it reaches us.
 * Answers its exit code; 128 + the signal's number when one ended it, as shells do.
 * @throws ProblemError `program.not_found`, `program.not_executable`
 */
export function runForeground(command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...env } });
    // The terminal sends these to the whole group: the program decides what they mean.
    const stay = (): void => undefined;
    const pass = (): void => { child.kill('SIGTERM'); };
    process.on('SIGINT', stay).on('SIGQUIT', stay).on('SIGTERM', pass).on('SIGHUP', pass);
    const over = (): void => { process.off('SIGINT', stay).off('SIGQUIT', stay).off('SIGTERM', pass).off('SIGHUP', pass); };
    child.once('error', (error: NodeJS.ErrnoException) => {
      over();
      reject(problemError(error.code === 'EACCES' ? 'program.not_executable' : 'program.not_found', { program, detail: error.message }, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      over();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
