import type { ReactNode } from 'react';
import { formatDeviceName, formatGib } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { decideFitBar, type PlaceOutlook } from './model-words.ts';

const share = (value: number): string => `${(value * 92).toFixed(2)}%`;

export interface FitBarProps {
  readonly outlook: PlaceOutlook;
  /** Where else there is room for all of it. */
  readonly room: PlaceOutlook | null;
  readonly loadedBytes: number;
  nameOf(id: string): string;
}

/** Memory of a place: what is used now, what the model's weights and cache would take, and where it ends. */
export function FitBar({ outlook, room, loadedBytes, nameOf }: FitBarProps): ReactNode {
  const bar = decideFitBar(outlook.memory ?? { ...outlook, totalBytes: outlook.weightsBytes }, loadedBytes);
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
      <span className="sub"><FitWords outlook={outlook} room={room} loadedBytes={loadedBytes} nameOf={nameOf} /></span>
    </>
  );
}

function FitWords({ outlook, room, loadedBytes, nameOf }: FitBarProps): ReactNode {
  const { memory, verdict, weightsBytes, freeBytes } = outlook;
  const elsewhere = room === null ? '' : `; the ${plainText(formatDeviceName(room.placeName))} has room`;
  if (loadedBytes > 0) return <>holds <Value of={formatGib(loadedBytes)} /></>;
  if (verdict === 'does_not_fit') return <StateMark kind="problem">{elsewhere === '' ? `${memory === null ? 'weights of' : 'needs'} ${formatGib(memory?.totalBytes ?? weightsBytes).text} GiB: does not fit` : `does not fit${elsewhere}`}</StateMark>;
  if (verdict === 'fits_partly') return <StateMark kind="attention">{memory === null ? 'fits in part' : `${memory.layersThatFit ?? 0} of ${memory.layers} layers fit`}{elsewhere}</StateMark>;
  if (verdict === 'fits_after_unload') return <StateMark kind="attention">fits after unloading {(memory?.unload ?? []).map(nameOf).join(', ')}</StateMark>;
  // How much is free stands at the head of the column, too.
  const of = freeBytes === null ? '' : `of ${formatGib(freeBytes).text}`;
  if (memory === null) return verdict === 'fits' ? <>weights <Value of={formatGib(weightsBytes)} />, should fit</> : <>weights <Value of={{ text: `${formatGib(weightsBytes).text} ${of}`, unit: 'GiB' }} /></>;
  return <>needs ≈ <Value of={{ text: `${formatGib(memory.totalBytes).text} ${of}`, unit: 'GiB' }} /></>;
}
