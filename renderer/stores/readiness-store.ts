import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ReadinessLine } from '../../contract/system.ts';
import type { Client } from '../connection/client.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';

export interface ReadinessState {
  readonly lines: Remote<readonly ReadinessLine[]>;
}
export type ReadinessStore = StoreApi<ReadinessState>;

/** What stands between this machine and work, line by line. */
export function createReadinessStore(deps: { readonly client: Client; readonly source: StreamSource }): ReadinessStore {
  const store = createStore<ReadinessState>()(() => ({ lines: loading }));
  consumeStream(
    deps.source,
    (signal) => deps.client.engine.readiness({}, { signal }),
    (lines) => store.setState({ lines: ready(lines, Date.now()) }),
    (problem) => store.setState((s) => ({ lines: troubled(s.lines, problem) })),
  );
  return store;
}
