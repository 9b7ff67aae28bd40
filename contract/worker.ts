import { z } from 'zod';
import { problem } from './problem.ts';

/**
 * Between the engine and a worker: JSON messages over the child's IPC channel.
 * Worker → engine: `hello` once, `beat` with a progress counter, `event` (unasked), `reply`.
 * Engine → worker: `call`, `shutdown`.
 */
export const workerToEngine = z.discriminatedUnion('t', [
  z.object({ t: z.literal('hello'), name: z.string(), pid: z.int() }),
  /** `progress` moves when the thread that does the work moves; `busy` names the call it is in. */
  z.object({ t: z.literal('beat'), progress: z.number(), busy: z.string().nullable() }),
  z.object({ t: z.literal('event'), name: z.string(), data: z.unknown() }),
  z.object({ t: z.literal('reply'), id: z.int(), value: z.unknown().optional(), problem: problem.optional() }),
]);
export type WorkerToEngine = z.infer<typeof workerToEngine>;

export const engineToWorker = z.discriminatedUnion('t', [
  z.object({ t: z.literal('call'), id: z.int(), op: z.string(), input: z.unknown() }),
  z.object({ t: z.literal('shutdown') }),
]);
export type EngineToWorker = z.infer<typeof engineToWorker>;
