import { setImmediate as yieldToLoop } from 'node:timers/promises';
import type { GpuProcess, ProcessReading, RawProcess, SourceKind, TerminatePlan } from '../../../contract/gpu.ts';
import type { SourceEvent } from '../../../contract/nvml-worker.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { decideIdentity } from './identify-process.ts';
import { createProcessHistory, type ProcessPoint } from './process-history.ts';
import { createProcessReader } from './read-process.ts';
import { createTerminator } from './terminate-process.ts';

export interface ProcessService {
  /** Takes a list as the source gave it. */
  accept(event: Extract<SourceEvent, { type: 'processes' }>): Promise<void>;
  /** Hears of every list, from the last known one on; while anybody watches the source reads it every two seconds. */
  watch(listener: (reading: ProcessReading) => void): () => void;
  /** One list: the last one when it is fresh, else the next one. */
  once(): Promise<ProcessReading>;
  latest(): ProcessReading | null;
  history(pid: number, startTicks: string | null): ProcessPoint[];
  /** @throws ProblemError `gpu.simulated`, `process.*` */
  planTerminate(wanted: { readonly pid: number; readonly startTicks: string | null; readonly signal: 'TERM' | 'KILL' }): Promise<TerminatePlan>;
  /** @throws ProblemError `gpu.simulated`, `process.*` */
  terminate(planId: string): { pid: number; signalled: boolean };
  /** The source changed or stopped: its list says nothing any more. */
  clear(): void;
}

export interface ProcessServiceOptions {
  /** Tests hand in a tree with proc/ and etc/. */
  readonly root?: string;
  readonly now?: () => number;
  readonly platform?: NodeJS.Platform;
  /** `empty`: it says that there is nothing to read; nobody waits for its list. */
  readonly source: () => { readonly kind: SourceKind; readonly simulated: boolean; readonly empty?: boolean };
  /** Tells the source whether to read the process list. */
  readonly setWanted: (wanted: boolean) => void;
  readonly kill?: (pid: number, signal: NodeJS.Signals) => void;
}

const FRESH_MS = 2500;
/** A source that does not give a list in this time has none. */
const WAIT_MS = 4000;
/** Processes looked up before the event loop gets its turn. */
const CHUNK = 128;

/** Processes on the GPUs with who they are on this machine. */
export function createProcessService(options: ProcessServiceOptions): ProcessService {
  const now = options.now ?? Date.now;
  const reader = createProcessReader({ root: options.root ?? '/' });
  const platform = options.platform ?? process.platform;
  const history = createProcessHistory();
  const listeners = new Set<(reading: ProcessReading) => void>();
  const terminator = createTerminator({ readTicks: (pid) => reader.readTicks(pid), now, ...(options.kill === undefined ? {} : { kill: options.kill }) });
  let latest: ProcessReading | null = null;
  let generation = 0;

  function isHidden(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  }

  function identify(raw: RawProcess, simulated: boolean): GpuProcess {
    const look = !simulated && platform === 'linux';
    const facts = look ? reader.read(raw.pid) : null;
    return decideIdentity(raw, {
      facts, simulated, platform, userName: facts === null ? null : reader.userName(facts.uid), initialNamespace: reader.initialNamespace,
      holdsGpu: look && !reader.initialNamespace && facts !== null && reader.holdsGpu(raw.pid),
      hidden: look && facts === null && reader.initialNamespace && isHidden(raw.pid), ownUid: process.getuid?.() ?? null, ownPid: process.pid,
    });
  }

  /** Sources that never give a list: nobody waits for them. */
  function withoutList(): ProcessReading | null {
    const { kind, empty = false } = options.source();
    if (kind !== 'smi' && kind !== 'none' && !empty) return null;
    return emptyReading(kind === 'smi' ? 'nvidia-smi is read for devices only; the driver library would list processes.' : 'There are no devices.');
  }
  const emptyReading = (text: string): ProcessReading => ({ atMs: now(), processes: [], notReported: { processes: { code: 'source', text } } });

  function watch(listener: (reading: ProcessReading) => void): () => void {
    const own = (reading: ProcessReading): void => listener(reading);
    listeners.add(own);
    if (listeners.size === 1) options.setWanted(true);
    const known = withoutList() ?? (latest !== null && now() - latest.atMs < FRESH_MS ? latest : null);
    if (known !== null) own(known);
    return () => {
      if (listeners.delete(own) && listeners.size === 0) options.setWanted(false);
    };
  }

  async function once(): Promise<ProcessReading> {
    const known = withoutList() ?? (latest !== null && now() - latest.atMs < FRESH_MS ? latest : null);
    if (known !== null) return known;
    return new Promise<ProcessReading>((resolve) => {
      // A source may answer while it is asked, before `watch` has returned.
      let stop: (() => void) | null = null;
      let finished = false;
      const finish = (reading: ProcessReading): void => {
        finished = true;
        clearTimeout(timer);
        stop?.();
        resolve(reading);
      };
      const timer = setTimeout(() => finish(emptyReading('The source gave no list of processes.')), WAIT_MS);
      stop = watch((reading) => finish(reading));
      if (finished) stop();
    });
  }

  function refuseSimulated(operation: string): void {
    const { kind, simulated } = options.source();
    if (simulated) throw problemError('gpu.simulated', { operation, source: kind === 'replay' ? 'a recording' : 'a simulation' });
  }

  return {
    async accept(event) {
      const mine = (generation += 1);
      const { simulated } = options.source();
      const processes: GpuProcess[] = [];
      for (let at = 0; at < event.processes.length; at += CHUNK) {
        if (at > 0) await yieldToLoop();
        if (mine !== generation) return;
        for (const raw of event.processes.slice(at, at + CHUNK)) processes.push(identify(raw, simulated));
      }
      latest = { atMs: event.atMs, processes, notReported: event.notReported };
      history.add(event.atMs, processes);
      for (const listener of [...listeners]) listener(latest);
    },
    watch,
    once,
    latest: () => latest,
    history: (pid, startTicks) => history.read(pid, startTicks),
    async planTerminate(wanted) {
      refuseSimulated('Ending a process');
      return terminator.plan(wanted, (await once()).processes);
    },
    terminate(planId) {
      refuseSimulated('Ending a process');
      return terminator.apply(planId);
    },
    clear() {
      generation += 1;
      latest = null;
    },
  };
}
