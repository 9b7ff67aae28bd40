import { spawn, type ChildProcess } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { parseGuardReport, type GuardReport, type GuardRequest } from '../../contract/guard.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../contract/problem.ts';
import { entryPoint } from '../system/entry-points.ts';
import { readExecutable } from './check-executable.ts';
import { childEnvironment } from './child-environment.ts';
import { signalProcessGroup } from './end-process-group.ts';
import { readProcessStartTicks } from './process-identity.ts';
import type { ProgramOptions, ProgramResult, RunningProgram } from './supervisor.ts';
import { createTailBuffer } from './tail-buffer.ts';

/** Between terminate and kill. */
const GRACE_MS = 2000;
/** A guard that was told to end its group and is still there after this long is ended with it. */
const GUARD_DEADLINE_MS = GRACE_MS + 3000;
/** What escaped from the group (setsid) may hold the pipes; its output is not waited for. */
const LAST_OUTPUT_MS = 500;

export interface ProgramSurroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Where the guard notes the program, or null. */
  readonly journal: () => string | null;
  /** Nothing is started before this has settled (recovery after a crash). */
  readonly ready: Promise<unknown>;
}

/** Runs a program of somebody else under the guard. See `ProgramOptions` and `RunningProgram`. */
export function runProgram(options: ProgramOptions, surroundings: ProgramSurroundings): RunningProgram {
  const startedAt = performance.now();
  const cancelled = new AbortController();
  let running: GuardedProgram | null = null;
  let ended = false;
  const waiting: string[] = [];
  /** Why it was ended by us, when that is a Problem. */
  let verdict: Problem | null = null;

  const stopNow = (): void => {
    cancelled.abort();
    running?.end();
  };
  const expire = (milliseconds: number): void => {
    verdict ??= makeProblem('program.timeout', { program: options.program, seconds: milliseconds / 1000 });
    stopNow();
  };
  const total = options.timeoutMs;
  const idle = options.idleTimeoutMs;
  const totalTimer = total === undefined ? undefined : setTimeout(() => { expire(total); }, total);
  const idleTimer = idle === undefined ? undefined : setTimeout(() => { expire(idle); }, idle);
  options.signal?.addEventListener('abort', stopNow, { once: true });
  if (options.signal?.aborted === true) stopNow();

  const run = async (): Promise<ProgramResult> => {
    const notStarted = (): ProgramResult => ({ exitCode: null, signal: 'SIGTERM', stderr: '', tookMs: performance.now() - startedAt });
    await surroundings.ready;
    const env = childEnvironment(surroundings.env, options.env);
    const program = await readExecutable(options.program, env['PATH'] ?? '', options.cwd ?? process.cwd());
    if (cancelled.signal.aborted) {
      if (verdict !== null) throw new ProblemError(verdict);
      return notStarted();
    }
    const request: GuardRequest = { program, args: options.args, cwd: options.cwd ?? null, env, journal: surroundings.journal(), owner: { pid: process.pid, startTicks: readProcessStartTicks(process.pid) }, graceMs: GRACE_MS, input: options.input === true };
    running = startGuard(request, childEnvironment(surroundings.env), {
      ...(options.onStdout === undefined ? {} : { stdout: options.onStdout }),
      ...(options.onStderr === undefined ? {} : { stderr: options.onStderr }),
      output: () => { idleTimer?.refresh(); },
    });
    for (const text of waiting.splice(0)) running.write(text);
    const { report, stderr } = await running.done;
    if (verdict !== null) throw new ProblemError(verdict);
    if (report?.t === 'exit') return { exitCode: report.exitCode, signal: report.signal, stderr, tookMs: performance.now() - startedAt };
    if (report?.t === 'error') throw problemError(report.code === 'ENOENT' ? 'program.not_found' : 'program.not_executable', { program: options.program, detail: report.message });
    throw problemError('program.failed', { program: options.program, how: 'the end of its guard', detail: stderr.slice(-300) });
  };

  const done = run().finally(() => {
    ended = true;
    clearTimeout(totalTimer);
    clearTimeout(idleTimer);
    options.signal?.removeEventListener('abort', stopNow);
  });
  // Whoever only calls stop() need not handle it; whoever awaits `done` still sees the rejection.
  done.catch(() => undefined);
  return {
    get pid() {
      return ended ? null : (running?.pid() ?? null);
    },
    done,
    async stop() {
      stopNow();
      await done.catch(() => undefined);
    },
    write(text) {
      if (options.input !== true || ended || cancelled.signal.aborted) return;
      if (running === null) waiting.push(text);
      else running.write(text);
    },
  };
}

interface GuardEnd {
  /** The last thing that the guard said, or null when it ended without a word. */
  readonly report: GuardReport | null;
  readonly stderr: string;
}
interface GuardedProgram {
  pid(): number | null;
  /** Tells the guard to end the group. */
  end(): void;
  /** To the program. */
  write(text: string): void;
  readonly done: Promise<GuardEnd>;
}
interface GuardListeners {
  readonly stdout?: (text: string) => void;
  readonly stderr?: (text: string) => void;
  readonly output: () => void;
}

function startGuard(request: GuardRequest, env: Readonly<Record<string, string>>, listeners: GuardListeners): GuardedProgram {
  const stderr = createTailBuffer();
  const guard = spawn(process.execPath, [entryPoint('guard')], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env: { ...env }, detached: process.platform !== 'win32', windowsHide: true });
  let started: Extract<GuardReport, { t: 'started' }> | null = null;
  let last: GuardReport | null = null;
  let deadline: NodeJS.Timeout | undefined;

  const killGroup = (): void => {
    if (started === null) return;
    // Not if the number means another process by now. Without its leader the group may still have members.
    const ticks = readProcessStartTicks(started.pid);
    if (ticks === null || ticks === started.startTicks) signalProcessGroup(started.pid, 'SIGKILL');
  };
  listen(guard.stdout, listeners.stdout, listeners.output);
  listen(guard.stderr, listeners.stderr, listeners.output);
  guard.stderr?.on('data', (chunk: Buffer) => { stderr.append(chunk); });
  readReports(guard, (report) => {
    last = report;
    if (report.t === 'started') started = report;
  });
  guard.stdin?.on('error', () => undefined);
  guard.stdin?.write(`${JSON.stringify(request)}\n`);

  const done = new Promise<GuardEnd>((resolve) => {
    const finish = (): void => {
      clearTimeout(deadline);
      resolve({ report: last, stderr: stderr.text() });
      for (const stream of guard.stdio) stream?.destroy();
    };
    guard.on('error', (error) => {
      if (guard.pid !== undefined) return;
      stderr.append(Buffer.from(error.message));
      finish();
    });
    guard.on('exit', () => {
      // The guard answers for its group; when it was killed itself, we do.
      const timer = setTimeout(finish, LAST_OUTPUT_MS);
      guard.once('close', () => {
        clearTimeout(timer);
        finish();
      });
      setImmediate(() => {
        if (last?.t !== 'exit' && last?.t !== 'error') killGroup();
      });
    });
  });
  return {
    pid: () => started?.pid ?? null,
    write(text) {
      if (guard.stdin?.writable) guard.stdin.write(text);
    },
    end() {
      guard.stdin?.end();
      deadline ??= setTimeout(() => {
        killGroup();
        guard.kill('SIGKILL');
      }, GUARD_DEADLINE_MS);
    },
    done,
  };
}

function listen(stream: ChildProcess['stdout'], tell: ((text: string) => void) | undefined, output: () => void): void {
  const decoder = new StringDecoder('utf8');
  stream?.on('data', (chunk: Buffer) => {
    output();
    const text = decoder.write(chunk);
    if (text !== '') tell?.(text);
  });
  stream?.on('end', () => {
    const rest = decoder.end();
    if (rest !== '') tell?.(rest);
  });
  stream?.on('error', () => undefined);
}

function readReports(guard: ChildProcess, told: (report: GuardReport) => void): void {
  const stream = guard.stdio[3];
  if (stream === null || stream === undefined || !('read' in stream)) return;
  let waiting = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = `${waiting}${text}`.split('\n');
    waiting = lines.pop() ?? '';
    for (const line of lines) {
      const report = parseGuardReport(line);
      if (report !== null) told(report);
    }
  });
  stream.on('error', () => undefined);
}
