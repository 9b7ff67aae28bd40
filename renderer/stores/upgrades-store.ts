import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Job } from '../../contract/jobs.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Upgrade, UpgradePlan } from '../../contract/upgrades.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, type Remote } from '../connection/remote.ts';

/** What is planned for an environment: which target and route, for which GPUs. */
export interface Wish {
  readonly environmentId: string;
  readonly target: string | null;
  readonly route: string | null;
  readonly gpus: readonly string[];
  readonly driver: string | null;
}

export interface UpgradesState {
  /** The journal, newest first. */
  readonly list: Remote<readonly Upgrade[]>;
  readonly wish: Wish | null;
  readonly plan: Remote<UpgradePlan>;
  readonly problem: Problem | null;
  makePlan(wish: Wish): Promise<void>;
  planUndo(environmentId: string, upgradeId: string | null): Promise<void>;
  /** Answers the job, or null with `problem` set. */
  apply(options: { readonly agree: boolean; readonly smokeCommand: readonly string[] | null }): Promise<Job | null>;
  forget(id: string): Promise<void>;
  dropPlan(): void;
}
export type UpgradesStore = StoreApi<UpgradesState>;

/** Plans, their application and the journal. A plan that was replaced by a newer wish is dropped when it arrives. */
export function createUpgradesStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): UpgradesStore {
  const { client, source, clock } = deps;
  let asking: AbortController | null = null;
  const store = createStore<UpgradesState>()((set, get) => {
    const ask = async (wish: Wish | null, run: (signal: AbortSignal) => Promise<UpgradePlan>): Promise<void> => {
      asking?.abort();
      const mine = new AbortController();
      asking = mine;
      set({ wish, plan: loading, problem: null });
      try {
        const plan = await run(mine.signal);
        if (asking === mine) set({ plan: ready(plan, Date.now()) });
      } catch (error) {
        if (asking === mine) set({ plan: { state: 'failed', problem: problemFrom(error) } });
      }
    };
    return {
      list: loading,
      wish: null,
      plan: idle,
      problem: null,
      makePlan: (wish) => ask(wish, (signal) => client.upgrades.plan({ id: wish.environmentId, target: wish.target, route: wish.route, for: [...wish.gpus], driver: wish.driver }, { signal })),
      planUndo: (environmentId, id) => ask(null, (signal) => client.upgrades.planRollback({ environmentId, id }, { signal })),
      apply: async ({ agree, smokeCommand }) => {
        const { plan } = get();
        if (plan.state !== 'ready') return null;
        try {
          const { planId, kind } = plan.value;
          const job = kind === 'rollback' ? await client.upgrades.rollback({ planId, agree }) : await client.upgrades.apply({ planId, agree, smokeCommand: smokeCommand === null ? null : [...smokeCommand] });
          set({ problem: null });
          return job;
        } catch (error) {
          set({ problem: problemFrom(error) });
          return null;
        }
      },
      forget: async (id) => {
        try {
          await client.upgrades.forget({ id });
          set({ problem: null });
        } catch (error) {
          set({ problem: problemFrom(error) });
        }
      },
      dropPlan: () => {
        asking?.abort();
        asking = null;
        set({ wish: null, plan: idle, problem: null });
      },
    };
  });
  const newest = keepNewest<readonly Upgrade[]>(clock, (list, nowMs) => store.setState({ list: ready(list, nowMs) }));
  consumeStream(source, (signal) => client.upgrades.watch({}, { signal }), newest.take, (problem) => store.setState((s) => ({ list: troubled(s.list, problem) })));
  return store;
}
