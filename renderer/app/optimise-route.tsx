import { lazy, type ReactNode } from 'react';
import { useRoute } from './routes.ts';

const OptimisePage = lazy(() => import('../features/optimise/optimise-page.tsx').then((m) => ({ default: m.OptimisePage })));

/** `#/optimise`: the switches. `#/optimise/tune`, `/slow`, `/gpu`, `/applied`: a part of it. */
export function OptimiseRoute(): ReactNode {
  return <OptimisePage section={useRoute().section} />;
}
