import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Job } from '../../contract/jobs.ts';
import type { ComponentHealth, DeviceChange, DevicePlan, DeviceSetting, SlowReport, TuneResult, TuneWish } from '../../contract/optimize.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, type Remote } from '../connection/remote.ts';
import type { OptimiseSubject } from './optimise-store.ts';
import { createAttempt } from './create-attempt.ts';

export interface MachineState {
  /** What works, and when that was last proved. */
  readonly health: Remote<readonly ComponentHealth[]>;
  /** Of the GPU that is looked at; idle: the processor. */
  readonly settings: Remote<readonly DeviceSetting[]>;
  readonly changes: Remote<readonly DeviceChange[]>;
  readonly tunes: Remote<readonly TuneResult[]>;
  readonly slow: Remote<SlowReport>;
  readonly problem: Problem | null;
  /** Reads components and settings of a place. */
  look(subject: OptimiseSubject, uuid: string | null): Promise<void>;
  readChanges(): Promise<void>;
  planDevice(uuid: string, setting: DeviceSetting['id'], value: number): Promise<DevicePlan>;
  /** Sets it on trial. */
  applyDevice(planId: string): Promise<DeviceChange>;
  confirmDevice(id: string): Promise<void>;
  revertDevice(id: string): Promise<void>;
  /** Watches for so many seconds. */
  explainSlow(place: string | null, seconds: number): Promise<void>;
  tune(wish: Partial<TuneWish> & Pick<TuneWish, 'modelId'>): Promise<Job | null>;
  dismiss(): void;
}
export type MachineStore = StoreApi<MachineState>;

/** The machine beneath the switches: components, settings of the GPU, the search for engine settings, why it is slow. */
export function createMachineStore({ client, source, clock }: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): MachineStore {
  let looking = 0;
  let shown: string | null | undefined;
  /** Goes up with each question and each other place: an old answer is for nobody. */
  let asking = 0;
  const store = createStore<MachineState>()((set, get) => {
    const attempt = createAttempt(set);
    const remember = (change: DeviceChange): void => set((s) => {
      const before = s.changes.state === 'ready' || s.changes.state === 'stale' ? s.changes.value : [];
      return { changes: ready([change, ...before.filter((c) => c.id !== change.id)], Date.now()) };
    });
    const readSettings = async (uuid: string, mine: number): Promise<void> => {
      try {
        const settings = await client.optimize.deviceSettings({ uuid });
        if (mine === looking) set({ settings: ready(settings, Date.now()) });
      } catch (error) {
        if (mine === looking) set((s) => ({ settings: troubled(s.settings, problemFrom(error)) }));
      }
    };
    const readChanges = async (): Promise<void> => {
      try {
        set({ changes: ready(await client.optimize.deviceChanges({}), Date.now()) });
      } catch (error) {
        set((s) => ({ changes: troubled(s.changes, problemFrom(error)) }));
      }
    };
    /** After a change: what the driver says now. */
    const again = async (uuid: string): Promise<void> => void (await readSettings(uuid, looking));
    return {
      health: loading,
      settings: idle,
      changes: loading,
      tunes: loading,
      slow: idle,
      problem: null,
      look: async (subject, uuid) => {
        const mine = ++looking;
        if (uuid !== shown) {
          asking += 1;
          set({ settings: uuid === null ? idle : loading, slow: idle });
        }
        shown = uuid;
        const readHealth = async (): Promise<void> => {
          try {
            const health = await client.optimize.health(subject);
            if (mine === looking) set({ health: ready(health, Date.now()) });
          } catch (error) {
            if (mine === looking) set((s) => ({ health: troubled(s.health, problemFrom(error)) }));
          }
        };
        await Promise.all([readHealth(), readChanges(), uuid === null ? Promise.resolve() : readSettings(uuid, mine)]);
      },
      readChanges,
      planDevice: (uuid, setting, value) => client.optimize.planDevice({ uuid, setting, value }),
      applyDevice: async (planId) => {
        const change = await client.optimize.applyDevice({ planId });
        remember(change);
        void again(change.uuid);
        return change;
      },
      confirmDevice: async (id) => {
        const change = await attempt(() => client.optimize.confirmDevice({ id }));
        if (change !== null) remember(change);
        else await readChanges();
      },
      revertDevice: async (id) => {
        const change = await attempt(() => client.optimize.revertDevice({ id }));
        if (change === null) return readChanges();
        remember(change);
        await again(change.uuid);
      },
      explainSlow: async (place, seconds) => {
        if (get().slow.state === 'loading') return;
        const mine = ++asking;
        set({ slow: loading });
        let slow: Remote<SlowReport>;
        try {
          slow = ready(await client.optimize.explainSlow({ place, seconds }), Date.now());
        } catch (error) {
          slow = { state: 'failed', problem: problemFrom(error) };
        }
        if (mine === asking) set({ slow });
      },
      tune: (wish) => attempt(() => client.optimize.tune(wish)),
      dismiss: () => set({ problem: null }),
    };
  });
  const newest = keepNewest<readonly TuneResult[]>(clock, (tunes, nowMs) => store.setState({ tunes: ready(tunes, nowMs) }));
  consumeStream(source, (signal) => client.optimize.watchTune({}, { signal }), newest.take, (problem) => store.setState((s) => ({ tunes: troubled(s.tunes, problem) })));
  return store;
}
