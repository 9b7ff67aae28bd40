import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { makeProblem, problemError } from '../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../contract/problem.ts';
import { startEngine, type EngineStart } from './engine-process.ts';
import { openEngineSocket } from './engine-socket.ts';
import { parseEngineLock, type EngineLock } from './engine-words.ts';
import { decideRestart, FULL_BUDGET } from './restart-budget.ts';

export type EngineState = { readonly kind: 'starting' } | { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly problem: Problem };

export interface EngineHost {
  /**
   * A new connection to the engine of the data folder; starts the engine when none runs, again and again within
   * its budget. Callers at the same moment share one start. @throws ProblemError when the budget is spent
   */
  connect(): Promise<WebSocket>;
  /** The user asks for another try: the budget is full again. */
  forgive(): void;
  readonly state: () => EngineState;
  /** From now on nothing is started any more. */
  close(): void;
}

export interface EngineHostOptions extends EngineStart {
  readonly onState: (state: EngineState) => void;
  readonly log: (text: string) => void;
  /** The clock between attempts; a test gives its own. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** An engine that holds its lock but does not listen yet, or no longer: it has this long. */
const LOCKED_PATIENCE_MS = 10_000;

export function readEngineLock(dataDir: string): EngineLock | null {
  try {
    return parseEngineLock(readFileSync(join(dataDir, 'engine.lock'), 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export function createEngineHost(options: EngineHostOptions): EngineHost {
  const wait = options.wait ?? sleep;
  let state: EngineState = { kind: 'starting' };
  let budget = FULL_BUDGET;
  let closed = false;
  let starting: Promise<void> | null = null;
  const setState = (next: EngineState): void => {
    const changed = next.kind !== state.kind;
    state = next;
    if (changed) options.onState(next);
  };

  /** The running engine's socket, or null. Waits for one that is between its lock and its socket. */
  const findRunning = async (): Promise<WebSocket | null> => {
    const deadline = Date.now() + LOCKED_PATIENCE_MS;
    for (;;) {
      const lock = readEngineLock(options.dataDir);
      if (!lock) return null;
      try {
        return await openEngineSocket(lock.socket, options.dataDir);
      } catch (error) {
        // A stale lock (also one whose pid is somebody else's now) is the starting engine's to judge.
        if (!isAlive(lock.pid) || Date.now() > deadline) return null;
        options.log(`engine.lock names process ${String(lock.pid)}, which does not answer yet: ${String(error)}`);
        await wait(100);
      }
    }
  };

  const startWithinBudget = async (): Promise<void> => {
    for (;;) {
      if (closed) throw problemError('engine.unreachable', { dataDir: options.dataDir, detail: 'the app is closing' });
      try {
        await startEngine(options);
        return;
      } catch (error) {
        const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) });
        // Somebody else started one in the same moment: theirs is as good.
        if (problem.code === 'engine.locked' && readEngineLock(options.dataDir)) return;
        const decision = decideRestart(budget, Date.now());
        options.log(`engine start failed: ${problem.cause}`);
        if (decision.kind === 'give-up') throw error;
        budget = decision.budget;
        await wait(decision.delayMs);
      }
    }
  };

  const connect = async (): Promise<WebSocket> => {
    for (let round = 0; ; round += 1) {
      const running = await findRunning();
      if (running) {
        setState({ kind: 'ready' });
        return running;
      }
      if (round > 0) {
        // It started and was gone at once: that counts against the budget as well.
        const decision = decideRestart(budget, Date.now());
        if (decision.kind === 'give-up') throw problemError('engine.did_not_start', { seconds: 0, detail: 'It ends right after its start.', logs: join(options.dataDir, 'logs') });
        budget = decision.budget;
        await wait(decision.delayMs);
      }
      setState({ kind: 'starting' });
      starting ??= startWithinBudget().finally(() => { starting = null; });
      await starting;
    }
  };

  return {
    async connect() {
      try {
        return await connect();
      } catch (error) {
        if (!closed) setState({ kind: 'failed', problem: problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) }) });
        throw error;
      }
    },
    forgive() {
      budget = FULL_BUDGET;
    },
    state: () => state,
    close() {
      closed = true;
    },
  };
}
