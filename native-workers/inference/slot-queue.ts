import type { Token } from 'node-llama-cpp';
import { commonPrefix, type Slot } from './decoder.ts';

export interface SlotQueue {
  /** The free slot whose cache has most of these tokens; in the order of asking. Rejects when the signal aborts first. */
  take(tokens: readonly Token[], signal: AbortSignal): Promise<Slot>;
  give(slot: Slot): void;
}

export function createSlotQueue(slots: readonly Slot[]): SlotQueue {
  /** Least recently used first. */
  let free = [...slots];
  const waiting: { readonly tokens: readonly Token[]; readonly resolve: (slot: Slot) => void }[] = [];

  const pick = (tokens: readonly Token[]): Slot | null => {
    let best: Slot | null = null;
    let most = -1;
    for (const slot of free) {
      const same = commonPrefix(slot.tokens(), tokens);
      if (same > most) [best, most] = [slot, same];
    }
    free = free.filter((slot) => slot !== best);
    return best;
  };

  return {
    take(tokens, signal) {
      if (waiting.length === 0) {
        const slot = pick(tokens);
        if (slot !== null) return Promise.resolve(slot);
      }
      return new Promise((resolve, reject) => {
        const entry = {
          tokens,
          resolve: (slot: Slot): void => {
            signal.removeEventListener('abort', leave);
            resolve(slot);
          },
        };
        const leave = (): void => {
          waiting.splice(waiting.indexOf(entry), 1);
          reject(signal.reason);
        };
        waiting.push(entry);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    give(slot) {
      free.push(slot);
      const next = waiting.shift();
      if (next === undefined) return;
      const chosen = pick(next.tokens);
      if (chosen !== null) next.resolve(chosen);
    },
  };
}
