import { lazy, type ReactNode } from 'react';
import { useRoute } from './routes.ts';

const BenchmarksPage = lazy(() => import('../features/benchmarks/benchmarks-page.tsx').then((m) => ({ default: m.BenchmarksPage })));

/** `#/benchmarks/matmul`: a benchmark. `#/benchmarks/bench-…`: a run. */
export function BenchmarksRoute(): ReactNode {
  return <BenchmarksPage section={useRoute().section} />;
}
