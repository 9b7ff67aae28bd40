import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Comparison, ComparisonWish, PromptSet } from '../../contract/chat.ts';
import { applyComparisonChange } from '../../contract/comparison-change.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';
import { createAttempt } from './create-attempt.ts';

export interface ComparisonsState {
  /** Without their texts, newest first. */
  readonly list: Remote<readonly Comparison[]>;
  readonly openId: string | null;
  readonly open: Remote<Comparison>;
  readonly promptSets: Remote<readonly PromptSet[]>;
  readonly problem: Problem | null;
  refresh(): Promise<void>;
  show(id: string | null): void;
  /** Answers its id, or null with `problem` set. */
  start(wish: Partial<ComparisonWish> & Pick<ComparisonWish, 'prompts' | 'contenders'>): Promise<string | null>;
  vote(prompt: number, contender: number | null): Promise<void>;
  cancel(): Promise<void>;
  remove(id: string): Promise<void>;
  exportAs(format: 'markdown' | 'json' | 'csv'): Promise<{ readonly fileName: string; readonly text: string } | null>;
  savePromptSet(set: { readonly id: string | null; readonly name: string; readonly prompts: readonly string[] }): Promise<PromptSet | null>;
  removePromptSet(id: string): Promise<void>;
  dismiss(): void;
}
export type ComparisonsStore = StoreApi<ComparisonsState>;

export interface ComparisonsStoreDeps {
  readonly client: Client;
  readonly source: StreamSource;
  /** Before the next picture; the browser's by default. */
  readonly frame?: (work: () => void) => void;
}

/** Comparisons that were made, the open one as it is written, and sets of prompts. */
export function createComparisonsStore({ client, source, frame = (work) => void requestAnimationFrame(work) }: ComparisonsStoreDeps): ComparisonsStore {
  let looking = 0;
  let stopWatching: (() => void) | null = null;

  return createStore<ComparisonsState>()((set, get) => {
    const attempt = createAttempt(set);
    const readSets = async (): Promise<void> => {
      try {
        set({ promptSets: ready(await client.comparisons.promptSets({}), Date.now()) });
      } catch (error) {
        set((s) => ({ promptSets: troubled(s.promptSets, problemFrom(error)) }));
      }
    };
    const readList = async (): Promise<void> => {
      try {
        set({ list: ready(await client.comparisons.list({}), Date.now()) });
      } catch (error) {
        set((s) => ({ list: troubled(s.list, problemFrom(error)) }));
      }
    };
    /** What is watched leaves long finished texts out: they are read once, when it is over. */
    const readWhole = async (id: string, mine: number): Promise<void> => {
      try {
        const whole = await client.comparisons.get({ id });
        if (mine === looking) set({ open: ready(whole, Date.now()) });
      } catch (error) {
        if (mine === looking) set((s) => ({ open: troubled(s.open, problemFrom(error)) }));
      }
    };
    const watch = (id: string, mine: number): void => {
      let now: Comparison | null = null;
      let asked = false;
      let over = false;
      stopWatching = consumeStream(source, (signal) => client.comparisons.watch({ id }, { signal }), (change) => {
        now = applyComparisonChange(now, change);
        if (now !== null && now.state !== 'running' && !over) {
          // It changes no more, except by votes, whose answer is the whole.
          over = true;
          stopWatching?.();
          void readWhole(id, mine);
          void readList();
        } else if (!asked) {
          asked = true;
          frame(() => {
            asked = false;
            if (mine === looking && now !== null && !over) set({ open: ready(now, Date.now()) });
          });
        }
      }, (problem) => { if (mine === looking) set((s) => ({ open: troubled(s.open, problem) })); });
    };
    return {
      list: loading,
      openId: null,
      open: idle,
      promptSets: loading,
      problem: null,
      refresh: async () => void (await Promise.all([readSets(), readList()])),
      show: (id) => {
        if (id === get().openId) return;
        const mine = ++looking;
        stopWatching?.();
        stopWatching = null;
        set({ openId: id, open: id === null ? idle : loading, problem: null });
        if (id !== null) watch(id, mine);
      },
      start: async (wish) => {
        const started = await attempt(() => client.comparisons.start(wish));
        if (started === null) return null;
        get().show(started.id);
        void readList();
        return started.id;
      },
      vote: async (prompt, contender) => {
        const { openId } = get();
        if (openId === null) return;
        const voted = await attempt(() => client.comparisons.vote({ id: openId, prompt, contender }));
        if (voted !== null && get().openId === openId) set({ open: ready(voted, Date.now()) });
      },
      cancel: async () => {
        const jobId = valueOf(get().open)?.jobId ?? null;
        if (jobId !== null) await attempt(() => client.jobs.cancel({ id: jobId }));
      },
      remove: async (id) => {
        if ((await attempt(() => client.comparisons.remove({ id }))) === null) return;
        if (get().openId === id) get().show(null);
        await readList();
      },
      exportAs: async (format) => {
        const { openId } = get();
        return openId === null ? null : attempt(() => client.comparisons.export({ id: openId, format }));
      },
      savePromptSet: async ({ id, name, prompts }) => {
        const saved = await attempt(() => client.comparisons.savePromptSet({ id, name, prompts: [...prompts] }));
        if (saved !== null) await readSets();
        return saved;
      },
      removePromptSet: async (id) => {
        if ((await attempt(() => client.comparisons.removePromptSet({ id }))) !== null) await readSets();
      },
      dismiss: () => set({ problem: null }),
    };
  });
}
