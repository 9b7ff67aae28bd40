import { spawn, type ChildProcess } from 'node:child_process';
import type { EngineToWorker } from '../../contract/worker.ts';
import { signalProcessGroup } from './end-process-group.ts';
import { createTailBuffer } from './tail-buffer.ts';
import { channelEnvironment, channelStdio, openWorkerChannel } from './worker-channel.ts';

/** How a worker process ended, as seen from outside. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly spawnError: string | null;
  /** The last 64 KB of each output. */
  readonly stderr: string;
  readonly stdout: string;
}

export interface WorkerProcess {
  readonly pid: number | null;
  send(message: EngineToWorker): void;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Listens no more: for a process that does not even die of a kill. */
  abandon(): void;
}

export interface WorkerProcessEvents {
  message(value: unknown): void;
  /** The channel carried no message, or closed while the process lives. */
  garbage(detail: string): void;
  /** Once, whatever happened; after it no other event. */
  ended(end: ProcessEnd): void;
}

export interface WorkerProcessOptions {
  readonly nodeArgs: readonly string[];
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/** After an exit its last output is still in the pipes; a grandchild may hold them open for ever, so not longer. */
const LAST_OUTPUT_MS = 250;

/** Starts a Node process with a channel, as the leader of a group of its own. Never throws. */
export function startWorkerProcess(options: WorkerProcessOptions, events: WorkerProcessEvents): WorkerProcess {
  const stderr = createTailBuffer();
  const stdout = createTailBuffer();
  let over = false;
  const end = (exitCode: number | null, signal: string | null, spawnError: string | null): void => {
    if (over) return;
    over = true;
    events.ended({ exitCode, signal, spawnError, stderr: stderr.text(), stdout: stdout.text() });
  };

  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...options.nodeArgs, options.path], { stdio: channelStdio, env: { ...options.env, ...channelEnvironment }, detached: process.platform !== 'win32', windowsHide: true });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    queueMicrotask(() => {
      end(null, null, detail);
    });
    return { pid: null, send: () => undefined, signal: () => undefined, abandon: () => undefined };
  }
  const group = child.pid ?? null;
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.append(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.append(chunk);
  });
  let exited = false;
  const channel = openWorkerChannel(child, {
    message(value) {
      if (!over) events.message(value);
    },
    garbage(detail) {
      if (!over) events.garbage(detail);
    },
    closed() {
      // An exit closes the channel too, and may be told later: only a process that goes on without it is wrong.
      setTimeout(() => {
        if (!exited && !over) events.garbage('it closed its channel');
      }, LAST_OUTPUT_MS).unref();
    },
  });
  const letGo = (): void => {
    channel.close();
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  child.on('error', (error) => {
    // Without a pid it never started; else it is a signal or a message that failed, and the exit tells.
    if (child.pid === undefined) end(null, null, error.message);
  });
  child.on('exit', (exitCode, signal) => {
    exited = true;
    // What it started goes with it.
    if (group !== null && process.platform !== 'win32') signalProcessGroup(group, 'SIGKILL');
    const timer = setTimeout(finish, LAST_OUTPUT_MS);
    function finish(): void {
      clearTimeout(timer);
      end(exitCode, signal, null);
      letGo();
    }
    child.once('close', finish);
  });

  return {
    pid: group,
    send(message) {
      if (!over) channel.send(message);
    },
    signal(signal) {
      if (!exited && group !== null) signalProcessGroup(group, signal);
    },
    abandon() {
      over = true;
      letGo();
      child.unref();
    },
  };
}
