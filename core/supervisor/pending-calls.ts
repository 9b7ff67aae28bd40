import { problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../contract/problem.ts';

/** Calls that wait for their answer. Every one settles: by its reply, its time limit or the end of the process. */
export interface PendingCalls {
  /** `post` sends it once it has its number. */
  add(op: string, timeoutMs: number, post: (id: number) => void): Promise<unknown>;
  settle(id: number, value: unknown, problem: Problem | undefined): void;
  /** Answers all with `worker.gone`; `chain` says what ended the process. */
  rejectAll(chain: readonly string[]): void;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export function createPendingCalls(name: string): PendingCalls {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const take = (id: number): Waiting | undefined => {
    const call = waiting.get(id);
    if (call !== undefined) {
      waiting.delete(id);
      clearTimeout(call.timer);
    }
    return call;
  };
  return {
    add(op, timeoutMs, post) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          take(id)?.reject(problemError('worker.unresponsive', { name, busy: op, seconds: timeoutMs / 1000 }));
        }, timeoutMs);
        waiting.set(id, { timer, resolve, reject });
        post(id);
      });
    },
    settle(id, value, problem) {
      const call = take(id);
      if (problem === undefined) call?.resolve(value);
      else call?.reject(new ProblemError(problem));
    },
    rejectAll(chain) {
      for (const id of [...waiting.keys()]) take(id)?.reject(problemError('worker.gone', { name }, { chain }));
    },
  };
}
