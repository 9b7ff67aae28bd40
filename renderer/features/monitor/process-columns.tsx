import type { ReactNode } from 'react';
import type { Device, GpuProcess, ProcessReading } from '../../../contract/gpu.ts';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatDuration, formatGib, formatPercent } from '../../ui/format.ts';
import { NotReported, Value } from '../../ui/value.tsx';

/** What a cell needs to know beside its process. */
export interface CellContext {
  readonly devices: ReadonlyMap<string, Device>;
  readonly reading: ProcessReading;
  readonly simulated: boolean;
  readonly nowMs: number;
}

export interface ProcessColumn {
  readonly id: string;
  readonly title: string;
  readonly numeric: boolean;
  readonly widthPx: number;
  /** What it is sorted by; null comes last, whatever the direction. */
  sortValue(process: GpuProcess, context: CellContext): number | string | null;
  cell(process: GpuProcess, context: CellContext): ReactNode;
}

const why = (field: string, context: CellContext, otherwise: string): string => context.reading.notReported[field]?.text ?? otherwise;

/** Who a pid is, where the driver speaks of processes that this machine cannot see. */
function whoIs(process: GpuProcess, context: CellContext): string {
  if (context.simulated) return 'A simulated process has no such thing';
  if (process.identity === 'host') return 'A process of the host: this container cannot see who it is';
  if (process.identity === 'foreign') return 'A process of another system: this one cannot see who it is';
  if (process.identity === 'gone') return 'The process ended before it could be looked at';
  return 'The system does not tell';
}

const missing = (reason: string): ReactNode => <NotReported reason={reason} />;

export const processColumns: readonly ProcessColumn[] = [
  {
    id: 'gpu', title: 'GPU', numeric: false, widthPx: 56,
    sortValue: (p, c) => c.devices.get(p.gpuUuid)?.index ?? null,
    cell: (p, c) => {
      const device = c.devices.get(p.gpuUuid);
      return device ? <DeviceMark index={device.index} /> : missing('This GPU is not in the list any more');
    },
  },
  { id: 'pid', title: 'PID', numeric: true, widthPx: 72, sortValue: (p) => p.pid, cell: (p) => p.pid },
  { id: 'user', title: 'User', numeric: false, widthPx: 88, sortValue: (p) => p.user, cell: (p, c) => p.user ?? missing(whoIs(p, c)) },
  {
    id: 'command', title: 'Command', numeric: false, widthPx: 320,
    sortValue: (p) => p.command,
    cell: (p, c) => (p.command === null ? <span className="q">{p.identity === 'host' ? 'process of the host' : missing(whoIs(p, c))}</span> : <span className="cmd" title={p.command}>{p.command}</span>),
  },
  { id: 'environment', title: 'Environment', numeric: false, widthPx: 132, sortValue: (p) => p.environment, cell: (p, c) => p.environment ?? missing(c.simulated ? 'A simulated process has no environment' : 'Not read yet: Python environments have not been scanned') },
  { id: 'verdict', title: 'Torch verdict', numeric: false, widthPx: 112, sortValue: (p) => p.torchVerdict, cell: (p, c) => p.torchVerdict?.replaceAll('_', ' ') ?? missing(c.simulated ? 'A simulated process has no torch' : 'Not read yet: Python environments have not been scanned') },
  { id: 'type', title: 'Type', numeric: false, widthPx: 88, sortValue: (p) => p.type, cell: (p) => (p.type === 'both' ? 'both' : p.type) },
  { id: 'memory', title: 'Memory', numeric: true, widthPx: 92, sortValue: (p) => p.memUsedBytes, cell: (p, c) => (p.memUsedBytes === null ? missing(why('memUsedBytes', c, 'The driver does not report it for this process')) : <Value of={formatGib(p.memUsedBytes)} />) },
  { id: 'sm', title: 'SM', numeric: true, widthPx: 68, sortValue: (p) => p.utilSmPercent, cell: (p, c) => (p.utilSmPercent === null ? missing(why('utilSmPercent', c, 'The driver has no sample of this process')) : <Value of={formatPercent(p.utilSmPercent)} />) },
  { id: 'hostMemory', title: 'Host memory', numeric: true, widthPx: 108, sortValue: (p) => p.hostMemBytes, cell: (p, c) => (p.hostMemBytes === null ? missing(whoIs(p, c)) : <Value of={formatGib(p.hostMemBytes)} />) },
  {
    id: 'running', title: 'Running', numeric: true, widthPx: 96,
    sortValue: (p, c) => (p.startedAtMs === null ? null : c.nowMs - p.startedAtMs),
    cell: (p, c) => (p.startedAtMs === null ? missing(whoIs(p, c)) : <span className="m">{formatDuration((c.nowMs - p.startedAtMs) / 1000)}</span>),
  },
];

/** The chosen columns that there are, in the table's order; all the usual ones when none of the names is known. */
export function decideColumns(chosen: readonly string[]): readonly ProcessColumn[] {
  const known = processColumns.filter((c) => chosen.includes(c.id));
  return known.length > 0 ? known : processColumns.filter((c) => c.id !== 'type' && c.id !== 'hostMemory');
}

export interface Sorting {
  readonly id: string;
  readonly descending: boolean;
}

/** Key of a row: a process may hold several GPUs and is listed on each. */
export const rowKey = (p: GpuProcess): string => `${p.gpuUuid}:${p.pid}:${p.startTicks ?? ''}`;

/** The rows of the table: on the selected GPUs, with all words of the filter somewhere in them, sorted; what is not reported comes last. Pure. */
export function decideRows(processes: readonly GpuProcess[], options: { readonly selection: readonly string[]; readonly filter: string; readonly sorting: Sorting; readonly context: CellContext }): readonly GpuProcess[] {
  const { selection, filter, sorting, context } = options;
  const words = filter.toLowerCase().split(/\s+/).filter((w) => w !== '');
  const matches = (p: GpuProcess): boolean => {
    const device = context.devices.get(p.gpuUuid);
    const text = [p.pid, p.user, p.command, p.executable, p.environment, p.torchVerdict, p.type, device ? `gpu${device.index} ${device.name}` : ''].join(' ').toLowerCase();
    return words.every((w) => text.includes(w));
  };
  const column = processColumns.find((c) => c.id === sorting.id) ?? processColumns[0];
  const rows = processes.filter((p) => (selection.length === 0 || selection.includes(p.gpuUuid)) && matches(p));
  if (!column) return rows;
  return rows.toSorted((a, b) => {
    const order = compareValues(column.sortValue(a, context), column.sortValue(b, context), sorting.descending);
    return order !== 0 ? order : a.pid - b.pid || a.gpuUuid.localeCompare(b.gpuUuid);
  });
}

function compareValues(a: number | string | null, b: number | string | null, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  return descending ? -order : order;
}
