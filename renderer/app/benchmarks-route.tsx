import type { ReactNode } from 'react';
import { lazyPage } from './lazy-page.tsx';
import { useRoute } from './routes.ts';

const { Page: BenchmarksPage, load } = lazyPage(() => import('../features/benchmarks/benchmarks-page.tsx').then((m) => m.BenchmarksPage));
/** After the first pictures of the page that was opened. */
const PRELOAD_AFTER_MS = 2000;

/** The charts are half of all code: they are fetched while nothing else is to do, so that the page opens at once. */
export function preloadBenchmarks(): void {
  if (typeof requestIdleCallback === 'function') setTimeout(() => requestIdleCallback(() => void load().catch(() => undefined)), PRELOAD_AFTER_MS);
}

/** `#/benchmarks/matmul`: a benchmark. `#/benchmarks/bench-…`: a run. */
export function BenchmarksRoute(): ReactNode {
  return <BenchmarksPage section={useRoute().section} />;
}
