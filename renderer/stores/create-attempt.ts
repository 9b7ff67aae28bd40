import type { Problem } from '../../contract/problem.ts';
import { problemFrom } from '../connection/problem-from.ts';

/** Does a thing that was asked for. null: it failed, and why stands in the store's `problem`; what works clears that. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T | null>;

export function createAttempt(set: (state: { readonly problem: Problem | null }) => void): Attempt {
  return async (work) => {
    try {
      const value = await work();
      set({ problem: null });
      return value;
    } catch (error) {
      set({ problem: problemFrom(error) });
      return null;
    }
  };
}
