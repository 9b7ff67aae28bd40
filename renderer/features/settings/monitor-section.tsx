import type { ReactNode } from 'react';
import { useApp, useEngine, useGpuStore, useSettings } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { formatFigures } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Row } from './row.tsx';

const ranges = [['1m', '1 min'], ['5m', '5 min'], ['15m', '15 min'], ['1h', '1 h'], ['6h', '6 h'], ['24h', '24 h']] as const;

export function MonitorSection(): ReactNode {
  const { settings } = useApp();
  const monitor = useSettings((s) => s.monitor);
  const cpu = useEngine((s) => valueOf(s.status)?.cpuPercent ?? null);
  const inventory = useGpuStore((s) => valueOf(s.inventory));
  const update = (patch: Partial<typeof monitor>): void => void settings.getState().update({ monitor: patch });
  return (
    <Panel title="Monitor" id="monitor" sub={cpu === null ? undefined : `costs ${formatFigures(cpu)} % of one core now`}>
      <ul className="set">
        <Row name="Rate while somebody watches" sub={inventory?.rateNote ?? `Utilisation, power, clocks; ${inventory ? `${Number(inventory.rateHz.toFixed(1))} readings a second now` : 'else once a second'}`}>
          <Segmented label="Rate while somebody watches" value={monitor.watchedHz} options={[1, 2, 5, 10].map((hz) => ({ value: hz, text: `${hz} Hz` }))} onChange={(watchedHz) => update({ watchedHz })} />
        </Row>
        <Row name="Range when the monitor opens" sub="Up to 24 h from memory and history without a seam">
          <Segmented label="Range when the monitor opens" value={monitor.range} options={ranges.map(([value, text]) => ({ value, text }))} onChange={(range) => update({ range })} />
        </Row>
      </ul>
    </Panel>
  );
}
