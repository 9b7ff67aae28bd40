import { fork, type ChildProcess } from 'node:child_process';
import type { SourceEvent } from '../../../contract/nvml-worker.ts';
import type { WorkerToEngine } from '../../../contract/worker.ts';
import { nvmlWorker } from '../../gpu/sources/nvml-source.ts';
import { entryPoint } from '../../system/entry-points.ts';

type EventOf<T extends SourceEvent['type']> = Extract<SourceEvent, { type: T }>;

/** The nvml worker as a real process, without an engine: what it sends is kept, and can be waited for. */
export interface NvmlWorkerProcess {
  readonly child: ChildProcess;
  readonly messages: readonly WorkerToEngine[];
  events<T extends SourceEvent['type']>(type: T): readonly EventOf<T>[];
  /** The next event of a type from now on that fits; rejects after `timeoutMs` (15 s), saying what came. */
  next<T extends SourceEvent['type']>(type: T, fits?: (event: EventOf<T>) => boolean, timeoutMs?: number): Promise<EventOf<T>>;
  /** The first event that fits, also one that has come already. */
  seen<T extends SourceEvent['type']>(type: T, fits?: (event: EventOf<T>) => boolean, timeoutMs?: number): Promise<EventOf<T>>;
  nextBeat(fits: (beat: Extract<WorkerToEngine, { t: 'beat' }>) => boolean, timeoutMs?: number): Promise<Extract<WorkerToEngine, { t: 'beat' }>>;
  call(op: string, input?: unknown): Promise<unknown>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>;
  /** Kills it if it still runs. */
  stop(): Promise<void>;
}

/** Starts the worker. `keep` false: frames are not collected (for long measurements). */
export function startNvmlWorker(env: Readonly<Record<string, string>>, options: { readonly keep?: boolean } = {}): NvmlWorkerProcess {
  const child = fork(entryPoint('nvml'), [], { env: { PATH: process.env['PATH'], ...nvmlWorker.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [...(nvmlWorker.nodeArgs ?? [])] });
  const messages: WorkerToEngine[] = [];
  const listeners = new Set<(message: WorkerToEngine) => void>();
  const answers = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let stderr = '';
  let nextId = 1;
  child.stderr?.on('data', (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-65_536);
  });
  child.on('message', (message: WorkerToEngine) => {
    if (options.keep !== false) messages.push(message);
    if (message.t === 'reply') {
      const answer = answers.get(message.id);
      answers.delete(message.id);
      if (message.problem === undefined) answer?.resolve(message.value);
      else answer?.reject(new Error(`${message.problem.code}: ${message.problem.cause}`));
    }
    for (const listener of listeners) listener(message);
  });
  const exited = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
    child.on('exit', (code, signal) => {
      for (const answer of answers.values()) answer.reject(new Error(`The worker ended (${code ?? signal}). ${stderr}`));
      resolve({ code, signal, stderr });
    });
  });
  const sourceEventOf = (message: WorkerToEngine): SourceEvent | null => (message.t === 'event' && message.name === 'source' ? (message.data as SourceEvent) : null);

  const wait = <T>(what: string, fits: (message: WorkerToEngine) => T | null, timeoutMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        listeners.delete(listener);
      };
      const listener = (message: WorkerToEngine): void => {
        const value = fits(message);
        if (value === null) return;
        end();
        resolve(value);
      };
      const timer = setTimeout(() => {
        end();
        const came = messages.map((m) => sourceEventOf(m)?.type ?? m.t).slice(-20).join(' ');
        reject(new Error(`No ${what} within ${timeoutMs} ms. Came: ${came}. ${stderr}`));
      }, timeoutMs);
      listeners.add(listener);
    });
  const asEvent = <T extends SourceEvent['type']>(type: T, fits: (event: EventOf<T>) => boolean) => (message: WorkerToEngine): EventOf<T> | null => {
    const event = sourceEventOf(message);
    return event !== null && event.type === type && fits(event as EventOf<T>) ? (event as EventOf<T>) : null;
  };

  return {
    child,
    messages,
    events: <T extends SourceEvent['type']>(type: T) => messages.flatMap((m) => asEvent(type, () => true)(m) ?? []),
    next: (type, fits = () => true, timeoutMs = 15_000) => wait(type, asEvent(type, fits), timeoutMs),
    seen(type, fits = () => true, timeoutMs = 15_000) {
      const matches = asEvent(type, fits);
      for (const message of messages) {
        const event = matches(message);
        if (event !== null) return Promise.resolve(event);
      }
      return wait(type, matches, timeoutMs);
    },
    nextBeat: (fits, timeoutMs = 15_000) => wait('beat', (m) => (m.t === 'beat' && fits(m) ? m : null), timeoutMs),
    call: (op, input = {}) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        answers.set(id, { resolve, reject });
        child.send({ t: 'call', id, op, input });
      }),
    exited,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
