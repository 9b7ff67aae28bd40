import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Job, JobLogLine } from '../../contract/jobs.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';

/** Lines of a job's log that the page keeps; older ones stay in the engine's file. */
export const LOG_LINES = 2000;

export interface JobsState {
  readonly jobs: Remote<readonly Job[]>;
  /** The job whose log is open in the drawer. */
  readonly openId: string | null;
  readonly log: readonly JobLogLine[];
  readonly logDropped: number;
  readonly problem: Problem | null;
  /** Shows the drawer (without a job: the list), or hides it with null. */
  open(id: string | null): void;
  readonly drawer: boolean;
  showDrawer(show: boolean): void;
  cancel(id: string): Promise<void>;
}
export type JobsStore = StoreApi<JobsState>;

/** Jobs, whoever started them, and the log of the one that is open. */
export function createJobsStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): JobsStore {
  const { client, source, clock } = deps;
  let newest: readonly Job[] | null = null;
  let lines: JobLogLine[] = [];
  let dropped = 0;
  let linesDirty = false;
  let stopLog: (() => void) | null = null;

  const follow = (id: string): void => {
    stopLog?.();
    lines = [];
    dropped = 0;
    let seen = 0;
    let skip = 0;
    let done = false;
    stopLog = consumeStream(
      source,
      async (signal) => {
        // A log always starts at its beginning: after a reconnect, what was already seen is skipped.
        skip = seen;
        if (done) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
        const stream = await client.jobs.attach({ id }, { signal });
        return withEnd(stream, () => {
          done = true;
        });
      },
      (line) => {
        if (skip > 0) {
          skip -= 1;
          return;
        }
        seen += 1;
        lines.push(line);
        if (lines.length > LOG_LINES) {
          dropped += lines.length - LOG_LINES;
          lines = lines.slice(-LOG_LINES);
        }
        linesDirty = true;
      },
      (problem) => store.setState({ problem }),
    );
  };

  const store = createStore<JobsState>()((set) => ({
    jobs: loading,
    openId: null,
    log: [],
    logDropped: 0,
    problem: null,
    drawer: false,
    open: (id) => {
      stopLog?.();
      stopLog = null;
      set({ openId: id, log: [], logDropped: 0, problem: null, drawer: true });
      if (id !== null) follow(id);
    },
    showDrawer: (show) => {
      if (!show) {
        stopLog?.();
        stopLog = null;
        set({ openId: null, log: [], logDropped: 0 });
      }
      set({ drawer: show });
    },
    cancel: async (id) => {
      try {
        await client.jobs.cancel({ id });
        set({ problem: null });
      } catch (error) {
        set({ problem: problemFrom(error) });
      }
    },
  }));
  consumeStream(
    source,
    (signal) => client.jobs.watch({}, { signal }),
    (jobs) => {
      newest = jobs;
    },
    (problem) => store.setState((s) => ({ jobs: troubled(s.jobs, problem) })),
  );
  clock.onTick((nowMs) => {
    if (newest) store.setState({ jobs: ready(newest, nowMs) });
    newest = null;
    if (linesDirty) store.setState({ log: [...lines], logDropped: dropped });
    linesDirty = false;
  });
  return store;
}

async function* withEnd<T>(stream: AsyncIterable<T>, onEnd: () => void): AsyncGenerator<T> {
  yield* stream;
  onEnd();
}
