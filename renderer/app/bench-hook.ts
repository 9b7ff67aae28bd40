import type { App } from './context.tsx';

/** Counters for `npm run bench:monitor`; loaded only when the address asks for it (`#/monitor?bench=1`). */
export interface BenchCounters {
  /** Time from the reading in the worker to the listener of the page that runs last, per frame, ms. */
  readonly latenciesMs: number[];
  frames: number;
  gaps: number;
}

/** The counters keep this many latencies. */
const KEEP = 100_000;

/** Counts frames. It is called after the page's own listeners were added, so a latency includes their work. */
export function installBenchHook(app: App): void {
  const counters: BenchCounters = { latenciesMs: [], frames: 0, gaps: 0 };
  app.feed.onFrame((item) => {
    if (item.type === 'gap') {
      counters.gaps += 1;
      return;
    }
    counters.frames += 1;
    if (counters.latenciesMs.length < KEEP) counters.latenciesMs.push(performance.timeOrigin + performance.now() - item.frame.atMs);
  });
  Object.defineProperty(globalThis, '__warpdeckBench', { value: counters });
}
