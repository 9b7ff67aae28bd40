import { readFile } from 'node:fs/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProgramOptions, RunningProgram } from '../../supervisor/supervisor.ts';
import { problemOf } from '../../../contract/problem.ts';

/** What the tools need of the engine. */
export interface ToolSurroundings {
  readonly runProgram: (options: ProgramOptions) => RunningProgram;
  /** Where downloads of a running upgrade and private working folders lie. */
  readonly workFolder: string;
  readonly limits: ToolLimits;
}
export interface ToolLimits {
  readonly resolveMs: number;
  /** Without one byte for so long, a download stands still. */
  readonly idleMs: number;
  readonly checkMs: number;
  /** Between two looks at how far it is. */
  readonly pollMs: number;
}
/** 30 s: the design's limit for a slow index; the tools try again by themselves at half of it. */
export const DEFAULT_LIMITS: ToolLimits = { resolveMs: 300_000, idleMs: 30_000, checkMs: 60_000, pollMs: 500 };

export interface ToolRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly redact: (text: string) => string;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Watch for bytes: see `ToolLimits.idleMs`. */
  readonly idleMs?: number;
  readonly onLine?: (line: string) => void;
  /** Bytes that it has written so far (files that it unpacks or downloads). */
  readonly onWritten?: (bytes: number) => void;
  readonly pollMs?: number;
}
export interface ToolOutcome {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The first part of each output, secrets left out. */
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** A dry run of a large environment prints some 100 KB; pylock with hashes of all CUDA packages 200 KB. */
const MAX_OUTPUT = 4 * 1024 * 1024;

/**
 * Runs pip, uv or conda once and gives what it said; how it ended is for the caller to judge.
 * @throws ProblemError `upgrade.no_tool` (it is not there), `upgrade.stalled`; the signal's reason when it was cancelled.
 */
export async function runTool(run: ToolRun, runProgram: ToolSurroundings['runProgram']): Promise<ToolOutcome> {
  run.signal.throwIfAborted();
  const outputs = { stdout: '', stderr: '' };
  const lines = { stdout: '', stderr: '' };
  let movedAt = performance.now();
  const take = (which: 'stdout' | 'stderr') => (text: string): void => {
    if (outputs[which].length < MAX_OUTPUT) outputs[which] += text;
    if (run.onLine === undefined) return;
    const parts = `${lines[which]}${text}`.split(/\r?\n|\r/);
    // A line without end is given out in pieces.
    lines[which] = (parts.pop() ?? '').slice(-4096);
    for (const line of parts) if (line !== '') run.onLine(run.redact(line));
  };
  const running = runProgram({
    program: run.program, args: run.args, env: run.env, cwd: run.cwd, signal: run.signal,
    ...(run.timeoutMs === undefined ? {} : { timeoutMs: run.timeoutMs }), onStdout: take('stdout'), onStderr: take('stderr'),
  });
  let stalled = false;
  let written = 0;
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const bytes = await readWrittenBytes(running.pid);
    looking = false;
    // A few bytes are its own housekeeping (waking threads, saying that it tries again), not a download.
    if (bytes !== null && bytes > written + 1024) {
      written = bytes;
      movedAt = performance.now();
      run.onWritten?.(bytes);
    }
    if (bytes !== null && run.idleMs !== undefined && performance.now() - movedAt > run.idleMs) {
      stalled = true;
      void running.stop();
    }
  };
  const watch = setInterval(() => void look(), run.pollMs ?? 500);
  try {
    const result = await running.done;
    run.signal.throwIfAborted();
    if (stalled) throw problemError('upgrade.stalled', { seconds: (run.idleMs ?? 0) / 1000 });
    for (const which of ['stdout', 'stderr'] as const) if (lines[which] !== '') run.onLine?.(run.redact(lines[which]));
    return { exitCode: result.exitCode, signal: result.signal, stdout: run.redact(outputs.stdout), stderr: run.redact(outputs.stderr), tookMs: result.tookMs };
  } catch (error) {
    run.signal.throwIfAborted();
    const problem = problemOf(error);
    if (problem?.code === 'program.not_found' || problem?.code === 'program.not_executable') throw problemError('upgrade.no_tool', { tool: run.program, detail: problem.cause }, { cause: error });
    if (problem?.code === 'program.timeout') throw problemError('upgrade.stalled', { seconds: (run.timeoutMs ?? 0) / 1000 }, { cause: error });
    throw error;
  } finally {
    clearInterval(watch);
  }
}

/** What a process has written by `write` in all (proc(5), io: wchar); null where the system does not tell. */
async function readWrittenBytes(pid: number | null): Promise<number | null> {
  if (pid === null || process.platform !== 'linux') return null;
  const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  const bytes = /^wchar: (\d+)$/m.exec(text)?.[1];
  return bytes === undefined ? null : Number(bytes);
}

/** An argument as a shell would need it, for show. */
export function quoteArgument(text: string): string {
  if (/^[\w@%+=:,./<>~^!-]+$/.test(text) && !/[<>!~]/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
