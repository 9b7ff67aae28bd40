import type { ReactNode } from 'react';
import { useGpuStore } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatDeviceName, formatGib } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { describeFit, type PlaceOutlook } from './model-words.ts';
import { SpeedValue } from './speed-value.tsx';

export interface EveryPlaceProps {
  readonly outlooks: readonly PlaceOutlook[];
  readonly chosen: string | null;
  /** The model is in the memory of that place. */
  holds(place: string): boolean;
  onChoose(place: string): void;
}

/** One model on every GPU of the machine and on its processor: how fast it is there, and whether it goes into what is free. */
export function EveryPlace({ outlooks, chosen, holds, onChoose }: EveryPlaceProps): ReactNode {
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices);
  const sizeOnly = outlooks.some((o) => o.from === 'size');
  const gpus = outlooks.filter((o) => o.place !== 'cpu').length;
  return (
    <section>
      <h3>{gpus > 1 ? 'On every GPU' : 'On this machine'} <span className="sub">{sizeOnly ? 'from the size of the file' : 'into what is free now'}</span></h3>
      <table className="tbl plain places">
        <colgroup><col /><col className="p1" /><col className="p2" /></colgroup>
        <thead><tr><th scope="col">Where</th><th scope="col" className="num">Speed</th><th scope="col">Memory</th></tr></thead>
        <tbody>
          {outlooks.map((o) => {
            const device = devices?.find((d) => d.uuid === o.place);
            const fit = describeFit(o, holds(o.place));
            const needs = o.memory?.totalBytes ?? o.weightsBytes;
            const name = plainText(formatDeviceName(o.placeName));
            return (
              <tr key={o.place} className="two" aria-current={o.place === chosen ? 'true' : undefined}>
                <td>
                  <button type="button" className="placename" title={`Show the page for ${name}`} onClick={() => onChoose(o.place)}>{device !== undefined && <DeviceMark index={device.index} />}<span className="trunc">{o.place === 'cpu' ? 'Processor' : name}</span></button>
                  <span className="sub blk">{o.freeBytes === null ? 'free memory not reported' : `${formatGib(o.freeBytes).text} GiB free`}</span>
                </td>
                <td className="num tok"><SpeedValue there={o} why="No speed is known for this place." words="basis" /></td>
                <td>
                  <StateMark kind={fit.kind}>{fit.words}</StateMark>
                  <span className="sub blk">{o.memory === null ? 'weights' : 'needs ≈'} {formatGib(needs).text} GiB</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
