import type { ChatTurn } from '../../contract/inference.ts';
import { groupTurns } from './chat-history.ts';

export interface FittedTurns<T> {
  readonly rendered: T;
  readonly turns: readonly ChatTurn[];
  readonly dropped: number;
}

/**
 * Leaves out the oldest turns until the rest, rendered, has at most `most` tokens. Never a system turn, never the last
 * of the user with what follows it. null: even that is too long. Renders about log2 of the turns times.
 */
export function fitTurns<T extends { readonly tokens: readonly unknown[] }>(turns: readonly ChatTurn[], most: number, render: (turns: readonly ChatTurn[]) => T): FittedTurns<T> | null {
  const { groups } = groupTurns(turns);
  const without = (count: number): ChatTurn[] => {
    const gone = new Set(groups.slice(0, count).flat());
    return turns.filter((turn) => !gone.has(turn));
  };
  const attempt = (count: number): FittedTurns<T> | null => {
    const rest = without(count);
    const rendered = render(rest);
    return rendered.tokens.length <= most ? { rendered, turns: rest, dropped: turns.length - rest.length } : null;
  };
  let low = 0;
  let high = Math.max(0, groups.length - 1);
  let best = attempt(high);
  while (best !== null && low < high) {
    const middle = Math.floor((low + high) / 2);
    const tried = attempt(middle);
    if (tried === null) low = middle + 1;
    else {
      best = tried;
      high = middle;
    }
  }
  return best;
}
