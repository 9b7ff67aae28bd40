import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import type { WorkerStatus } from '../../contract/system.ts';
import { workerToEngine, type EngineToWorker } from '../../contract/worker.ts';
import type { Logger } from '../logging/logger.ts';
import { entryPoint } from '../system/entry-points.ts';
import { decideCauseOfDeath } from './cause-of-death.ts';
import { childEnvironment } from './child-environment.ts';
import { createPendingCalls } from './pending-calls.ts';
import { readResidentBytes } from './process-identity.ts';
import type { ProcessJournal } from './process-journal.ts';
import type { WorkerDescription, WorkerHandle } from './supervisor.ts';
import { decideWorker, newWorkerMachine, workerLimits, type WorkerEffect, type WorkerEvent } from './worker-machine.ts';
import { startWorkerProcess, type ProcessEnd, type WorkerProcess } from './worker-process.ts';

/** A call without a limit of its own settles after this long. */
const DEFAULT_CALL_TIMEOUT_MS = 30_000;
const MEGABYTE = 1024 * 1024;

export interface SupervisedWorker extends WorkerHandle {
  /** Reads its memory; over the limit it is ended. Called slowly by the supervisor. */
  checkMemory(): Promise<void>;
}

export interface WorkerSurroundings {
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
  readonly journal: ProcessJournal;
}

/** Runs one worker: acts on what `decideWorker` decides and tells it what was seen. Starts it at once. */
export function startWorker(description: WorkerDescription, surroundings: WorkerSurroundings): SupervisedWorker {
  const { name } = description;
  const { log, env, journal } = surroundings;
  const limits = workerLimits(description);
  const pending = createPendingCalls(name);
  const kept = new Map<string, unknown>();
  const eventListeners = new Set<(name: string, data: unknown) => void>();
  const statusListeners = new Set<(status: WorkerStatus) => void>();
  const stopWaiters = new Set<() => void>();
  /** Calls made before it is ready; sent with its hello. */
  let queued: EngineToWorker[] = [];
  let machine = newWorkerMachine(limits);
  let running: WorkerProcess | null = null;
  let rssBytes: number | null = null;
  let peakRssBytes: number | null = null;
  let timer: NodeJS.Timeout | null = null;
  let told = '';
  let forget = (): void => undefined;

  const status = (): WorkerStatus => ({ name, state: machine.state, pid: running?.pid ?? null, restarts: machine.restarts, problem: machine.problem, rssBytes });

  /** One listener's mistake must not reach the others, nor the worker. */
  const guarded = (tell: () => void): void => {
    try {
      tell();
    } catch (error) {
      log.error('a listener of a worker failed', { worker: name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };

  const handle = (event: WorkerEvent): void => {
    const before = machine;
    const decision = decideWorker(machine, event, performance.now(), limits);
    machine = decision.machine;
    for (const effect of decision.effects) act(effect);
    arm();
    if (machine === before) return;
    if (machine.state !== 'stopping') for (const done of stopWaiters) done();
    const now = status();
    const summary = `${now.state} ${now.pid} ${now.restarts} ${now.problem?.code}`;
    if (summary === told) return;
    told = summary;
    if (before.state !== machine.state) log.debug('worker state', { worker: name, from: before.state, to: machine.state, pid: now.pid, restarts: now.restarts });
    for (const listener of statusListeners) guarded(() => { listener(now); });
  };

  const arm = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (machine.wakeAtMs === null) return;
    timer = setTimeout(() => { handle({ t: 'wake' }); }, Math.max(1, Math.ceil(machine.wakeAtMs - performance.now())));
  };

  const act = (effect: WorkerEffect): void => {
    if (effect === 'spawn') spawnNow();
    else if (effect === 'ask') running?.send({ t: 'shutdown' });
    else if (effect === 'terminate') running?.signal('SIGTERM');
    else if (effect === 'kill') running?.signal('SIGKILL');
    else {
      log.error('a worker does not die of a kill and is left behind', { worker: name, pid: running?.pid });
      running?.abandon();
      ended(machine.problem ?? makeProblem('worker.unresponsive', { name, busy: 'its end', seconds: null }));
    }
  };

  const spawnNow = (): void => {
    rssBytes = null;
    peakRssBytes = null;
    let path: string;
    try {
      path = typeof description.entry === 'string' ? entryPoint(description.entry) : description.entry.path;
    } catch (error) {
      const problem = makeProblem('worker.crashed', { name, how: 'an error at its start', detail: error instanceof Error ? error.message : String(error) });
      queueMicrotask(() => { ended(problem); });
      return;
    }
    const mine = startWorkerProcess(
      { nodeArgs: description.nodeArgs ?? [], path, env: childEnvironment(env, description.env) },
      {
        message: (value) => { received(value); },
        garbage: (detail) => { condemn(makeProblem('worker.protocol', { name, how: 'a wrong message', detail })); },
        ended: (end) => { if (running === mine) processEnded(mine, end); },
      },
    );
    running = mine;
    if (mine.pid !== null) forget = journal.note(mine.pid, `worker ${name}`);
  };

  const condemn = (problem: Problem): void => {
    log.warn('worker is ended', { worker: name, pid: running?.pid, code: problem.code, cause: problem.cause });
    handle({ t: 'condemn', problem });
  };

  const processEnded = (process: WorkerProcess, end: ProcessEnd): void => {
    const problem = decideCauseOfDeath({ name, ...end, peakRssBytes, memoryLimitBytes: description.memoryLimitBytes });
    const fields = { worker: name, pid: process.pid, state: machine.state, exitCode: end.exitCode, signal: end.signal };
    if (machine.state === 'stopping') log.debug('worker ended', fields);
    else log.warn('worker ended', { ...fields, code: problem.code, peakRssBytes, stderr: end.stderr.slice(-4096), stdout: end.stdout.slice(-1024) });
    ended(problem);
  };

  const ended = (problem: Problem): void => {
    const cause = (machine.state === 'unresponsive' ? machine.problem : null) ?? problem;
    running = null;
    rssBytes = null;
    queued = [];
    forget();
    // Before the next process can be asked anything: all that was asked of this one is answered.
    pending.rejectAll([`${cause.code}: ${cause.cause}`]);
    handle({ t: 'exit', problem });
  };

  const received = (value: unknown): void => {
    // Only the envelope is held against its schema here; what an event carries is parsed by whoever listens.
    const parsed = workerToEngine.safeParse(value);
    if (!parsed.success) return condemn(makeProblem('worker.protocol', { name, how: 'a wrong message', detail: JSON.stringify(value).slice(0, 200) }));
    const message = parsed.data;
    switch (message.t) {
      case 'hello':
        if (message.name !== name && !name.startsWith(`${message.name}:`)) return condemn(makeProblem('worker.protocol', { name, how: 'a wrong message', detail: `it says it is "${message.name}"` }));
        if (machine.state !== 'starting') return;
        handle({ t: 'hello' });
        for (const [op, input] of kept) replay(op, input);
        for (const call of queued) running?.send(call);
        queued = [];
        return;
      case 'beat':
        handle({ t: 'beat', progress: message.progress, busy: message.busy });
        return;
      case 'event':
        if (machine.state === 'ready') for (const listener of eventListeners) guarded(() => { listener(message.name, message.data); });
        return;
      case 'reply':
        pending.settle(message.id, message.value, message.problem);
        return;
    }
  };

  const replay = (op: string, input: unknown): void => {
    // That the process ends meanwhile is no failure of a subscription: the next process gets it again.
    pending.add(op, DEFAULT_CALL_TIMEOUT_MS, (id) => running?.send({ t: 'call', id, op, input })).catch((error: unknown) => {
      log.warn('a kept call was not taken', { worker: name, op, error: error instanceof Error ? error.message : String(error) });
    });
  };

  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        stopWaiters.delete(done);
        resolve();
      };
      handle({ t: 'stop' });
      if (machine.state === 'stopping') stopWaiters.add(done);
      else resolve();
    });

  handle({ t: 'start' });
  return {
    status,
    call(op, input, options) {
      const timeoutMs = options?.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
      if (machine.state === 'ready') return pending.add(op, timeoutMs, (id) => running?.send({ t: 'call', id, op, input }));
      if (machine.state === 'starting') return pending.add(op, timeoutMs, (id) => queued.push({ t: 'call', id, op, input }));
      const { problem } = machine;
      return Promise.reject(problemError('worker.gone', { name }, problem === null ? {} : { chain: [`${problem.code}: ${problem.cause}`] }));
    },
    keep(op, input) {
      kept.set(op, input);
      if (machine.state === 'ready') replay(op, input);
    },
    onEvent(listener) {
      eventListeners.add(listener);
      return () => { eventListeners.delete(listener); };
    },
    onStatus(listener) {
      statusListeners.add(listener);
      return () => { statusListeners.delete(listener); };
    },
    restart() {
      handle({ t: 'restart' });
    },
    kill() {
      running?.signal('SIGKILL');
    },
    stop,
    async checkMemory() {
      const mine = running;
      if (mine === null || mine.pid === null) return;
      const bytes = await readResidentBytes(mine.pid);
      if (running !== mine || bytes === null) return;
      rssBytes = bytes;
      peakRssBytes = Math.max(peakRssBytes ?? 0, bytes);
      if (bytes <= description.memoryLimitBytes) return;
      condemn(makeProblem('worker.out_of_memory', { name, how: 'too much memory', megabytes: Math.round(bytes / MEGABYTE), limit: Math.round(description.memoryLimitBytes / MEGABYTE) }));
    },
  };
}
