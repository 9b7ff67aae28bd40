import type { ReactNode } from 'react';
import type { Device } from '../../../contract/gpu.ts';
import { formatDeviceName } from '../../ui/format.ts';

/** `00000000:01:00.0` is `01:00.0`; a domain other than 0 stays. */
function shortBusId(busId: string): string {
  return busId.replace(/^0+:/, '').toLowerCase();
}

/** What a device is, in one quiet line; performance state and fan are written by the board. */
export function CardMeta({ device, parent }: { readonly device: Device; readonly parent: Device | null }): ReactNode {
  const parts: { readonly key: string; readonly node: ReactNode; readonly title?: string }[] = [];
  if (parent !== null) parts.push({ key: 'parent', node: `part of GPU ${parent.index}, ${formatDeviceName(parent.name)}` });
  if (device.computeCapability !== null) parts.push({ key: 'cc', node: `cc ${device.computeCapability}`, title: 'Compute capability' });
  if (device.architecture !== null) parts.push({ key: 'arch', node: device.architecture, title: 'Architecture' });
  if (!device.notReported['pstate'] && parent === null) parts.push({ key: 'pstate', node: <span data-meta="pstate">P–</span>, title: 'Performance state, P0 is the highest' });
  if (device.fanCount === 0) parts.push({ key: 'fan', node: 'no fan' });
  else if (!device.notReported['fanPercent'] && parent === null) parts.push({ key: 'fan', node: <span data-meta="fan">fan –</span>, title: 'Speed that the fan is set to' });
  if (device.pciBusId !== null && parent === null) parts.push({ key: 'bus', node: shortBusId(device.pciBusId), title: `PCI bus ${device.pciBusId}` });
  return (
    <span className="meta">
      {parts.map((p, i) => (
        <span key={p.key} title={p.title}>
          {i > 0 && ' · '}
          {p.node}
        </span>
      ))}
    </span>
  );
}
