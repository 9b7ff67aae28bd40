import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ReadinessLine } from '../../contract/system.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';

export interface ReadinessState {
  readonly lines: Remote<readonly ReadinessLine[]>;
}
export type ReadinessStore = StoreApi<ReadinessState>;

/** What stands between this machine and work, line by line. */
export function createReadinessStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): ReadinessStore {
  const store = createStore<ReadinessState>()(() => ({ lines: loading }));
  const newest = keepNewest<readonly ReadinessLine[]>(deps.clock, (lines, nowMs) => {
    // The engine says it again every second; the page is drawn again only when it says something else.
    const { lines: before } = store.getState();
    if (before.state === 'ready' && JSON.stringify(before.value) === JSON.stringify(lines)) return;
    store.setState({ lines: ready(lines, nowMs) });
  });
  consumeStream(
    deps.source,
    (signal) => deps.client.engine.readiness({}, { signal }),
    newest.take,
    (problem) => store.setState((s) => ({ lines: troubled(s.lines, problem) })),
  );
  return store;
}
