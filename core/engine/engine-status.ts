import type { EngineStatus, WorkerStatus } from '../../contract/system.ts';
import type { Problem } from '../../contract/problem.ts';
import { readProcessCpuSeconds, readProcessRssBytes } from '../system/process-usage.ts';
import type { Gauge } from './gauge.ts';

export interface StatusParts {
  readonly faces: () => number;
  readonly jobsRunning: () => number;
  readonly workers: () => readonly WorkerStatus[];
  readonly web: () => EngineStatus['web'];
  readonly history: () => EngineStatus['history'];
  readonly notices: () => readonly Problem[];
}

const PERIOD_MS = 1000;

/**
 * Publishes the engine's own load once a second, but only while somebody listens: reading /proc for nobody would be
 * load of its own. CPU is user + system time of the engine and its workers since the last status, in percent of one core.
 */
export function watchEngineStatus(gauge: Gauge<EngineStatus>, parts: StatusParts): () => void {
  let before: { atMs: number; cpuSeconds: number } | null = null;
  const read = (): void => {
    const workers = parts.workers();
    const own = process.cpuUsage();
    let cpuSeconds = (own.user + own.system) / 1e6;
    let rssBytes = process.memoryUsage.rss();
    for (const w of workers) {
      if (w.pid === null) continue;
      cpuSeconds += readProcessCpuSeconds(w.pid) ?? 0;
      rssBytes += readProcessRssBytes(w.pid) ?? 0;
    }
    const atMs = performance.now();
    // A worker that was replaced takes its seconds with it: the difference is not negative load.
    const cpuPercent = before ? Math.max(0, ((cpuSeconds - before.cpuSeconds) / ((atMs - before.atMs) / 1000)) * 100) : 0;
    before = { atMs, cpuSeconds };
    gauge.publish({
      atMs: Date.now(), cpuPercent, rssBytes, faces: parts.faces(), jobsRunning: parts.jobsRunning(), workers: [...workers], web: parts.web(), history: parts.history(), notices: [...parts.notices()],
    });
  };
  read();
  const timer = setInterval(() => { if (parts.faces() > 0) read(); }, PERIOD_MS);
  timer.unref();
  return () => { clearInterval(timer); };
}
