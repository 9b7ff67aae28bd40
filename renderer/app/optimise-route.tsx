import type { ReactNode } from 'react';
import { lazyPage } from './lazy-page.tsx';
import { useRoute } from './routes.ts';

const { Page: OptimisePage } = lazyPage(() => import('../features/optimise/optimise-page.tsx').then((m) => m.OptimisePage));

/** `#/optimise`: the switches. `#/optimise/tune`, `/slow`, `/gpu`, `/applied`: a part of it. */
export function OptimiseRoute(): ReactNode {
  return <OptimisePage section={useRoute().section} />;
}
