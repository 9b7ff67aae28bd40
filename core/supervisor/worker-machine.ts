import { makeProblem } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import type { WorkerStatus } from '../../contract/system.ts';
import type { WorkerDescription } from './supervisor.ts';

/** Numbers that the decisions need, milliseconds unless said. */
export interface WorkerLimits {
  readonly name: string;
  readonly startTimeoutMs: number;
  readonly unresponsiveAfterMs: number;
  readonly firstMs: number;
  readonly maxMs: number;
  /** Restarts until it is `failed`. */
  readonly budget: number;
  /** One restart is regained per so much healthy time. */
  readonly regainMs: number;
}

/** The ladder to the end: shutdown message, then terminate, then kill; then it is given up (uninterruptible sleep). */
const ASKED_MS = 3000;
const TERMINATED_MS = 2000;
const KILLED_MS = 2000;

export interface WorkerMachine {
  readonly state: WorkerStatus['state'];
  /** Restarts since it was first started. */
  readonly restarts: number;
  readonly budgetLeft: number;
  /** When it next wants to be woken, or null. */
  readonly wakeAtMs: number | null;
  /** Since when healthy time counts towards the next regained restart. */
  readonly healthySinceMs: number | null;
  readonly heardAtMs: number;
  readonly movedAtMs: number;
  readonly progress: number;
  readonly busy: string | null;
  /** The trouble it is in; null again when it works. */
  readonly problem: Problem | null;
  /** The rung of the ladder it is on. */
  readonly rung: 'asked' | 'terminated' | 'killed' | null;
  /** `restart` while it was running: start again when it has ended. */
  readonly startAgain: boolean;
}

export type WorkerEvent =
  | { readonly t: 'start' | 'hello' | 'wake' | 'stop' | 'restart' }
  | { readonly t: 'beat'; readonly progress: number; readonly busy: string | null }
  /** Something is wrong with it that only its end cures. */
  | { readonly t: 'condemn'; readonly problem: Problem }
  /** It has ended; `problem` is what the evidence says. */
  | { readonly t: 'exit'; readonly problem: Problem };

/** `abandon`: it does not die of a kill; forget it and go on as if it had. */
export type WorkerEffect = 'spawn' | 'ask' | 'terminate' | 'kill' | 'abandon';
export interface WorkerDecision {
  readonly machine: WorkerMachine;
  readonly effects: readonly WorkerEffect[];
}

export function workerLimits(description: WorkerDescription): WorkerLimits {
  const { name, startTimeoutMs, unresponsiveAfterMs, restart } = description;
  return { name, startTimeoutMs, unresponsiveAfterMs, firstMs: restart?.firstMs ?? 500, maxMs: restart?.maxMs ?? 8000, budget: restart?.budget ?? 5, regainMs: restart?.regainMs ?? 120_000 };
}

export function newWorkerMachine(limits: WorkerLimits): WorkerMachine {
  return { state: 'idle', restarts: 0, budgetLeft: limits.budget, wakeAtMs: null, healthySinceMs: null, heardAtMs: 0, movedAtMs: 0, progress: 0, busy: null, problem: null, rung: null, startAgain: false };
}

/** What a worker becomes by an event, and what is to be done. Pure; `nowMs` is any monotonic clock. */
export function decideWorker(machine: WorkerMachine, event: WorkerEvent, nowMs: number, limits: WorkerLimits): WorkerDecision {
  switch (event.t) {
    case 'start':
      return machine.state === 'idle' ? start(machine, nowMs, limits) : stay(machine);
    case 'hello':
      if (machine.state !== 'starting') return stay(machine);
      return stay(watch({ ...machine, state: 'ready', problem: null, healthySinceMs: nowMs, heardAtMs: nowMs, movedAtMs: nowMs, progress: -1, busy: null }, limits));
    case 'beat': {
      if (machine.state !== 'ready') return stay(machine);
      const moved = event.busy === null || event.progress !== machine.progress;
      return stay(watch({ ...regain(machine, nowMs, limits), heardAtMs: nowMs, movedAtMs: moved ? nowMs : machine.movedAtMs, progress: event.progress, busy: event.busy }, limits));
    }
    case 'condemn':
      return machine.state === 'starting' || machine.state === 'ready' ? condemn(machine, event.problem, nowMs) : stay(machine);
    case 'exit':
      return decideExit(machine, event.problem, nowMs, limits);
    case 'stop':
      return decideStop({ ...machine, startAgain: false }, nowMs);
    case 'restart':
      return decideRestart(machine, nowMs, limits);
    case 'wake':
      return decideWake(machine, nowMs, limits);
  }
}

const stay = (machine: WorkerMachine): WorkerDecision => ({ machine, effects: [] });

/** The next moment at which silence, or work that does not move, would be too long. */
function watch(machine: WorkerMachine, limits: WorkerLimits): WorkerMachine {
  const since = machine.busy === null ? machine.heardAtMs : Math.min(machine.heardAtMs, machine.movedAtMs);
  return { ...machine, wakeAtMs: since + limits.unresponsiveAfterMs };
}

function regain(machine: WorkerMachine, nowMs: number, limits: WorkerLimits): WorkerMachine {
  if (machine.healthySinceMs === null) return machine;
  const gained = Math.floor((nowMs - machine.healthySinceMs) / limits.regainMs);
  if (gained <= 0) return machine;
  return { ...machine, budgetLeft: Math.min(limits.budget, machine.budgetLeft + gained), healthySinceMs: machine.healthySinceMs + gained * limits.regainMs };
}

function start(machine: WorkerMachine, nowMs: number, limits: WorkerLimits): WorkerDecision {
  return { machine: { ...machine, state: 'starting', wakeAtMs: nowMs + limits.startTimeoutMs, healthySinceMs: null, rung: null, startAgain: false, busy: null }, effects: ['spawn'] };
}

function condemn(machine: WorkerMachine, problem: Problem, nowMs: number): WorkerDecision {
  return { machine: { ...machine, state: 'unresponsive', problem, rung: 'killed', wakeAtMs: nowMs + KILLED_MS }, effects: ['kill'] };
}

function decideExit(machine: WorkerMachine, found: Problem, nowMs: number, limits: WorkerLimits): WorkerDecision {
  if (machine.state === 'idle' || machine.state === 'backoff' || machine.state === 'failed') return stay(machine);
  if (machine.state === 'stopping') {
    if (machine.startAgain) return start({ ...machine, problem: null }, nowMs, limits);
    return stay({ ...machine, state: 'idle', wakeAtMs: null, rung: null, healthySinceMs: null, problem: null });
  }
  const counted = machine.state === 'ready' ? regain(machine, nowMs, limits) : machine;
  // A worker that was condemned died of our kill; what it was condemned for is the cause.
  const problem = machine.state === 'unresponsive' && machine.problem !== null ? machine.problem : found;
  const ended = { ...counted, rung: null, healthySinceMs: null, busy: null };
  if (counted.budgetLeft <= 0) {
    const facts = { name: limits.name, restarts: counted.restarts + 1, how: String(problem.facts['how'] ?? problem.code), detail: String(problem.facts['detail'] ?? problem.cause) };
    return stay({ ...ended, state: 'failed', wakeAtMs: null, problem: makeProblem('worker.failed', facts, { chain: [`${problem.code}: ${problem.cause}`] }) });
  }
  const delayMs = Math.min(limits.maxMs, limits.firstMs * 2 ** (limits.budget - counted.budgetLeft));
  return stay({ ...ended, state: 'backoff', restarts: counted.restarts + 1, budgetLeft: counted.budgetLeft - 1, wakeAtMs: nowMs + delayMs, problem });
}

function decideStop(machine: WorkerMachine, nowMs: number): WorkerDecision {
  switch (machine.state) {
    case 'idle':
    case 'stopping':
      return stay(machine);
    case 'backoff':
    case 'failed':
      return stay({ ...machine, state: 'idle', wakeAtMs: null, problem: null });
    case 'unresponsive':
      // It is being killed already; only what comes after changes.
      return stay({ ...machine, state: 'stopping' });
    case 'starting':
    case 'ready':
      return { machine: { ...machine, state: 'stopping', rung: 'asked', wakeAtMs: nowMs + ASKED_MS }, effects: ['ask'] };
  }
}

function decideRestart(machine: WorkerMachine, nowMs: number, limits: WorkerLimits): WorkerDecision {
  const fresh = { ...machine, budgetLeft: limits.budget };
  if (machine.state === 'idle' || machine.state === 'backoff' || machine.state === 'failed') return start(fresh, nowMs, limits);
  const stopped = decideStop(fresh, nowMs);
  return { ...stopped, machine: { ...stopped.machine, startAgain: true } };
}

function decideWake(machine: WorkerMachine, nowMs: number, limits: WorkerLimits): WorkerDecision {
  if (machine.wakeAtMs === null || nowMs < machine.wakeAtMs) return stay(machine);
  switch (machine.state) {
    case 'starting':
      return condemn(machine, makeProblem('worker.start_timeout', { name: limits.name, seconds: limits.startTimeoutMs / 1000, how: 'silence at its start', detail: 'It was ended.' }), nowMs);
    case 'ready': {
      // A clock that jumped far past the moment means that this process slept (suspended machine, stopped, busy):
      // the beats are there but not read yet.
      if (nowMs - machine.wakeAtMs > limits.unresponsiveAfterMs / 2) return stay(watch({ ...machine, heardAtMs: nowMs, movedAtMs: nowMs }, limits));
      const silent = nowMs - machine.heardAtMs >= limits.unresponsiveAfterMs;
      const seconds = Math.round((nowMs - (silent ? machine.heardAtMs : machine.movedAtMs)) / 100) / 10;
      const busy = machine.busy ?? 'silence';
      return condemn(machine, makeProblem('worker.unresponsive', { name: limits.name, busy, seconds, how: silent ? 'silence' : `no progress in ${busy}` }), nowMs);
    }
    case 'stopping':
    case 'unresponsive':
      if (machine.rung === 'asked') return { machine: { ...machine, rung: 'terminated', wakeAtMs: nowMs + TERMINATED_MS }, effects: ['terminate'] };
      if (machine.rung === 'terminated') return { machine: { ...machine, rung: 'killed', wakeAtMs: nowMs + KILLED_MS }, effects: ['kill'] };
      return { machine: { ...machine, wakeAtMs: null }, effects: ['abandon'] };
    case 'backoff':
      return start(machine, nowMs, limits);
    case 'idle':
    case 'failed':
      return stay({ ...machine, wakeAtMs: null });
  }
}
