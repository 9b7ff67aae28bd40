import type { Problem } from '../../../contract/problem.ts';
import type { Client } from '../../connection/client.ts';
import { problemFrom } from '../../connection/problem-from.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import { decideHistory } from './history-plan.ts';
import type { View } from './view.ts';

/** Brings the history into the rings whenever a view needs it. */
export interface HistoryLoader {
  /** The view or the width changed, or readings were missed: asks again, a moment later, for the newest wish only. */
  want(view: View, widthPx: number): void;
  stop(): void;
}

/** A wheel turns many times; one question is enough. */
const SETTLE_MS = 120;

export function createHistoryLoader(options: { readonly client: Client; readonly series: LiveSeries; readonly onLoaded: () => void; readonly onProblem: (problem: Problem | null) => void }): HistoryLoader {
  const { client, series, onLoaded, onProblem } = options;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let asking = new AbortController();

  const schedule = (view: View, widthPx: number, delayMs: number): void => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void load(view, widthPx), delayMs);
  };
  const load = async (view: View, widthPx: number): Promise<void> => {
    timer = null;
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const plan = decideHistory(view, series.newestMs() ?? Date.now(), Date.now(), widthPx);
    try {
      for (const request of plan.requests) {
        const answer = await client.history.query({ ...request, metrics: [...request.metrics] }, { signal });
        if (signal.aborted) return;
        series.backfill(answer);
      }
      onProblem(null);
      onLoaded();
    } catch (error) {
      if (signal.aborted) return;
      onProblem(problemFrom(error));
    }
    if (plan.againInMs !== null) schedule(view, widthPx, plan.againInMs);
  };

  return {
    want: (view, widthPx) => schedule(view, widthPx, SETTLE_MS),
    stop() {
      if (timer !== null) clearTimeout(timer);
      asking.abort();
    },
  };
}
