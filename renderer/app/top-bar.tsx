import { useMemo, type ReactNode } from 'react';
import type { Inventory } from '../../contract/gpu.ts';
import { valueOf } from '../connection/remote.ts';
import { hasNoDriver } from '../features/no-driver/no-driver-facts.ts';
import { Icon } from '../ui/icons.tsx';
import { useApp, useConnection, useGpuStore, useIntents, useSettings } from './context.tsx';
import { GpuChip } from './gpu-chip.tsx';
import { createSparks } from './spark.ts';
import { isDark } from './theme.ts';

/** From here on a chip has room for its numbers only. */
const MANY = 6;

/** What the source badge says; null for a driver's own devices. Pure. */
export function decideSourceBadge(inventory: Pick<Inventory, 'source' | 'simulated' | 'provenance'> | null): { readonly text: string; readonly title: string } | null {
  if (inventory === null) return null;
  if (inventory.source === 'simulate') return { text: 'simulated', title: 'These devices come from a model of heat and power, not from hardware.' };
  if (inventory.source === 'replay') {
    const edited = inventory.provenance?.edited.length ?? 0;
    return { text: 'replay', title: `A recording is played${inventory.provenance?.recordedOn ? `, made on ${inventory.provenance.recordedOn}` : ''}${edited > 0 ? `; ${edited} of its fields were edited` : ''}.` };
  }
  if (inventory.source === 'smi') return { text: 'nvidia-smi', title: 'Readings come from the program nvidia-smi, once a second.' };
  return null;
}

/** Devices, source, search, theme. */
export function TopBar(): ReactNode {
  const app = useApp();
  const intents = useIntents();
  const inventory = useGpuStore((s) => valueOf(s.inventory));
  const host = useConnection((s) => (s.state === 'ready' ? s.info.hostName : null));
  const theme = useSettings((s) => s.appearance.theme);
  const sparks = useMemo(() => createSparks(app.feed), [app.feed]);
  const devices = inventory?.devices ?? [];
  const badge = decideSourceBadge(inventory);
  return (
    <header className="topbar">
      <div className={`chips${devices.length > MANY ? ' many' : ''}`} role="group" aria-label={devices.length > 0 ? 'GPUs; select to filter' : 'No GPU'}>
        {devices.map((d) => (
          <GpuChip key={d.uuid} device={d} simulated={inventory?.simulated === true} answers={inventory !== null && !hasNoDriver(inventory)} ring={sparks.ringOf(d.uuid)} />
        ))}
      </div>
      <div className="tools">
        {badge && (
          <span className="tag dash" title={badge.title}>
            {badge.text}
          </span>
        )}
        {host !== null && badge?.text !== 'simulated' && <span className="tag hide-s">host {host}</span>}
        <button type="button" className="search" aria-keyshortcuts="Control+K" title="Search and commands (Ctrl+K)" onClick={() => app.ui.getState().showPalette(true)}>
          <Icon name="search" />
          <span>
            Search<span className="sr"> and commands</span>
          </span>
          <kbd aria-hidden="true">Ctrl K</kbd>
        </button>
        <button
          type="button"
          className="btn bare icon"
          title={isDark(theme) ? 'Light theme' : 'Dark theme'}
          aria-label={isDark(theme) ? 'Light theme' : 'Dark theme'}
          onClick={() => void intents.run(isDark(theme) ? 'theme.light' : 'theme.dark')}
        >
          <Icon name="theme" />
        </button>
      </div>
    </header>
  );
}
