import { memo, useEffect, useId, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Device } from '../../../contract/gpu.ts';
import type { MetricKey } from '../../../contract/metrics.ts';
import { DeviceMark, deviceColour, GPU_COLOURS } from '../../ui/device-mark.tsx';
import { formatCelsius, formatDeviceName, formatGib, formatWattsWhole, type Quantity } from '../../ui/format.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { NotReported } from '../../ui/value.tsx';
import { CardMeta } from './card-meta.tsx';
import type { CardState } from './card-state.ts';
import type { MonitorBoard, SlowedBy } from './monitor-board.ts';
import type { SpanTip } from './span-tip.ts';
import { SpanTipBox } from './span-tip-box.tsx';
import { LiveValue, TrackRow } from './track-row.tsx';
import { decideTracks } from './tracks.ts';

export interface GpuCardProps {
  readonly device: Device;
  /** The device that a MIG instance is a part of. */
  readonly parent: Device | null;
  readonly simulated: boolean;
  readonly board: MonitorBoard;
}

const waiting: CardState = { kind: 'pending', word: 'waiting for a reading', advice: null, gone: false };

/** Name line, four big numbers, the charts on one time axis. Only its state and its tooltip are React's. */
export const GpuCard = memo(function GpuCard({ device, parent, simulated, board }: GpuCardProps): ReactNode {
  const card = useRef<HTMLElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const plots = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const axis = useRef<HTMLCanvasElement>(null);
  const selection = useRef<HTMLDivElement>(null);
  const summary = useRef<HTMLParagraphElement>(null);
  const [state, setState] = useState<CardState>(waiting);
  const [slowedBy, setSlowedBy] = useState<SlowedBy>(null);
  const [tip, setTip] = useState<SpanTip | null>(null);
  const tracks = useMemo(() => decideTracks(device), [device]);
  const name = formatDeviceName(device.name);
  const summaryId = useId();

  useEffect(() => {
    if (!card.current || !stack.current || !plots.current || !canvas.current || !axis.current || !selection.current || !summary.current) return;
    return board.addCard({
      device, colourIndex: device.index % GPU_COLOURS, tracks, card: card.current, stack: stack.current, plots: plots.current, canvas: canvas.current, axis: axis.current,
      selection: selection.current, summary: summary.current, onState: setState, onSlowedBy: setSlowedBy, onTip: setTip,
    });
  }, [board, device, tracks]);
  const showSpan = useMemo(() => (show: boolean) => board.showNewestSpan(device.uuid, show), [board, device.uuid]);

  return (
    <article ref={card} className={`gpu${simulated ? ' sim' : ''}${state.gone ? ' gone' : ''}`} style={{ '--c': deviceColour(device.index) } as Record<string, string>} aria-label={`GPU ${device.index}: ${name}`} aria-describedby={summaryId}>
      <header>
        <DeviceMark index={device.index} />
        <h2>{name}</h2>
        {simulated && <span className="tag dash">simulated</span>}
        {device.kind === 'mig' && <span className="tag">MIG{device.migProfile === null ? '' : ` ${device.migProfile}`}</span>}
        <CardMeta device={device} parent={parent} />
        <span className="sp" />
        <span role="status">
          <StateMark kind={state.kind}>{state.word}</StateMark>
        </span>
      </header>
      {state.advice !== null && (
        <p className="advice" role="alert">
          <b data-last="" />
          {state.advice}
        </p>
      )}
      <div className="four">
        <Tile device={device} metric="utilGpuPercent" title="Utilisation" limit={<span data-average="" />} />
        <Tile device={device} metric="memUsedBytes" title={device.unifiedMemory ? 'Shared memory' : 'Memory'} limit={limitText('memTotalBytes', device, device.memTotalBytes, formatGib)} />
        <Tile device={device} metric="powerWatts" title="Power" limit={limitText('powerLimitWatts', device, device.powerLimitWatts, formatWattsWhole)} />
        <Tile device={device} metric="tempCelsius" title="Temperature" limit={limitText('tempSlowdownCelsius', device, device.tempSlowdownCelsius, formatCelsius, `The driver slows the clock at ${device.tempSlowdownCelsius ?? '—'} °C`)} />
      </div>
      <div ref={stack} className="stack">
        {tracks.map((t) => (
          <TrackRow key={t.key} track={t} device={device} slowedBy={t.kind === 'spans' ? slowedBy : null} onShowSpan={showSpan} />
        ))}
        <div className="tr axis">
          <div className="l" />
          <div className="p" />
          <div className="r" />
        </div>
        <div ref={plots} className="plots" tabIndex={0} role="slider" aria-orientation="horizontal" aria-valuemin={0} aria-valuemax={100} aria-valuenow={100} aria-label={`Charts of GPU ${device.index}, crosshair. Arrow keys move it, Space pauses, plus and minus zoom, Enter goes back to the range.`}>
          <canvas ref={canvas} aria-hidden="true" />
          <canvas ref={axis} className="time" aria-hidden="true" />
          <div ref={selection} className="cut" hidden />
        </div>
        {tip !== null && <SpanTipBox tip={tip} />}
      </div>
      <p ref={summary} id={summaryId} className="sr" />
    </article>
  );
});

function Tile({ device, metric, title, limit }: { readonly device: Device; readonly metric: MetricKey; readonly title: string; readonly limit: ReactNode }): ReactNode {
  const missing = device.notReported[metric];
  return (
    <div data-tile={metric}>
      <div className="row">
        <span className="lab">{title}</span>
        <span className="lim">{missing ? null : limit}</span>
      </div>
      <div className="big">{missing ? <NotReported reason={missing.text} /> : <LiveValue attribute="data-now" metric={metric} />}</div>
      <div className="bar">{!missing && <i data-bar={metric} style={{ width: 0 }} />}</div>
    </div>
  );
}

function limitText(field: string, device: Device, value: number | null, format: (v: number) => Quantity, title?: string): ReactNode {
  if (value === null) {
    const why = device.notReported[field];
    return why ? <>of <NotReported reason={why.text} /></> : null;
  }
  const { text, unit } = format(value);
  return <span title={title}>of {text} {unit}</span>;
}
