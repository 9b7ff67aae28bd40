import type { WorkerGenerationEvent } from '../../../contract/inference-worker.ts';

/** Who hears what the worker says of which request. */
export interface RequestListeners {
  /** Until the returned function is called. */
  listen(requestId: string, onEvent: (event: WorkerGenerationEvent['event']) => void): () => void;
  tell(event: WorkerGenerationEvent): void;
}

export function createRequestListeners(): RequestListeners {
  const listeners = new Map<string, (event: WorkerGenerationEvent['event']) => void>();
  return {
    listen(requestId, onEvent) {
      listeners.set(requestId, onEvent);
      return () => void listeners.delete(requestId);
    },
    tell: ({ requestId, event }) => { listeners.get(requestId)?.(event); },
  };
}
