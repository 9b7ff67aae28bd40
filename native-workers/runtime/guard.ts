/**
 * The guard of one program of somebody else. It runs it in a process group of its own and holds a pipe (standard
 * input) to the engine: when that closes, by intent or because the engine was killed, the group is terminated and,
 * `graceMs` later, killed. The program writes straight into the engine's pipes. See contract/guard.ts.
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { parseGuardRequest, type GuardJournal, type GuardReport, type GuardRequest } from '../../contract/guard.ts';
import { endProcessGroup, readProcessStat } from './process-group.ts';

const EXIT_USAGE = 64;
/** The guard's own end if the program cannot even be killed. Its journal stays for the next engine. */
const EXIT_LEFT_BEHIND = 75;
const REPORT_FD = 3;

let end = (): void => process.exit(0);
let toProgram: (text: string) => void = () => undefined;
let received = '';
let started = false;

process.stdin.setEncoding('utf8');
process.stdin.on('data', (text: string) => {
  if (started) return toProgram(text);
  received += text;
  const newline = received.indexOf('\n');
  if (newline < 0) return;
  started = true;
  const request = parseGuardRequest(received.slice(0, newline));
  if (request === null) process.exit(EXIT_USAGE);
  const rest = received.slice(newline + 1);
  received = '';
  guardProgram(request);
  if (rest !== '') toProgram(rest);
});
// `close` follows both an end and a reset of the pipe.
process.stdin.on('error', () => undefined);
process.stdin.on('close', () => { end(); });
process.stdin.on('end', () => { end(); });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => { end(); });

function guardProgram(request: GuardRequest): void {
  const child = spawn(request.program, request.args, {
    ...(request.cwd === null ? {} : { cwd: request.cwd }),
    env: { ...request.env },
    stdio: [request.input === true ? 'pipe' : 'ignore', 'inherit', 'inherit'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return;
    report({ t: 'error', code: error.code ?? 'UNKNOWN', message: error.message });
    process.exit(0);
  });
  // A program that does not read any more is no error of the guard's.
  child.stdin?.on('error', () => undefined);
  toProgram = (text) => { child.stdin?.write(text); };
  const group = child.pid;
  if (group === undefined) return;

  const startTicks = readProcessStat(group)?.startTicks ?? null;
  note(request, { pid: group, startTicks, group, program: request.program, startedAtMs: Date.now(), owner: request.owner });
  report({ t: 'started', pid: group, startTicks });

  let ending: Promise<void> | null = null;
  const endGroup = (): Promise<void> => (ending ??= endProcessGroup(group, request.graceMs));
  end = () => {
    void endGroup().then(() => {
      // The exit comes with the next turn of the loop if the leader is dead.
      setTimeout(() => process.exit(EXIT_LEFT_BEHIND), 500);
    });
  };
  child.on('exit', (exitCode, signal) => {
    // What the program left running in its group goes with it.
    void endGroup().then(() => {
      if (request.journal !== null) rmSync(request.journal, { force: true });
      report({ t: 'exit', exitCode, signal });
      process.exit(0);
    });
  });
}

function note(request: GuardRequest, journal: GuardJournal): void {
  if (request.journal === null) return;
  try {
    writeFileSync(request.journal, JSON.stringify(journal), { mode: 0o600 });
  } catch (error) {
    // A full disk must not stop the program; only recovery after a crash of engine and guard together is lost.
    writeSync(2, `The journal ${request.journal} could not be written: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function report(message: GuardReport): void {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(message)}\n`);
  } catch {
    // The engine has gone; the closed standard input says so too.
  }
}
