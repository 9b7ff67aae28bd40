import type { WorkerStatus } from '../../contract/system.ts';
import type { Logger } from '../logging/logger.ts';
import { createProcessJournal, recoverProcesses } from './process-journal.ts';
import { runProgram } from './run-program.ts';
import { startWorker, type SupervisedWorker } from './start-worker.ts';
import type { RunningProgram, Supervisor } from './supervisor.ts';

export interface SupervisorOptions {
  readonly log: Logger;
  /** What children may inherit is taken from here by the allow-list. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where running processes are noted, so that the next engine ends what a crash left behind. Null: nowhere. */
  readonly journalFolder: string | null;
  /** Between two looks at the memory of the workers, 2000 ms if not given. */
  readonly memoryIntervalMs?: number;
}

/** The one place that starts processes in the engine. Ends what an earlier engine left behind before it runs a program. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const log = options.log.child('supervisor');
  const env = options.env ?? process.env;
  const workers = new Map<string, SupervisedWorker>();
  const programs = new Set<RunningProgram>();
  const recovered = options.journalFolder === null ? Promise.resolve([]) : recoverProcesses(options.journalFolder, log);
  const journal = createProcessJournal(options.journalFolder, log);
  const ready = recovered.catch((error: unknown) => {
    log.error('recovery of processes failed', { error: String(error) });
  });
  const memory = setInterval(() => {
    for (const worker of workers.values()) void worker.checkMemory();
  }, options.memoryIntervalMs ?? 2000);
  memory.unref();

  return {
    startWorker(description) {
      const state = workers.get(description.name)?.status().state;
      if (state !== undefined && state !== 'idle') throw new Error(`A worker named ${description.name} is ${state}.`);
      const worker = startWorker(description, { log, env, journal });
      workers.set(description.name, worker);
      if (description.temporary !== true) return worker;
      return {
        ...worker,
        async stop() {
          await worker.stop();
          if (workers.get(description.name) === worker && worker.status().state === 'idle') workers.delete(description.name);
        },
      };
    },
    runProgram(program) {
      const running = runProgram(program, { env, journal: () => journal.newPath(), ready });
      programs.add(running);
      const forget = (): void => {
        programs.delete(running);
      };
      running.done.then(forget, forget);
      return running;
    },
    recovered: () => ready,
    statuses(): readonly WorkerStatus[] {
      return [...workers.values()].map((worker) => worker.status());
    },
    async stopAll() {
      clearInterval(memory);
      await Promise.all([...[...workers.values()].map((worker) => worker.stop()), ...[...programs].map((program) => program.stop())]);
    },
  };
}
