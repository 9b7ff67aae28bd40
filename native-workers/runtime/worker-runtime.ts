import { writeSync } from 'node:fs';
import { engineToWorker, type EngineToWorker, type WorkerToEngine } from '../../contract/worker.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../contract/problem.ts';

/** EX_SOFTWARE of sysexits.h: an internal error. The supervisor reads the reason from stderr. */
export const EXIT_INTERNAL = 70;
/** EX_USAGE: started by hand, without a channel to an engine. */
const EXIT_USAGE = 64;
/** An orphan is gone after this long, whatever its `onShutdown` does (no child outlives its engine by 5 s). */
const ORPHAN_DEADLINE_MS = 2000;
/** So many unread messages mean that the engine has stopped reading; the queue must not become the leak. */
const MAX_UNSENT = 20_000;

export interface WorkerOptions {
  readonly name: string;
  /** What the engine may ask, by operation. What is thrown becomes the Problem of the reply. */
  readonly calls: Readonly<Record<string, (input: unknown) => unknown>>;
  /**
   * Asked at every beat: a counter that moves when the thread that does the work moves, and the call it is in
   * (null while it waits for work). Without it the beat counts itself: enough where the work runs on this thread.
   */
  readonly progress?: () => { readonly progress: number; readonly busy: string | null };
  /** Milliseconds between two beats, 500 if not given. */
  readonly beatIntervalMs?: number;
  /** Runs once before the worker exits, on request or because its engine has gone. */
  readonly onShutdown?: () => void | Promise<void>;
}

export interface WorkerPort {
  /** Sends something unasked to the engine. An engine that has gone is no error; what JSON cannot hold is. */
  emit(name: string, data: unknown): void;
  /** Settles when all that was emitted has left this process: whoever sends as fast as it can waits here. */
  drained(): Promise<void>;
}

/**
 * Speaks contract/worker.ts with the engine over this process's IPC channel until the engine ends it or is gone.
 *
 * Whoever calls this keeps its thread free: what loops or blocks is done in another thread. A main thread that never
 * comes back is seen by a living engine (no beat) and ended; of an engine that was killed it hears nothing, and lives
 * until the next engine of that data folder ends it by the journal. A watching thread of its own would cure that for
 * 9 MB in every worker (measured), a ninth of what the nvml worker may use, and none of our main threads loops.
 */
export function runWorker(options: WorkerOptions): WorkerPort {
  if (process.send === undefined) {
    writeSync(2, `The worker "${options.name}" is started by the engine, not by hand.\n`);
    process.exit(EXIT_USAGE);
  }
  let beats = 0;
  let beatUnderWay = false;
  let ending = false;
  let unsent = 0;
  let whenDrained: (() => void)[] = [];

  process.on('uncaughtException', failWorker);
  process.on('unhandledRejection', failWorker);

  const end = (): void => {
    if (ending) return;
    ending = true;
    clearInterval(beating);
    Promise.resolve()
      .then(() => options.onShutdown?.())
      .then(() => {
        if (process.connected) process.exit(0);
        killSelf();
      }, failWorker);
  };

  const answer = async (id: number, op: string, input: unknown): Promise<void> => {
    const handler = Object.hasOwn(options.calls, op) ? options.calls[op] : undefined;
    if (handler === undefined) {
      send({ t: 'reply', id, problem: makeProblem('input.unknown_operation', { operation: op }) });
      return;
    }
    try {
      send({ t: 'reply', id, value: await handler(input) });
    } catch (error) {
      send({ t: 'reply', id, problem: asProblem(error) });
    }
  };

  const beat = (): void => {
    // An engine that does not read gets one waiting beat, not a growing queue of them.
    if (beatUnderWay) return;
    const state = options.progress?.() ?? { progress: ++beats, busy: null };
    beatUnderWay = true;
    send({ t: 'beat', progress: state.progress, busy: state.busy }, () => {
      beatUnderWay = false;
    });
  };

  process.on('message', (message: unknown) => {
    const parsed = engineToWorker.safeParse(message);
    if (!parsed.success) return failWorker(new Error(`The engine sent a message that does not fit: ${parsed.error.message}`));
    const request: EngineToWorker = parsed.data;
    if (request.t === 'shutdown') end();
    else void answer(request.id, request.op, request.input);
  });
  process.on('disconnect', () => {
    setTimeout(killSelf, ORPHAN_DEADLINE_MS);
    end();
  });
  process.on('SIGTERM', end);
  // On Windows a console's Ctrl-C reaches every process in it; the engine decides when its workers end.
  process.on('SIGINT', () => undefined);

  send({ t: 'hello', name: options.name, pid: process.pid });
  const beating = setInterval(beat, options.beatIntervalMs ?? 500);
  beat();
  return {
    emit(name, data) {
      if (++unsent > MAX_UNSENT) failWorker(new Error(`The engine has not read ${MAX_UNSENT} messages.`));
      send({ t: 'event', name, data }, () => {
        unsent--;
        if (unsent > 0) return;
        const waiting = whenDrained;
        whenDrained = [];
        for (const resolve of waiting) resolve();
      });
    },
    drained: () => (unsent === 0 ? Promise.resolve() : new Promise((resolve) => whenDrained.push(resolve))),
  };
}

function failWorker(error: unknown): never {
  // Synchronous, because nothing that is only queued would reach the engine before the exit.
  try {
    writeSync(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  } catch {
    // The pipe is closed or full; the exit code still says it.
  }
  return process.exit(EXIT_INTERNAL);
}

/** `process.exit` joins this process's threads and would wait for one that hangs in a native call. */
function killSelf(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** One message to the engine; `sent` is called when it left or was lost. @throws what JSON cannot hold */
function send(message: WorkerToEngine, sent: () => void = () => undefined): void {
  if (!process.connected || process.send === undefined) {
    sent();
    return;
  }
  try {
    process.send(message, undefined, undefined, () => {
      // A write error means that the channel is closing; 'disconnect' follows and ends this process.
      sent();
    });
  } catch (error) {
    sent();
    if (process.connected) throw error;
  }
}

function asProblem(error: unknown): Problem {
  return problemOf(error) ?? makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
}
