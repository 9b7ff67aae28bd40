/**
 * The thread in which all SQLite runs, so that nothing on disk holds up the engine's loop. Started by
 * storage-client.ts with `StorageOptions`; speaks the messages of history/storage-messages.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { exportPiece } from './history/history-export.ts';
import { createHistoryStore } from './history/history-store.ts';
import { readSeries } from './history/read-series.ts';
import type { FromStorage, StorageCalls, StorageOp, StorageOptions, ToStorage } from './history/storage-messages.ts';

const port = parentPort;
if (port === null) throw new Error('The storage thread is not a program of its own.');
const options = workerData as StorageOptions;
const taken = new Int32Array(options.taken);
const send = (message: FromStorage): void => port.postMessage(message);

const store = createHistoryStore(options, {
  state: (state) => send({ t: 'state', ...state }),
  log: (level, message, fields) => send({ t: 'log', level, message, fields }),
});
const timer = setInterval(() => store.flush(), options.flushMs);

type Handlers = { readonly [Op in StorageOp]: (input: StorageCalls[Op]['input']) => StorageCalls[Op]['output'] };
const handlers: Handlers = {
  query: (input) => readSeries(store.source, input),
  events: ({ fromMs, toMs }) => store.events(fromMs, toMs),
  export: (input) => exportPiece(store.source, store.names(), input),
  facts: () => store.facts(),
  close: () => {
    clearInterval(timer);
    store.close();
    return null;
  },
};

function call(id: number, op: StorageOp, input: unknown): void {
  try {
    send({ t: 'reply', id, value: (handlers[op] as (input: unknown) => unknown)(input) });
  } catch (error) {
    store.noticeError(error);
    send({ t: 'reply', id, error: error instanceof Error ? error.message : String(error) });
  }
  // The last reply is on its way: without a listener the thread ends by itself.
  if (op === 'close') port?.close();
}

port.on('message', (message: ToStorage) => {
  switch (message.t) {
    case 'seconds':
      store.addSeconds(message);
      Atomics.add(taken, 0, 1);
      break;
    case 'devices':
      store.nameDevices(message.devices);
      break;
    case 'event':
      store.addEvent(message.event);
      break;
    case 'limits':
      store.setLimits(message.limits);
      break;
    case 'call':
      call(message.id, message.op, message.input);
      break;
  }
});
