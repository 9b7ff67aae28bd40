/**
 * The thread in which all SQLite runs, so that nothing on disk holds up the engine's loop. Started by
 * storage-client.ts with `ThreadOptions`; speaks the messages of history/storage-messages.ts. The history, the
 * conversations, the benchmarks and the effects have a connection each to the same file.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { problemOf } from '../../contract/problem.ts';
import type { BenchmarkOp } from './benchmarks/benchmark-calls.ts';
import { createBenchmarkStore } from './benchmarks/benchmark-store.ts';
import type { ChatOp } from './chat/chat-calls.ts';
import { createChatStore } from './chat/chat-store.ts';
import type { EffectsOp } from './effects/effects-calls.ts';
import { createEffectsStore } from './effects/effects-store.ts';
import { exportPiece } from './history/history-export.ts';
import { createHistoryStore, type HistoryStore } from './history/history-store.ts';
import { readSeries } from './history/read-series.ts';
import type { FromStorage, StorageCalls, StorageOp, StorageOptions, ThreadOptions, ToStorage } from './history/storage-messages.ts';

const port = parentPort;
if (port === null) throw new Error('The storage thread is not a program of its own.');
const options = workerData as ThreadOptions;
const taken = new Int32Array(options.taken);
const send = (message: FromStorage): void => port.postMessage(message);
const log = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void => send({ t: 'log', level, message, fields });

let store: HistoryStore | null = null;
let timer: NodeJS.Timeout | null = null;
/** Lets go of the file everywhere but in the area that is about to set it aside. */
const letGoBut = (area: 'history' | 'chat' | 'benchmarks' | 'effects'): void => {
  if (area !== 'history') store?.letGo();
  if (area !== 'chat') chat.letGo();
  if (area !== 'benchmarks') benchmarks.letGo();
  if (area !== 'effects') effects.letGo();
};
const areaOptions = { path: options.databasePath, checked: (): boolean => store !== null, log };
const chat = createChatStore({ ...areaOptions, releasing: () => letGoBut('chat') });
const benchmarks = createBenchmarkStore({ ...areaOptions, releasing: () => letGoBut('benchmarks') });
const effects = createEffectsStore({ ...areaOptions, releasing: () => letGoBut('effects') });

function openHistory(how: StorageOptions): void {
  store = createHistoryStore(how, {
    state: (state) => send({ t: 'state', ...state }),
    log,
    releasing: () => letGoBut('history'),
    aside: (path) => {
      chat.salvage(path);
      benchmarks.salvage(path);
      effects.salvage(path);
    },
  });
  timer = setInterval(() => store?.flush(), how.flushMs);
}

function history(): HistoryStore {
  if (store === null) throw new Error('no history is kept');
  return store;
}

type HistoryOp = Exclude<StorageOp, ChatOp | BenchmarkOp | EffectsOp>;
type Handlers = { readonly [Op in HistoryOp]: (input: StorageCalls[Op]['input']) => StorageCalls[Op]['output'] };
const handlers: Handlers = {
  query: (input) => readSeries(history().source, input),
  events: ({ fromMs, toMs }) => history().events(fromMs, toMs),
  export: (input) => exportPiece(history().source, history().names(), input),
  facts: () => history().facts(),
  flush: () => {
    store?.flush();
    return null;
  },
  close: () => {
    if (timer !== null) clearInterval(timer);
    store?.close();
    chat.close();
    benchmarks.close();
    effects.close();
    return null;
  },
};
const isChatOp = (op: StorageOp): op is ChatOp => op.startsWith('chat.');
const isBenchmarkOp = (op: StorageOp): op is BenchmarkOp => op.startsWith('bench.');
const isEffectsOp = (op: StorageOp): op is EffectsOp => op.startsWith('effects.');

function answer(op: StorageOp, input: unknown): unknown {
  if (isChatOp(op)) return chat.run(op, input as StorageCalls[ChatOp]['input']);
  if (isBenchmarkOp(op)) return benchmarks.run(op, input as StorageCalls[BenchmarkOp]['input']);
  if (isEffectsOp(op)) return effects.run(op, input as StorageCalls[EffectsOp]['input']);
  return (handlers[op] as (input: unknown) => unknown)(input);
}

function call(id: number, op: StorageOp, input: unknown): void {
  try {
    send({ t: 'reply', id, value: answer(op, input) });
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) store?.noticeError(error);
    send({ t: 'reply', id, error: error instanceof Error ? error.message : String(error), ...(problem === null ? {} : { problem }) });
  }
  // The last reply is on its way: without a listener the thread ends by itself.
  if (op === 'close') port?.close();
}

port.on('message', (message: ToStorage) => {
  switch (message.t) {
    case 'history':
      openHistory(message.options);
      break;
    case 'seconds':
      store?.addSeconds(message);
      Atomics.add(taken, 0, 1);
      break;
    case 'devices':
      store?.nameDevices(message.devices);
      break;
    case 'event':
      store?.addEvent(message.event);
      break;
    case 'limits':
      store?.setLimits(message.limits);
      break;
    case 'call':
      call(message.id, message.op, message.input);
      break;
  }
});
