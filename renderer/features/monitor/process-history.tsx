import { useEffect, useState, type ReactNode } from 'react';
import type { Device, GpuProcess } from '../../../contract/gpu.ts';
import { useClient } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import { loading, ready, troubled, valueOf, type Remote } from '../../connection/remote.ts';
import { formatClock, formatGib, formatPercent, type Quantity } from '../../ui/format.ts';
import { deviceColour } from '../../ui/device-mark.tsx';

interface Point {
  readonly atMs: number;
  readonly gpuUuid: string;
  readonly memUsedBytes: number | null;
  readonly utilSmPercent: number | null;
}

/** What a process did on its GPU while it was watched: two small lines. Asked again with every new list. */
export function ProcessHistory({ process, devices, atMs }: { readonly process: GpuProcess; readonly devices: ReadonlyMap<string, Device>; readonly atMs: number }): ReactNode {
  const client = useClient();
  const [history, setHistory] = useState<Remote<readonly Point[]>>(loading);
  const { pid, startTicks, gpuUuid } = process;
  useEffect(() => {
    const stop = new AbortController();
    client.gpus.processHistory({ pid, startTicks }, { signal: stop.signal }).then(
      (points) => setHistory(ready(points, atMs)),
      (error: unknown) => {
        if (!stop.signal.aborted) setHistory((now) => troubled(now, problemFrom(error)));
      },
    );
    return () => stop.abort();
  }, [client, pid, startTicks, atMs]);
  const points = valueOf(history)?.filter((p) => p.gpuUuid === gpuUuid) ?? [];
  const device = devices.get(gpuUuid);
  if (history.state === 'failed') return <p className="note">{history.problem.title}. {history.problem.remedy}</p>;
  if (points.length < 2) return <p className="note">{history.state === 'loading' ? 'Reading…' : 'Watched for less than four seconds; its lines appear with the next readings.'}</p>;
  return (
    <div className="phist" style={{ '--c': device ? deviceColour(device.index) : 'var(--ink-3)' } as Record<string, string>}>
      <Spark title="Memory" points={points} value={(p) => p.memUsedBytes} format={formatGib} top={null} />
      <Spark title="SM" points={points} value={(p) => p.utilSmPercent} format={formatPercent} top={100} />
      <p className="sub">
        {formatClock(points[0]?.atMs ?? 0)} to {formatClock(points.at(-1)?.atMs ?? 0)}
        {process.executable !== null && <> · <code>{process.executable}</code></>}
      </p>
    </div>
  );
}

const WIDTH = 420;
const HEIGHT = 40;

/** Path of a line in a box of `WIDTH` × `HEIGHT`; breaks where nothing was reported. Pure. */
export function sparkPath(points: readonly { readonly atMs: number; readonly value: number | null }[], top: number): string {
  const from = points[0]?.atMs ?? 0;
  const span = Math.max(1, (points.at(-1)?.atMs ?? 0) - from);
  let path = '';
  let pen = 'M';
  for (const { atMs, value } of points) {
    if (value === null) {
      pen = 'M';
      continue;
    }
    path += `${pen}${(((atMs - from) / span) * WIDTH).toFixed(1)} ${(HEIGHT - 1 - (Math.min(top, Math.max(0, value)) / top) * (HEIGHT - 2)).toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

function Spark({ title, points, value, format, top }: { readonly title: string; readonly points: readonly Point[]; value(p: Point): number | null; format(v: number): Quantity; readonly top: number | null }): ReactNode {
  const values = points.map((p) => ({ atMs: p.atMs, value: value(p) }));
  const known = values.flatMap((v) => (v.value === null ? [] : [v.value]));
  if (known.length === 0) return <div><span className="lab">{title}</span><p className="note">Not reported for this process.</p></div>;
  const highest = Math.max(...known);
  const { text, unit } = format(highest);
  return (
    <div>
      <span className="lab">
        {title}, highest {text} {unit}
      </span>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title} over time, highest ${text} ${unit}`}>
        <path d={sparkPath(values, top ?? Math.max(1, highest * 1.1))} />
      </svg>
    </div>
  );
}
