import { useState, type ReactNode } from 'react';
import type { Inventory } from '../../contract/gpu.ts';
import { UnusedBanner } from '../features/environments/unused-banner.tsx';
import { NoDriver } from '../features/no-driver/no-driver.tsx';
import { hasNoDriver } from '../features/no-driver/no-driver-facts.ts';
import { SimulatedBanner } from '../features/no-driver/simulated-banner.tsx';
import { Readiness } from '../features/readiness/readiness.tsx';
import { valueOf } from '../connection/remote.ts';
import { Button } from '../ui/button.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { useGpuStore } from './context.tsx';
import { lazyPage } from './lazy-page.tsx';

const { Page: MonitorPage } = lazyPage(() => import('../features/monitor/monitor-page.tsx').then((m) => m.MonitorPage));

/** Puts the monitor together: features do not know each other, so what stands above the cards is handed in. */
export function MonitorRoute(): ReactNode {
  const inventory = useGpuStore((s) => s.inventory);
  const [history, setHistory] = useState(false);
  const known = valueOf(inventory);
  const banner = known === null ? null : <Above inventory={known} history={history} onBack={() => setHistory(false)} />;
  if (known !== null && hasNoDriver(known) && !(history && known.devices.length > 0)) {
    return (
      <div className="page mon">
        {banner}
        <Readiness />
        <NoDriver inventory={known} {...(known.devices.length > 0 ? { onShowHistory: () => setHistory(true) } : {})} />
      </div>
    );
  }
  return <MonitorPage readiness={<Readiness />} banner={banner} empty={inventory.state === 'failed' ? <ProblemNote problem={inventory.problem} /> : <NoGpu inventory={known} />} />;
}

function Above({ inventory, history, onBack }: { readonly inventory: Inventory; readonly history: boolean; onBack(): void }): ReactNode {
  return (
    <>
      <SimulatedBanner inventory={inventory} />
      <UnusedBanner />
      {hasNoDriver(inventory) && history && (
        <section className="simban" aria-label="Not live">
          <p>
            <b>What you see is history.</b> {inventory.problem?.title}; no reading arrives now.
          </p>
          <Button onClick={onBack}>What to do</Button>
        </section>
      )}
      {inventory.problem && !hasNoDriver(inventory) && <ProblemNote problem={inventory.problem} />}
    </>
  );
}

/** The source answers, and has no device. */
function NoGpu({ inventory }: { readonly inventory: Inventory | null }): ReactNode {
  return (
    <>
      <div className="head">
        <h1>Monitor</h1>
      </div>
      <p className="callout">
        <b>No GPU to show.</b> {inventory?.source === 'none' ? 'The engine was started with --gpus none.' : 'The driver answers, and lists no device.'} Devices that come later appear here by themselves.
      </p>
    </>
  );
}
