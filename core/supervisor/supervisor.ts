import type { WorkerStatus } from '../../contract/system.ts';
import type { EntryPoint } from '../system/entry-points.ts';

/** A worker process, described by data. */
export interface WorkerDescription {
  /** As the worker says it; one of several of a kind has its own name after a colon: `inference:3fa2`. */
  readonly name: string;
  /** A part of Warpdeck by name; a path is for workers that are not built with it (tests). */
  readonly entry: EntryPoint | { readonly path: string };
  readonly startTimeoutMs: number;
  /** The worker beats this often; silent or without progress for `unresponsiveAfterMs` it is a hang. */
  readonly beatIntervalMs: number;
  readonly unresponsiveAfterMs: number;
  readonly memoryLimitBytes: number;
  /** Added to the allow-listed environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** Not listed any more once it was stopped: for workers that come and go with what they hold. */
  readonly temporary?: boolean;
  /** Tests shorten these. Default 500 … 8000 ms doubling, budget 5, one regained per 120 000 healthy ms. */
  readonly restart?: { readonly firstMs?: number; readonly maxMs?: number; readonly budget?: number; readonly regainMs?: number };
}

export interface WorkerHandle {
  status(): WorkerStatus;
  /** One answer from the worker. Rejects with a ProblemError; always settles, also when the worker dies. */
  call(op: string, input: unknown, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  /** Sent now (when ready) and again after every restart: subscriptions, never actions. One per `op`. */
  keep(op: string, input: unknown): void;
  /** Unasked messages of the worker. Returns the way to stop listening. */
  onEvent(listener: (name: string, data: unknown) => void): () => void;
  onStatus(listener: (status: WorkerStatus) => void): () => void;
  /** Starts again now with a fresh budget (the button after `failed`). */
  restart(): void;
  /** Ends the process at once, as a crash would: for work that cannot be stopped otherwise. */
  kill(): void;
  stop(): Promise<void>;
}

/** A program of somebody else (nvidia-smi, pip, …), run under the guard in its own process group. */
export interface ProgramOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Nothing on either output for so long is a hang. */
  readonly idleTimeoutMs?: number;
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
  readonly signal?: AbortSignal;
  /** It gets a standard input, which `RunningProgram.write` fills; otherwise that is empty. */
  readonly input?: boolean;
}
export interface ProgramResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last 64 KB. */
  readonly stderr: string;
  readonly tookMs: number;
}
export interface RunningProgram {
  readonly pid: number | null;
  /** Settles when the whole group is gone. Rejects with `program.not_found`, `program.timeout`. */
  readonly done: Promise<ProgramResult>;
  /** Terminate, 2 s, kill the group. */
  stop(): Promise<void>;
  /** To its standard input, if `input` was asked for; kept until it runs, nothing once it has ended. */
  write(text: string): void;
}

export interface Supervisor {
  startWorker(description: WorkerDescription): WorkerHandle;
  runProgram(options: ProgramOptions): RunningProgram;
  /** Settles when programs that an earlier engine left behind have ended. Never rejects. */
  recovered(): Promise<unknown>;
  statuses(): readonly WorkerStatus[];
  /** Ends everything that was started here, by the ladder. */
  stopAll(): Promise<void>;
}
