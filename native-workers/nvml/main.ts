/**
 * The nvml worker: this thread speaks with the engine and beats; `sampling-thread.ts` makes the driver calls.
 * Calls: `demand` (contract/nvml-worker.ts), `refresh`, `status`, `burst` (benchmarks). Event: `source`.
 */
import { Worker } from 'node:worker_threads';
import { demand as demandSchema } from '../../contract/nvml-worker.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { runWorker } from '../runtime/worker-runtime.ts';
import type { BurstResult } from './measure-burst.ts';
import { defaultTimes } from './schedule.ts';
import { makeSharedState, readProgress, WORD } from './shared-state.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

/** How long the driver may take to shut down before this process ends without it. */
const STOP_MS = 1000;

const words = makeSharedState();
const waiting = new Map<number, (burst: BurstResult | undefined) => void>();
let nextId = 1;
let stopped: () => void = () => undefined;

/** Tests shorten the waits: WARPDECK_NVML_TIMES=retryMs,lostMs,topologyMs. */
function readTimes(): ThreadData['times'] {
  const [retryMs, lostMs, topologyMs] = (process.env['WARPDECK_NVML_TIMES'] ?? '').split(',').map(Number);
  return { retryMs: retryMs || defaultTimes.retryMs, lostMs: lostMs || defaultTimes.lostMs, topologyMs: topologyMs || defaultTimes.topologyMs };
}

const bundled = import.meta.url.endsWith('.mjs');
const thread = new Worker(new URL(bundled ? './nvml-thread.mjs' : './sampling-thread.ts', import.meta.url), {
  workerData: { words, times: readTimes() } satisfies ThreadData,
  resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32, stackSizeMb: 1 },
});
const tell = (message: ToThread): void => thread.postMessage(message);
const ask = (message: (id: number) => ToThread): Promise<BurstResult | undefined> =>
  new Promise((resolve) => {
    const id = nextId++;
    waiting.set(id, resolve);
    tell(message(id));
  });

/** For `npm run bench:monitor`: so many readings, as fast as the engine takes them, once somebody watches. */
let fullSpeed = Number(process.env['WARPDECK_TEST_NVML_FULL_SPEED'] ?? 0);
const PUSHED_AT_ONCE = 50;
async function pushAtFullSpeed(): Promise<void> {
  for (; fullSpeed > 0; fullSpeed -= PUSHED_AT_ONCE) {
    await ask((id) => ({ kind: 'burst', id, readings: PUSHED_AT_ONCE, emit: true }));
    await port.drained();
  }
}

const port = runWorker({
  name: 'nvml',
  calls: {
    demand(input) {
      const parsed = demandSchema.safeParse(input);
      if (!parsed.success) throw problemError('input.invalid', { detail: parsed.error.message });
      tell({ kind: 'demand', demand: parsed.data });
      if (fullSpeed > 0 && parsed.data.rateHz === 10) void pushAtFullSpeed();
      return null;
    },
    refresh: async () => {
      await ask((id) => ({ kind: 'refresh', id }));
      return null;
    },
    status: () => ({
      badSamples: Atomics.load(words, WORD.badSamples),
      readings: Atomics.load(words, WORD.readings),
      fastMedianUs: Atomics.load(words, WORD.fastMicroseconds),
      rssBytes: process.memoryUsage.rss(),
    }),
    burst(input) {
      const { readings, emit } = (input ?? {}) as { readings?: unknown; emit?: unknown };
      if (typeof readings !== 'number' || !Number.isInteger(readings) || readings < 1 || readings > 1_000_000) throw problemError('input.invalid', { detail: 'readings: a whole number from 1 to 1000000' });
      return ask((id) => ({ kind: 'burst', id, readings, emit: emit === true }));
    },
  },
  progress: () => readProgress(words),
  onShutdown: () =>
    new Promise((resolve) => {
      stopped = resolve;
      tell({ kind: 'stop' });
      // A thread in a hung driver call can neither be asked nor joined: process.exit would wait for it for ever.
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_MS).unref();
    }),
});

thread.on('message', (message: FromThread) => {
  switch (message.kind) {
    case 'event':
      port.emit('source', message.event);
      return;
    case 'trouble':
      port.emit('source', { type: 'problem', problem: message.trouble === null ? null : makeProblem(message.trouble.code, message.trouble.facts, { chain: message.trouble.chain }) });
      return;
    case 'done':
      waiting.get(message.id)?.(message.burst);
      waiting.delete(message.id);
      return;
    case 'stopped':
      stopped();
  }
});
thread.on('error', (error) => {
  throw error;
});
