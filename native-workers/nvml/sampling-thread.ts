/** The thread that makes every driver call. When one of them hangs, this thread hangs, and the worker's beat says in which. */
import { parentPort, workerData } from 'node:worker_threads';
import { createSampler } from './sampler.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('This file runs as a thread of the nvml worker.');
const { words, times } = workerData as ThreadData;
const post = (message: FromThread): void => port.postMessage(message);
const sampler = createSampler(words, { event: (event) => post({ kind: 'event', event }), trouble: (trouble) => post({ kind: 'trouble', trouble }) }, times);

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'demand':
      sampler.setDemand(message.demand);
      return;
    case 'refresh':
      sampler.refresh();
      post({ kind: 'done', id: message.id });
      return;
    case 'burst':
      post({ kind: 'done', id: message.id, burst: sampler.burst(message.readings, message.emit) });
      return;
    case 'stop':
      sampler.stop();
      post({ kind: 'stopped' });
      port.close();
  }
});
