import { useEffect, useRef, type ReactNode } from 'react';
import type { Device } from '../../contract/gpu.ts';
import { DeviceMark, deviceColour } from '../ui/device-mark.tsx';
import { formatCelsius, formatDeviceName, formatGibPair, formatPercent } from '../ui/format.ts';
import { useApp, useGpuStore } from './context.tsx';
import { followSpark, type SparkRing } from './spark.ts';

interface ChipProps {
  readonly device: Device;
  readonly simulated: boolean;
  /** The driver answers; else the last numbers would pose as live. */
  readonly answers: boolean;
  readonly ring: SparkRing;
}

/** One device, always now. A click selects it alone, with Shift it adds. */
export function GpuChip({ device, simulated, answers, ring }: ChipProps): ReactNode {
  const { gpus } = useApp();
  const selected = useGpuStore((s) => s.selection.includes(device.uuid));
  const state = useGpuStore((s) => s.latest[device.uuid]?.state ?? null);
  const util = useGpuStore((s) => s.latest[device.uuid]?.fast?.utilGpuPercent ?? null);
  const temp = useGpuStore((s) => s.latest[device.uuid]?.medium?.tempCelsius ?? null);
  const used = useGpuStore((s) => s.latest[device.uuid]?.medium?.memUsedBytes ?? null);
  const name = formatDeviceName(device.name);
  const gone = !answers || (state !== null && state !== 'ok');
  const goneWord = state === 'lost' ? 'lost' : state === 'reset_required' ? 'needs a reset' : 'no answer';
  const memory = used === null || device.memTotalBytes === null ? null : formatGibPair(used, device.memTotalBytes);
  return (
    <button
      type="button"
      className="chip"
      aria-pressed={selected}
      title={`${selected ? 'Selected' : 'Select'} ${name}; Shift adds${memory ? `\n${memory.text} ${memory.unit}` : ''}`}
      onClick={(e) => gpus.getState().select(device.uuid, e.shiftKey)}
    >
      <span className="sr">GPU </span>
      <DeviceMark index={device.index} />
      <span className="nm">
        {name}
        {simulated && <span className="tagm">sim</span>}
      </span>
      {gone ? <span /> : <Spark ring={ring} index={device.index} />}
      {gone ? (
        <span className="vals">
          <span className="lost">{goneWord}</span>
        </span>
      ) : (
        <span className="vals">
          <span>{util === null ? <Unread /> : <Number2 {...formatPercent(util)} />}</span>
          <span>{temp === null ? <Unread /> : <Number2 {...formatCelsius(temp)} />}</span>
          <span className="memv">{memory === null ? <Unread /> : <Number2 {...memory} />}</span>
        </span>
      )}
    </button>
  );
}

function Number2({ text, unit }: { readonly text: string; readonly unit: string }): ReactNode {
  return (
    <>
      <b>{text}</b>
      <span className="u">{unit}</span>
    </>
  );
}

/** Inside a button nothing else may take the focus, so the reason stands on the card; here only the dash. */
function Unread(): ReactNode {
  return <span className="q">—</span>;
}

function Spark({ ring, index }: { readonly ring: SparkRing; readonly index: number }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { clock } = useApp();
  useEffect(() => (canvas.current ? followSpark(canvas.current, ring, clock) : undefined), [ring, clock]);
  return <canvas ref={canvas} aria-hidden="true" style={{ color: deviceColour(index) }} />;
}
