import type { GpuProcess } from '../../../contract/gpu.ts';

export interface ProcessPoint {
  readonly atMs: number;
  readonly gpuUuid: string;
  readonly memUsedBytes: number | null;
  readonly utilSmPercent: number | null;
}

export interface ProcessHistory {
  add(atMs: number, processes: readonly GpuProcess[]): void;
  /** Points of one process, oldest first. `startTicks` null: whoever has the pid now. */
  read(pid: number, startTicks: string | null): ProcessPoint[];
}

/** Ten minutes at a reading every two seconds. */
const KEPT_MS = 600_000;
/** So many processes at most are kept; the longest gone go first. */
const MAX_SERIES = 4096;

/** Memory and SM use of each process while the list was watched. In memory only. */
export function createProcessHistory(): ProcessHistory {
  const series = new Map<string, ProcessPoint[]>();
  const newest = new Map<number, string>();
  return {
    add(atMs, processes) {
      for (const p of processes) {
        const key = `${p.pid}:${p.startTicks ?? p.startedAtMs ?? ''}`;
        const points = series.get(key) ?? [];
        points.push({ atMs, gpuUuid: p.gpuUuid, memUsedBytes: p.memUsedBytes, utilSmPercent: p.utilSmPercent });
        while ((points[0]?.atMs ?? atMs) < atMs - KEPT_MS) points.shift();
        // Put at the end: a Map keeps the order of insertion, so the first is the one longest not seen.
        series.delete(key);
        series.set(key, points);
        newest.set(p.pid, key);
      }
      for (const [key, points] of series) {
        const stale = (points.at(-1)?.atMs ?? 0) < atMs - KEPT_MS;
        if (!stale && series.size <= MAX_SERIES) break;
        series.delete(key);
        const pid = Number(key.slice(0, key.indexOf(':')));
        if (newest.get(pid) === key) newest.delete(pid);
      }
    },
    read(pid, startTicks) {
      const key = startTicks === null ? newest.get(pid) : `${pid}:${startTicks}`;
      return [...(series.get(key ?? '') ?? [])];
    },
  };
}
