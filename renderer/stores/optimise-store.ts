import { createStore, type StoreApi } from 'zustand/vanilla';
import { isUnderWay, type Job } from '../../contract/jobs.ts';
import type { Application, ApplyMeans, ApplyPlan, ChosenToggle, EffectCard, MeasureWish, OptimizeOverview, Profile, Workload } from '../../contract/optimize.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';
import { recallProgram, rememberProgram, type ProgramDraft } from './program-draft.ts';
import type { JobsStore } from './jobs-store.ts';
import { createAttempt } from './create-attempt.ts';

export interface OptimiseSubject {
  readonly environmentId: string | null;
  readonly place: string | null;
}

/** Several measurements one after the other: two at once would disturb each other. */
export interface MeasureQueue {
  readonly total: number;
  /** Those that have ended. */
  readonly done: number;
  /** The one that runs. */
  readonly jobId: string | null;
}

export type WishToMeasure = Partial<MeasureWish> & Pick<MeasureWish, 'toggles'>;

export interface OptimiseState {
  readonly subject: OptimiseSubject;
  readonly overview: Remote<OptimizeOverview>;
  readonly profiles: Remote<readonly Profile[]>;
  readonly workloads: Remote<readonly Workload[]>;
  /** Cards of more than one switch, newest first. */
  readonly sets: Remote<readonly EffectCard[]>;
  readonly applications: Remote<readonly Application[]>;
  /** With their pairs, by id; only of cards that were looked at. */
  readonly details: Readonly<Record<string, Remote<EffectCard>>>;
  /** Null: everything. */
  readonly profileId: string | null;
  /** Switches that the user wants on, by profile (`''`: everything); missing: what is suggested. */
  readonly drafts: Readonly<Record<string, readonly ChosenToggle[]>>;
  /** Job that measures a set of switches, by `keyOfSet`, as far as it was started here. */
  readonly started: Readonly<Record<string, string>>;
  readonly queue: MeasureQueue | null;
  /** The user's own program, as it was entered last. */
  readonly program: ProgramDraft;
  readonly problem: Problem | null;
  /** Reads all, and again at each change, until `leave`. */
  enter(subject: OptimiseSubject): void;
  leave(): void;
  refresh(): Promise<void>;
  setProfile(id: string | null): void;
  setDraft(profileId: string | null, toggles: readonly ChosenToggle[]): void;
  setProgram(program: ProgramDraft): void;
  /** A card with its pairs is wanted; one that is being measured is read again at each call. */
  readDetail(card: Pick<EffectCard, 'id' | 'verdict'>): Promise<void>;
  /** Answers the job, or null with `problem` set. */
  measure(wish: WishToMeasure): Promise<Job | null>;
  /** One after the other; ends early when one is cancelled, or when something else is measured. */
  measureAll(wishes: readonly WishToMeasure[]): Promise<void>;
  stopQueue(): Promise<void>;
  planApply(toggles: readonly ChosenToggle[], means: ApplyMeans, environmentId: string): Promise<ApplyPlan>;
  apply(planId: string, agree: boolean): Promise<Application>;
  planRevert(id: string): Promise<ApplyPlan>;
  revert(planId: string): Promise<Application>;
  saveProfile(id: string | null, title: string, toggles: readonly ChosenToggle[]): Promise<Profile | null>;
  removeProfile(id: string): Promise<boolean>;
  dismiss(): void;
}
export type OptimiseStore = StoreApi<OptimiseState>;

/** The same for the same switches with the same values, in any order. Pure. */
export const keyOfSet = (toggles: readonly ChosenToggle[]): string => toggles.map((t) => `${t.toggleId}=${t.value}`).toSorted().join(' ');

/** Switches in an environment on a place: their states, effects and sets, what is applied, and measuring. */
export function createOptimiseStore({ client, source, clock, jobs }: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock; readonly jobs: JobsStore }): OptimiseStore {
  /** Goes up with what is looked at: an answer for what was looked at before is for nobody. */
  let looking = 0;
  let entered = false;
  let reading: Promise<void> | null = null;
  let again = false;
  let waiting: WishToMeasure[] = [];
  /** Of the queue: why one was not measured; said when it is over. */
  let refused: Problem | null = null;
  /** Goes up when a queue is ended. */
  let round = 0;
  const inFlight = new Set<string>();

  const store = createStore<OptimiseState>()((set, get) => {
    const attempt = createAttempt(set);
    type Field = 'overview' | 'profiles' | 'workloads' | 'sets' | 'applications';
    const read = async <K extends Field>(field: K, mine: number, work: () => Promise<Extract<OptimiseState[K], { state: 'ready' }>['value']>): Promise<void> => {
      let next: Remote<unknown>;
      try {
        next = ready(await work(), Date.now());
      } catch (error) {
        next = troubled(get()[field] as Remote<unknown>, problemFrom(error));
      }
      if (mine === looking) set({ [field]: next } as unknown as Partial<OptimiseState>);
    };
    const readAll = async (): Promise<void> => {
      const mine = looking;
      const { subject, workloads } = get();
      await Promise.all([
        read('overview', mine, () => client.optimize.overview(subject)),
        read('profiles', mine, () => client.optimize.profiles({})),
        read('sets', mine, async () => (await client.optimize.effects({ toggleId: null, limit: 500 })).filter((card) => card.toggles.length > 1)),
        read('applications', mine, () => client.optimize.applications({})),
        workloads.state === 'ready' ? Promise.resolve() : read('workloads', mine, () => client.optimize.workloads({})),
      ]);
      if (mine !== looking) return;
      // Pairs of cards that are shown no more are not kept.
      const known = new Set([...(valueOf(get().overview)?.states ?? []).flatMap((s) => s.effects), ...(valueOf(get().sets) ?? []), ...(valueOf(get().profiles) ?? []).flatMap((p) => p.effects)].map((card) => card.id));
      set((s) => ({ details: Object.fromEntries(Object.entries(s.details).filter(([id]) => known.has(id))) }));
    };
    /** One reading at a time: changes that come meanwhile make one more. */
    const refresh = async (): Promise<void> => {
      again = true;
      reading ??= (async () => {
        try {
          while (again) {
            again = false;
            await readAll();
          }
        } finally {
          reading = null;
        }
      })();
      await reading;
    };
    const next = async (): Promise<void> => {
      if (get().queue === null) return;
      const wish = waiting.shift();
      if (wish === undefined) return set({ queue: null, problem: refused });
      const mine = round;
      const job = await get().measure(wish);
      const left = get().queue;
      if (left === null || mine !== round) {
        // Stopped while it was being started.
        if (job !== null) await jobs.getState().cancel(job.id);
        return;
      }
      if (job === null) {
        refused = get().problem;
        // Somebody else measures: the others would be refused too. What one switch lacks says nothing of the next.
        if (refused?.code === 'bench.busy' || refused?.code === 'engine.unreachable') return end();
        set({ queue: { ...left, done: left.done + 1, jobId: null } });
        return next();
      }
      set({ queue: { ...left, jobId: job.id } });
      follow(valueOf(jobs.getState().jobs) ?? []);
    };
    const end = (): void => {
      round += 1;
      waiting = [];
      set({ queue: null });
    };
    const follow = (list: readonly Job[]): void => {
      const { queue } = get();
      const job = queue?.jobId == null ? undefined : list.find((j) => j.id === queue.jobId);
      if (queue === null || job === undefined || isUnderWay(job)) return;
      if (job.state === 'cancelled' || job.state === 'interrupted') return end();
      set({ queue: { ...queue, done: queue.done + 1, jobId: null } });
      void next();
    };
    jobs.subscribe((now, before) => {
      if (now.jobs !== before.jobs) follow(valueOf(now.jobs) ?? []);
    });
    return {
      subject: { environmentId: null, place: null },
      overview: loading,
      profiles: loading,
      workloads: loading,
      sets: loading,
      applications: loading,
      details: {},
      profileId: null,
      drafts: {},
      started: {},
      queue: null,
      program: recallProgram(),
      problem: null,
      enter: (subject) => {
        const { subject: before } = get();
        entered = true;
        if (before.environmentId !== subject.environmentId || before.place !== subject.place) {
          looking += 1;
          // What is wanted on belongs to an environment and a place.
          set({ subject, overview: loading, drafts: {}, details: {} });
        }
        void refresh();
      },
      leave: () => {
        entered = false;
      },
      refresh,
      setProfile: (profileId) => set({ profileId }),
      setDraft: (profileId, toggles) => set((s) => ({ drafts: { ...s.drafts, [profileId ?? '']: toggles } })),
      setProgram: (program) => {
        rememberProgram(program);
        set({ program });
      },
      readDetail: async ({ id, verdict }) => {
        const held = get().details[id];
        const known = held === undefined ? null : valueOf(held);
        if (inFlight.has(id) || (known !== null && known.verdict !== null && known.verdict === verdict)) return;
        inFlight.add(id);
        const mine = looking;
        let found: Remote<EffectCard>;
        try {
          found = ready(await client.optimize.effect({ id }), Date.now());
        } catch (error) {
          found = troubled(get().details[id] ?? idle, problemFrom(error));
        }
        inFlight.delete(id);
        if (mine === looking) set((s) => ({ details: { ...s.details, [id]: found } }));
      },
      measure: async (wish) => {
        const job = await attempt(() => client.optimize.measure({ ...get().subject, ...wish }));
        if (job !== null) set((s) => ({ started: { ...s.started, [keyOfSet(wish.toggles)]: job.id } }));
        return job;
      },
      measureAll: async (wishes) => {
        if (get().queue !== null || wishes.length === 0) return;
        waiting = [...wishes];
        refused = null;
        set({ queue: { total: wishes.length, done: 0, jobId: null } });
        await next();
      },
      stopQueue: async () => {
        const jobId = get().queue?.jobId ?? null;
        end();
        if (jobId !== null) await jobs.getState().cancel(jobId);
      },
      planApply: (toggles, means, environmentId) => client.optimize.planApply({ environmentId, toggles: [...toggles], means }),
      apply: async (planId, agree) => {
        const done = await client.optimize.apply({ planId, agree });
        void refresh();
        return done;
      },
      planRevert: (id) => client.optimize.planRevert({ id }),
      revert: async (planId) => {
        const done = await client.optimize.revert({ planId });
        void refresh();
        return done;
      },
      saveProfile: async (id, title, toggles) => {
        const saved = await attempt(() => client.optimize.saveProfile({ id, title, toggles: [...toggles] }));
        if (saved !== null) await refresh();
        return saved;
      },
      removeProfile: async (id) => {
        if ((await attempt(() => client.optimize.removeProfile({ id }))) === null) return false;
        if (get().profileId === id) set({ profileId: null });
        await refresh();
        return true;
      },
      dismiss: () => set({ problem: null }),
    };
  });
  const newest = keepNewest<{ readonly revision: number }>(clock, () => {
    if (entered) void store.getState().refresh();
  });
  consumeStream(source, (signal) => client.optimize.watch({}, { signal }), newest.take, (problem) => store.setState((s) => ({ overview: troubled(s.overview, problem) })));
  return store;
}
