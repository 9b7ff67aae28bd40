import type { ReactNode } from 'react';
import { lazyPage } from './lazy-page.tsx';
import { useRoute } from './routes.ts';

const { Page: EnvironmentsPage } = lazyPage(() => import('../features/environments/environments-page.tsx').then((m) => m.EnvironmentsPage));
const { Page: RepairPage } = lazyPage(() => import('../features/repair/repair-page.tsx').then((m) => m.RepairPage));

/** `#/environments`: the matrix. `#/environments/ID?do=repair|undo`: the wizard of one, which can be left and found again. */
export function EnvironmentsRoute(): ReactNode {
  const { section, query } = useRoute();
  const what = query.get('do');
  if (section !== null && (what === 'repair' || what === 'undo')) return <RepairPage key={`${section} ${what} ${query.get('upgrade') ?? ''}`} environmentId={section} what={what} />;
  return <EnvironmentsPage section={section} />;
}
