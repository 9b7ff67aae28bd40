import type { Alert } from '../../../contract/alerts.ts';
import type { DeviceSample, GpuProcess, Inventory, TerminatePlan } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Trail } from './trail.ts';

export const sortKeys = ['memory', 'sm', 'gpu', 'pid', 'running'] as const;
export type SortKey = (typeof sortKeys)[number];
export const ranges = [{ ms: 60_000, name: '1 MIN' }, { ms: 300_000, name: '5 MIN' }, { ms: 900_000, name: '15 MIN' }, { ms: 3_600_000, name: '1 H' }] as const;

export type Dialog =
  | { readonly kind: 'help' }
  | { readonly kind: 'confirm'; readonly plan: TerminatePlan; readonly choice: 'keep' | 'end' }
  | { readonly kind: 'message'; readonly level: 'attention' | 'problem'; readonly title: string; readonly text: string };

export interface WatchState {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  readonly hostName: string;
  readonly intervalMs: number;
  readonly connection: 'connecting' | 'live' | 'lost';
  readonly connectionProblem: Problem | null;
  readonly inventory: Inventory | null;
  readonly samples: ReadonlyMap<string, DeviceSample>;
  readonly trails: ReadonlyMap<string, Trail>;
  readonly processes: readonly GpuProcess[];
  readonly alerts: readonly Alert[];
  /** The selected process: `gpuUuid pid`. */
  readonly selected: string | null;
  /** Only this GPU; null for all. */
  readonly onlyUuid: string | null;
  readonly sort: SortKey;
  readonly rangeIndex: number;
  /** When the picture was stopped; null while it moves. */
  readonly pausedAtMs: number | null;
  readonly dialog: Dialog | null;
  /** What just happened, until a time. */
  readonly notice: { readonly text: string; readonly untilMs: number } | null;
}

export function startState(options: Pick<WatchState, 'columns' | 'rows' | 'nowMs' | 'hostName' | 'intervalMs'>): WatchState {
  return {
    ...options, connection: 'connecting', connectionProblem: null, inventory: null, samples: new Map(), trails: new Map(), processes: [], alerts: [],
    selected: null, onlyUuid: null, sort: 'memory', rangeIndex: 1, pausedAtMs: null, dialog: null, notice: null,
  };
}

export const processKey = (process: GpuProcess): string => `${process.gpuUuid} ${String(process.pid)}`;

/** Processes as the table shows them: of the chosen GPU, sorted; equal ones stay in a fixed order. */
export function listProcesses(state: WatchState): readonly GpuProcess[] {
  const index = new Map(state.inventory?.devices.map((d) => [d.uuid, d.index]));
  const largest = (value: number | null): number => (value === null ? Number.POSITIVE_INFINITY : -value);
  const rank: Readonly<Record<SortKey, (p: GpuProcess) => number>> = {
    memory: (p) => largest(p.memUsedBytes), sm: (p) => largest(p.utilSmPercent), gpu: (p) => index.get(p.gpuUuid) ?? 999, pid: (p) => p.pid,
    running: (p) => p.startedAtMs ?? Number.POSITIVE_INFINITY,
  };
  const by = rank[state.sort];
  const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
  return state.processes
    .filter((p) => state.onlyUuid === null || p.gpuUuid === state.onlyUuid)
    .sort((a, b) => compare(by(a), by(b)) || compare(index.get(a.gpuUuid) ?? 999, index.get(b.gpuUuid) ?? 999) || compare(a.pid, b.pid));
}
