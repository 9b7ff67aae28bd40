import { randomBytes } from 'node:crypto';
import type { GpuProcess, TerminatePlan } from '../../../contract/gpu.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

export interface Terminator {
  /** @throws ProblemError `process.not_on_gpu`, `process.gone`, `process.changed`, `process.foreign` */
  plan(wanted: { readonly pid: number; readonly startTicks: string | null; readonly signal: 'TERM' | 'KILL' }, onGpu: readonly GpuProcess[]): TerminatePlan;
  /** @throws ProblemError `process.plan_expired`, `process.gone`, `process.changed`, `process.foreign` */
  apply(planId: string): { pid: number; signalled: boolean };
}

/** A plan counts for so long, and once. */
export const PLAN_MS = 60_000;

/**
 * Ends a process in two steps. Right before the signal its start time is read again: a pid that was used again
 * belongs to somebody else, and nothing is sent.
 */
export function createTerminator(options: { readonly readTicks: (pid: number) => string | null; readonly now?: () => number; readonly kill?: (pid: number, signal: NodeJS.Signals) => void }): Terminator {
  const now = options.now ?? Date.now;
  const kill = options.kill ?? ((pid, signal) => void process.kill(pid, signal));
  const plans = new Map<string, { readonly plan: TerminatePlan; readonly startTicks: string }>();

  return {
    plan(wanted, onGpu) {
      for (const [id, { plan }] of plans) if (plan.expiresAtMs <= now()) plans.delete(id);
      const rows = onGpu.filter((p) => p.pid === wanted.pid);
      const first = rows[0];
      if (first === undefined) throw problemError('process.not_on_gpu', { pid: wanted.pid });
      if (first.identity === 'gone') throw problemError('process.gone', { pid: wanted.pid });
      if (!first.canTerminate || first.startTicks === null) {
        throw problemError('process.foreign', { pid: wanted.pid, why: first.whyNot ?? 'Its identity is not known.', what: first.identity === 'host' ? 'End it on the host.' : 'Ask its owner, or end it from an account that may.' });
      }
      const ticks = options.readTicks(wanted.pid);
      if (ticks === null) throw problemError('process.gone', { pid: wanted.pid });
      if (ticks !== first.startTicks || (wanted.startTicks !== null && wanted.startTicks !== ticks)) throw problemError('process.changed', { pid: wanted.pid });
      const known = rows.map((r) => r.memUsedBytes).filter((b) => b !== null);
      const plan: TerminatePlan = {
        planId: randomBytes(16).toString('hex'), expiresAtMs: now() + PLAN_MS, pid: wanted.pid, startTicks: ticks, user: first.user, command: first.command ?? '', gpus: [...new Set(rows.map((r) => r.gpuUuid))],
        memUsedBytes: known.length === 0 ? null : known.reduce((a, b) => a + b, 0), signal: wanted.signal,
      };
      plans.set(plan.planId, { plan, startTicks: ticks });
      return plan;
    },
    apply(planId) {
      const found = plans.get(planId);
      plans.delete(planId);
      if (found === undefined || found.plan.expiresAtMs <= now()) throw problemError('process.plan_expired');
      const { pid, signal } = found.plan;
      const ticks = options.readTicks(pid);
      if (ticks === null) throw problemError('process.gone', { pid });
      if (ticks !== found.startTicks) throw problemError('process.changed', { pid });
      try {
        kill(pid, signal === 'KILL' ? 'SIGKILL' : 'SIGTERM');
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : null;
        if (code === 'ESRCH') throw problemError('process.gone', { pid }, { cause: error });
        throw problemError('process.foreign', { pid, why: 'The system does not let this user end it.', what: 'End it from an account that may.' }, { cause: error });
      }
      return { pid, signalled: true };
    },
  };
}
