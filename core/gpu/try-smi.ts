import type { Supervisor } from '../supervisor/supervisor.ts';

/** Does `nvidia-smi -L` list a GPU within 10 s? False for every kind of trouble. */
export async function canSmiAnswer(supervisor: Supervisor, program: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  let said = '';
  try {
    const result = await supervisor.runProgram({
      program, args: ['-L'], timeoutMs: 10_000, env: { LC_ALL: 'C', ...env },
      onStdout: (text) => { if (said.length < 65_536) said += text; },
    }).done;
    return result.exitCode === 0 && /^GPU \d+: /m.test(said);
  } catch {
    return false;
  }
}
