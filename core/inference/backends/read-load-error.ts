import type { Supervisor } from '../../supervisor/supervisor.ts';

const LIMIT_MS = 30_000;
/** Opens a library as the addon would and prints why it cannot be opened; no addon, so "did not self-register" is success. */
const SCRIPT = 'try { process.dlopen({ exports: {} }, process.argv[1], require("os").constants.dlopen?.RTLD_NOW ?? 0); } catch (e) { if (!/self-register|Module did not/.test(e.message)) console.log(e.message); }';

/** What the system's loader says against a library, tried in a process that may die; null: it says nothing. */
export async function readLoadError(supervisor: Supervisor, library: string, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string | null> {
  let said = '';
  try {
    await supervisor.runProgram({
      program: process.execPath, args: ['-e', SCRIPT, library], env, timeoutMs: LIMIT_MS, signal,
      onStdout: (text) => { if (said.length < 4096) said += text; },
    }).done;
  } catch {
    return null;
  }
  const line = said.trim().split('\n')[0] ?? '';
  return line === '' ? null : `The system cannot load it: ${line.slice(0, 500)}`;
}
