import type { ReactNode } from 'react';
import type { MemoryEstimate } from '../../../contract/models.ts';
import { formatGib } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { decideFitBar } from './model-words.ts';

const share = (value: number): string => `${(value * 92).toFixed(2)}%`;

/** Memory of a place: what is used now, what the model's weights and cache would take, and where it ends. */
export function FitBar({ memory, loadedBytes, nameOf }: { readonly memory: MemoryEstimate; readonly loadedBytes: number; nameOf(id: string): string }): ReactNode {
  const bar = decideFitBar(memory, loadedBytes);
  return (
    <>
      {bar === null ? <NotReported reason="The size or the free memory of this place is not reported." /> : (
        <span className="fit" aria-hidden="true">
          <i className="used" style={{ width: share(bar.used) }} />
          <i className="need" style={{ left: share(bar.used), width: share(bar.weights) }} />
          <i className="kvc" style={{ left: share(bar.used + bar.weights), width: share(bar.cache) }} />
          {bar.over > 0 && <i className="ovr" style={{ left: share(1), width: share(bar.over) }} />}
          <i className="end" style={{ left: share(1) }} />
        </span>
      )}
      <span className="sub"><FitWords memory={memory} loadedBytes={loadedBytes} nameOf={nameOf} /></span>
    </>
  );
}

function FitWords({ memory, loadedBytes, nameOf }: { readonly memory: MemoryEstimate; readonly loadedBytes: number; nameOf(id: string): string }): ReactNode {
  if (loadedBytes > 0) return <>holds <Value of={formatGib(loadedBytes)} /></>;
  if (memory.verdict === 'does_not_fit') return <span className="st problem"><Icon name="bad" />needs <Value of={formatGib(memory.totalBytes)} />: does not fit</span>;
  if (memory.verdict === 'fits_partly') return <span className="st attention"><Icon name="warn" />only {memory.layersThatFit ?? 0} of {memory.layers} layers fit</span>;
  if (memory.verdict === 'fits_after_unload') return <span className="st attention"><Icon name="warn" />fits after unloading {memory.unload.map(nameOf).join(', ')}</span>;
  return <>needs ≈ <Value of={formatGib(memory.totalBytes)} />{memory.freeBytes === null ? '' : <> of <Value of={formatGib(memory.freeBytes)} /> free</>}</>;
}
