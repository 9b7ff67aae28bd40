import type { Job, JobLogLine } from '../../contract/jobs.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { Logger } from '../logging/logger.ts';
export interface JobContext { signal: AbortSignal; progress(p: { fraction: number | null; doing?: string }): void; log(text: string): void }
export function createJobs(_options: { folder: string | null; log: Logger }) {
  const jobs = new Map<string, Job>(); const aborts = new Map<string, AbortController>(); const ls = new Set<() => void>();
  const put = (j: Job): Job => { jobs.set(j.id, j); for (const l of ls) l(); return j; };
  const get = (id: string): Job => { const j = jobs.get(id); if (!j) throw problemError('job.not_found', { id }); return j; };
  return {
    load: async () => undefined, list: () => [...jobs.values()], get, onChange: (l: () => void) => { ls.add(l); return () => ls.delete(l); },
    runningCount: () => [...jobs.values()].filter((j) => j.state === 'running').length, stopAll: async () => { for (const a of aborts.values()) a.abort(); },
    cancel: async (id: string) => { aborts.get(id)?.abort(); return get(id); },
    async *attach(_id: string, _signal?: AbortSignal): AsyncGenerator<JobLogLine> { /* temporary */ },
    start(spec: { kind: Job['kind']; title: string }, run: (c: JobContext) => Promise<Job['result']>): Job {
      const id = `j${String(jobs.size + 1)}`; const abort = new AbortController(); aborts.set(id, abort);
      const job = put({ id, ...spec, state: 'running', startedAtMs: Date.now(), endedAtMs: null, progress: 0, doing: null, secondsLeft: null, result: null, problem: null });
      void run({ signal: abort.signal, progress: (p) => put({ ...get(id), progress: p.fraction, doing: p.doing ?? null }), log: () => undefined }).then((result) => put({ ...get(id), state: 'done', endedAtMs: Date.now(), result, progress: 1 }), () => put({ ...get(id), state: 'failed', endedAtMs: Date.now() }));
      return job;
    },
  };
}
