import type { ReactNode } from 'react';
import type { GpuTarget, VerdictCell } from '../../../contract/verdict.ts';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatDeviceName } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { stateIcon } from '../../ui/state-mark.tsx';
import { verdictWords } from './verdict-words.ts';

/** One line per GPU: mark, name, capability, state and why. */
export function GpuLine({ target, cell }: { readonly target: GpuTarget; readonly cell: VerdictCell }): ReactNode {
  const { kind } = verdictWords[cell.verdict];
  return (
    <li className="gpuline">
      {target.index === null ? <span /> : <DeviceMark index={target.index} />}
      <span className="trunc">{plainText(formatDeviceName(target.name))}</span>
      <span className="q">{target.computeCapability ?? '—'}</span>
      <span className={`st ${kind ?? 'none'}`}><Icon name={kind === null ? 'none' : stateIcon(kind)} /><span className="why">{plainText(cell.text)}</span></span>
    </li>
  );
}
