import { spawn } from 'node:child_process';
import { childEnvironment } from './child-environment.ts';

/** A keyring that asks for a password in a dialog may take its time; one that hangs may not hold us up. */
const LIMIT_MS = 30_000;
const MAX_OUTPUT = 64 * 1024;

/**
 * Runs a small tool of the system (secret-tool, security) to its end; what is secret goes over stdin, never into the
 * arguments, which every user of the machine can read. A tool that is not there rejects with ENOENT.
 */
export function runTool(program: string, args: readonly string[], input: string): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    // The session bus is where libsecret lives.
    const { DBUS_SESSION_BUS_ADDRESS: bus, DISPLAY: display } = process.env;
    const env = childEnvironment(process.env, { ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus }), ...(display === undefined ? {} : { DISPLAY: display }) });
    const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'ignore'], timeout: LIMIT_MS, killSignal: 'SIGKILL', env });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < MAX_OUTPUT) stdout += text;
    });
    child.once('error', reject);
    child.once('close', (code) => { resolve({ code, stdout }); });
    // A tool that does not read its input closes the pipe; that is its own affair.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
