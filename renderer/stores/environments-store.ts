import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Job } from '../../contract/jobs.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Advice } from '../../contract/upgrades.ts';
import { rowOfReport, type Drift, type EnvironmentMatrix, type EnvironmentReport } from '../../contract/verdict.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, type Remote } from '../connection/remote.ts';
import { createAttempt } from './create-attempt.ts';

export type MatrixOrder = 'trouble' | 'name' | 'changed';

/** Judged for GPUs that are not in this machine. */
export interface WhatIf {
  readonly gpus: readonly string[];
  readonly driver: string | null;
}

export interface EnvironmentsState {
  /** Of this machine, as it comes. */
  readonly matrix: Remote<EnvironmentMatrix>;
  readonly drift: readonly Drift[];
  readonly order: MatrixOrder;
  readonly whatIf: WhatIf | null;
  /** The matrix of `whatIf`. */
  readonly judged: Remote<EnvironmentMatrix>;
  /** The environment whose evidence is open, by id, and the GPU that was clicked. */
  readonly open: { readonly id: string; readonly gpuKey: string | null } | null;
  readonly report: Remote<EnvironmentReport>;
  readonly advice: Remote<Advice>;
  /** What went wrong with the last thing that was asked for. */
  readonly problem: Problem | null;
  setOrder(order: MatrixOrder): void;
  scan(): Promise<void>;
  judgeFor(whatIf: WhatIf | null): Promise<void>;
  show(id: string, gpuKey: string | null): Promise<void>;
  close(): void;
  /** Runs kernels; answers the job, or null with `problem` set. */
  prove(id: string, gpus: readonly string[] | null): Promise<Job | null>;
  addFolder(path: string): Promise<boolean>;
  seeDrift(id: string): Promise<void>;
  /** The last problem was read. */
  dismiss(): void;
}
export type EnvironmentsStore = StoreApi<EnvironmentsState>;

/** Environments × GPUs as they come from the engine, and what the user looks at. */
export function createEnvironmentsStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): EnvironmentsStore {
  const { client, source, clock } = deps;
  /** Goes up with what is looked at: an answer for what was open before is for nobody. */
  let looking = 0;
  /** Evidence is asked for again whenever the matrix changes; only the newest answer counts. */
  let asked = 0;
  const store = createStore<EnvironmentsState>()((set, get) => {
    const attempt = createAttempt(set);
    const judgeInput = (): { for: string[]; driver: string | null } => ({ for: [...(get().whatIf?.gpus ?? [])], driver: get().whatIf?.driver ?? null });
    const load = async (id: string): Promise<void> => {
      const mine = ++looking;
      const first = ++asked;
      const { whatIf } = get();
      const readReport = async (): Promise<void> => {
        try {
          const report = whatIf === null ? await client.environments.get({ id }) : (await client.environments.judge({ ...judgeInput(), env: rowById(get(), id)?.prefix ?? null })).reports.find((r) => r.environment.id === id);
          if (mine === looking && first === asked && report !== undefined) set({ report: ready(report, Date.now()) });
        } catch (error) {
          if (mine === looking && first === asked) set({ report: troubled(get().report, problemFrom(error)) });
        }
      };
      const readAdvice = async (): Promise<void> => {
        try {
          const advice = await client.environments.advise({ id, ...judgeInput() });
          if (mine === looking) set({ advice: ready(advice, Date.now()) });
        } catch (error) {
          if (mine === looking) set({ advice: troubled(get().advice, problemFrom(error)) });
        }
      };
      await Promise.all([readReport(), readAdvice()]);
    };
    return {
      matrix: loading,
      drift: [],
      order: 'trouble',
      whatIf: null,
      judged: idle,
      open: null,
      report: idle,
      advice: idle,
      problem: null,
      setOrder: (order) => set({ order }),
      scan: async () => void (await attempt(() => client.environments.scan({}))),
      judgeFor: async (whatIf) => {
        set({ whatIf, judged: whatIf === null ? idle : loading });
        const open = get().open;
        if (whatIf !== null) {
          try {
            const { targets, driver, reports, problems } = await client.environments.judge({ ...judgeInput(), env: null });
            if (get().whatIf === whatIf) set({ judged: ready({ revision: 0, atMs: Date.now(), state: 'ready', tookMs: null, progress: { found: reports.length, judged: reports.length }, targets, driver, rows: reports.map(rowOfReport), problems, note: null }, Date.now()) });
          } catch (error) {
            if (get().whatIf === whatIf) set({ judged: { state: 'failed', problem: problemFrom(error) } });
          }
        }
        if (open !== null) await load(open.id);
      },
      show: async (id, gpuKey) => {
        const same = get().open?.id === id;
        set({ open: { id, gpuKey }, ...(same ? {} : { report: loading, advice: loading }) });
        if (!same) await load(id);
      },
      close: () => {
        looking += 1;
        asked += 1;
        set({ open: null, report: idle, advice: idle });
      },
      prove: (id, gpus) => attempt(() => client.environments.prove({ id, gpus: gpus === null ? null : [...gpus] })),
      addFolder: async (path) => (await attempt(() => client.environments.addFolder({ path }))) !== null,
      seeDrift: async (id) => void (await attempt(() => client.environments.seeDrift({ id }))),
      dismiss: () => set({ problem: null }),
    };
  });
  const newest = keepNewest<EnvironmentMatrix>(clock, (matrix, nowMs) => {
    const { open, whatIf } = store.getState();
    store.setState({ matrix: ready(matrix, nowMs) });
    // What stands open follows: the same question again, without emptying the drawer first.
    if (open !== null && whatIf === null && matrix.state === 'ready') {
      const mine = ++asked;
      const at = looking;
      void client.environments.get({ id: open.id }).then(
        (report) => {
          if (mine !== asked) return;
          // Another build: what was advised was for the one before.
          const before = store.getState().report;
          const changed = (before.state === 'ready' || before.state === 'stale') && before.value.xray?.torch?.version !== report.xray?.torch?.version;
          store.setState({ report: ready(report, Date.now()) });
          if (changed) void client.environments.advise({ id: open.id, for: [], driver: null }).then((advice) => { if (at === looking) store.setState({ advice: ready(advice, Date.now()) }); }, () => undefined);
        },
        (error: unknown) => { if (mine === asked) store.setState((s) => ({ report: troubled(s.report, problemFrom(error)) })); },
      );
    }
  });
  consumeStream(source, (signal) => client.environments.watch({}, { signal }), newest.take, (problem) => store.setState((s) => ({ matrix: troubled(s.matrix, problem) })));
  consumeStream(source, (signal) => client.environments.watchDrift({}, { signal }), (drift) => store.setState({ drift }), () => undefined);
  return store;
}

function rowById(state: EnvironmentsState, id: string): { readonly prefix: string } | undefined {
  for (const remote of [state.judged, state.matrix]) {
    if (remote.state !== 'ready' && remote.state !== 'stale') continue;
    const row = remote.value.rows.find((r) => r.id === id);
    if (row !== undefined) return row;
  }
  return undefined;
}
