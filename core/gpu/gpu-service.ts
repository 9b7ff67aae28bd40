import type { GpuFrame, GpuStreamItem, Inventory } from '../../contract/gpu.ts';
import type { SourceEvent } from '../../contract/nvml-worker.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import type { SimulatedFault } from '../../contract/system.ts';
import type { Logger } from '../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../supervisor/supervisor.ts';
import { decideDriverProblem, listFindings, readDriverFacts, readMachineFacts } from './diagnose-driver.ts';
import { createListeners } from './create-listeners.ts';
import { createLatestSamples, type LatestSample } from './latest-samples.ts';
import { createProcessService, type ProcessService } from './processes/process-service.ts';
import { decideSource, formatSourceSpec, parseSourceSpec, readHardwareFacts } from './sources/choose-source.ts';
import { createSource } from './sources/create-source.ts';
import type { GpuSource } from './sources/gpu-source.ts';
import { createSmiSource, type SmiOptions } from './sources/smi-source.ts';
import { canSmiAnswer } from './try-smi.ts';

export interface GpuServiceOptions {
  /** As given to --gpus or WARPDECK_GPUS; null: chosen by what is in the machine. @throws `gpu.unknown_source` */
  readonly spec: string | null;
  readonly supervisor: Supervisor;
  readonly log: Logger;
  /** Every frame, before the subscribers: history and alerts. */
  readonly onFrame?: (frame: GpuFrame) => void;
  readonly now?: () => number;
  /** Where /proc, /sys, /dev, /usr are looked for; tests hand in a tree. */
  readonly root?: string;
  readonly platform?: NodeJS.Platform;
  readonly seed?: number;
  /** Simulated or recorded seconds per second. */
  readonly speed?: number;
  /** Where a simulated driver keeps what it is told; left out: it can be told nothing. */
  readonly driverFolder?: string;
  /** Readings a second while nobody watches. Default 1. */
  readonly baseRateHz?: number;
  /** Tests: another worker, another nvidia-smi. */
  readonly worker?: Partial<WorkerDescription>;
  readonly smi?: Partial<Pick<SmiOptions, 'program' | 'env' | 'idleTimeoutMs' | 'backoff'>>;
  /** Between two looks for a driver that does not answer. Default 30 s. */
  readonly recheckMs?: number;
}

export interface GpuService {
  start(): void;
  stop(): Promise<void>;
  list(): Inventory;
  onInventory(listener: (inventory: Inventory) => void): () => void;
  readonly frames: { subscribe(listener: (item: GpuStreamItem) => void): () => void };
  /** What the source says, unaltered and in order: for recordings. */
  onSourceEvent(listener: (event: SourceEvent) => void): () => void;
  /** Somebody watches at this rate until the returned function is called. */
  watch(rateHz: number): () => void;
  readonly processes: ProcessService;
  /** The newest reading of each tier by UUID, with when it was made. */
  latest(): ReadonlyMap<string, LatestSample>;
  /** Looks for driver and devices again now; answers when the source has spoken, or after 3 s. */
  refresh(): Promise<Inventory>;
  /** @throws ProblemError `gpu.simulated` where there is no simulation */
  fault(fault: SimulatedFault): void;
  /** True when --gpus was given: simulated devices then count for alerts and metrics. */
  readonly explicit: boolean;
  /** What is worth a line under the window: a cut-off recording, nvidia-smi in place of the library. */
  notices(): readonly Problem[];
}

/** Without a frame for so many periods (and at least this long) readings have stopped. */
const SILENT_PERIODS = 5;
const SILENT_MS = 3000;
/** NVML answers that speak of the library, not of the driver: nvidia-smi may still work. */
const libraryCodes: ReadonlySet<string> = new Set(['gpu.library_broken', 'gpu.no_driver']);
/** Problems whose cause is looked for on this machine. */
const driverCodes: ReadonlySet<string> = new Set(['gpu.driver_error', 'gpu.no_driver', 'gpu.library_broken', 'gpu.module_not_loaded', 'gpu.version_mismatch', 'gpu.no_permission', 'gpu.container', 'gpu.none']);

/** Owns the source of readings: who is asked, how often, what is wrong with it, who hears of it. */
export function createGpuService(options: GpuServiceOptions): GpuService {
  const { supervisor, onFrame } = options;
  const log = options.log.child('gpu');
  const now = options.now ?? Date.now;
  const place = { ...(options.root === undefined ? {} : { root: options.root }), ...(options.platform === undefined ? {} : { platform: options.platform }) };
  const chosen = decideSource(parseSourceSpec(options.spec), readHardwareFacts(place));
  const machine = readMachineFacts(place);
  const simulated = chosen.spec.kind === 'simulate' || chosen.spec.kind === 'replay';

  const inventories = createListeners<Inventory>();
  const items = createListeners<GpuStreamItem>();
  const events = createListeners<SourceEvent>();
  const watchers = new Set<{ readonly rateHz: number }>();
  const latest = createLatestSamples();
  const baseRateHz = options.baseRateHz ?? 1;
  let demand = { rateHz: baseRateHz, processes: false };
  let primary: GpuSource | null = null;
  /** nvidia-smi in place of the library, while the library cannot be loaded. */
  let fallback: GpuSource | null = null;
  let tryingFallback = false;
  let stopped = false;
  let lastFrameMs: number | null = null;
  let inGap = false;
  let notice: Problem | null = null;
  /** It crashed again and again: tried anew when somebody asks, not by the clock. */
  let workerFailed = false;
  let recheck: NodeJS.Timeout | null = null;
  let silence: NodeJS.Timeout | null = null;

  let inventory: Inventory = {
    revision: 0, atMs: now(), source: chosen.spec.kind, sourceSpec: formatSourceSpec(chosen.spec), simulated, state: 'starting', problem: null,
    driver: { driverVersion: null, cudaVersion: null, nvmlVersion: null, libraryPath: null }, devices: [], provenance: null, findings: [], rateHz: baseRateHz, rateNote: null, inContainer: machine.inContainer,
  };

  const processes = createProcessService({
    ...place, now, source: () => ({ kind: inventory.source, simulated, empty: inventory.state === 'problem' && inventory.devices.length === 0 }),
    setWanted(wanted) { demand = { ...demand, processes: wanted }; pushDemand(); },
  });

  function change(part: Partial<Inventory>): void {
    const keys = Object.keys(part) as (keyof Inventory)[];
    if (keys.every((k) => JSON.stringify(inventory[k]) === JSON.stringify(part[k]))) return;
    inventory = { ...inventory, ...part, revision: inventory.revision + 1, atMs: now() };
    inventories.tell(inventory);
  }

  function gap(atMs: number, reason: string): void {
    if (inGap) return;
    inGap = true;
    items.tell({ type: 'gap', atMs, reason });
  }

  function pushDemand(): void {
    let rateHz = watchers.size === 0 ? baseRateHz : 0.1;
    for (const w of watchers) rateHz = Math.max(rateHz, w.rateHz);
    demand = { ...demand, rateHz: Math.min(10, Math.max(baseRateHz, rateHz)) };
    primary?.setDemand(demand);
    fallback?.setDemand(demand);
  }

  /** The driver's trouble in words of this machine, with what was looked at. */
  function diagnose(problem: Problem): void {
    if (simulated || !driverCodes.has(problem.code)) {
      change({ state: 'problem', problem });
      if (problem.code === 'worker.failed') {
        workerFailed = true;
        if (chosen.spec.kind === 'nvml' && !chosen.explicit) void tryFallback(problem);
      }
      return;
    }
    const facts = readDriverFacts(place);
    const code = typeof problem.facts['code'] === 'number' ? problem.facts['code'] : problem.code === 'gpu.version_mismatch' ? 18 : problem.code === 'gpu.no_permission' ? 4 : problem.code === 'gpu.module_not_loaded' ? 9 : problem.code === 'gpu.driver_error' ? 999 : null;
    // The worker knows best what the loader said of a library that is there; all else is told by the machine.
    const own = problem.code === 'gpu.library_broken' && facts.libraryPath !== null ? null : decideDriverProblem(facts, code);
    const better = own !== null && (own.code !== problem.code || Object.values(problem.facts).includes(null));
    change({ state: 'problem', problem: better ? own : problem, findings: listFindings(facts, code) });
    if (chosen.spec.kind === 'nvml' && !chosen.explicit && libraryCodes.has(problem.code)) void tryFallback(problem);
  }

  async function tryFallback(problem: Problem): Promise<void> {
    if (fallback !== null || tryingFallback || stopped) return;
    tryingFallback = true;
    const works = await canSmiAnswer(supervisor, options.smi?.program ?? 'nvidia-smi', options.smi?.env ?? {});
    tryingFallback = false;
    if (!works || stopped || fallback !== null || inventory.state !== 'problem') return;
    notice = makeProblem('gpu.smi_only', { detail: problem.cause });
    log.warn('readings come from nvidia-smi', { because: problem.code });
    change({ source: 'smi', rateNote: notice.cause });
    const source = createSmiSource({ supervisor, emit: (event) => { if (fallback === source) accept(event); }, now, ...options.smi });
    fallback = source;
    source.start();
  }

  function dropFallback(): void {
    const source = fallback;
    if (source === null) return;
    fallback = null;
    notice = null;
    void source.stop();
    log.info('the driver library answers again');
    change({ source: chosen.spec.kind, rateNote: null, rateHz: demand.rateHz });
  }

  function accept(event: SourceEvent): void {
    if (stopped) return;
    events.tell(event);
    if (event.type === 'frame') {
      lastFrameMs = now();
      inGap = false;
      latest.add(event.frame);
      if (inventory.state === 'starting') change({ state: 'ok' });
      onFrame?.(event.frame);
      items.tell({ type: 'frame', frame: event.frame });
    } else if (event.type === 'devices') {
      latest.keepOnly(event.devices);
      change({ devices: event.devices, driver: event.driver, provenance: primary?.provenance ?? null, state: 'ok', problem: null, findings: [] });
    } else if (event.type === 'processes') {
      processes.accept(event).catch((error: unknown) => log.error('the process list could not be looked up', { error: String(error) }));
    } else if (event.type === 'problem') {
      if (event.problem === null) change({ state: 'ok', problem: null, findings: [] });
      else {
        gap(now(), event.problem.title);
        processes.clear();
        diagnose(event.problem);
      }
    } else if (event.type === 'rate') {
      // What is wrong with the source itself (nvidia-smi in place of the library, a cut-off recording) comes first.
      change({ rateHz: event.rateHz, rateNote: notice?.cause ?? event.note });
    }
  }

  /** What the library says while nvidia-smi stands in for it: only that it is back counts. */
  function acceptPrimary(event: SourceEvent): void {
    if (fallback !== null) {
      if (event.type === 'devices' || event.type === 'frame') dropFallback();
      else return;
    }
    accept(event);
  }

  function lookForSilence(): void {
    const limit = Math.max(SILENT_MS, (SILENT_PERIODS * 1000) / Math.max(0.1, inventory.rateHz));
    if (lastFrameMs !== null && now() - lastFrameMs > limit) gap(lastFrameMs, 'No readings came.');
  }

  return {
    explicit: chosen.explicit,
    processes,
    list: () => inventory,
    latest: () => latest.byUuid,
    notices: () => (notice === null ? [] : [notice]),
    onInventory: (listener) => inventories.add(listener),
    onSourceEvent: (listener) => events.add(listener),
    frames: { subscribe: (listener) => items.add(listener) },
    watch(rateHz) {
      const watcher = { rateHz: Math.min(10, Math.max(0.1, rateHz)) };
      watchers.add(watcher);
      pushDemand();
      return () => { if (watchers.delete(watcher)) pushDemand(); };
    },
    start() {
      if (primary !== null) return;
      log.info('source chosen', { spec: inventory.sourceSpec, explicit: chosen.explicit });
      primary = createSource(chosen.spec, acceptPrimary, { ...options, log, now, onGap: gap, onNotice: (problem) => { notice = problem; } });
      primary.setDemand(demand);
      primary.start();
      recheck = setInterval(() => { if (!workerFailed && (inventory.state === 'problem' || fallback !== null)) primary?.refresh(); }, options.recheckMs ?? 30_000);
      silence = setInterval(lookForSilence, 500);
      recheck.unref();
      silence.unref();
    },
    async refresh() {
      const before = inventory.revision;
      workerFailed = false;
      let stopListening = (): void => undefined;
      const spoken = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 3000);
        const listener = (event: SourceEvent): void => {
          if (event.type !== 'devices' && event.type !== 'problem') return;
          clearTimeout(timer);
          resolve();
        };
        const remove = events.add(listener);
        stopListening = () => { clearTimeout(timer); remove(); };
      });
      primary?.refresh();
      fallback?.refresh();
      await spoken;
      stopListening();
      if (inventory.revision === before) inventory = { ...inventory, atMs: now() };
      return inventory;
    },
    fault(fault) {
      if (primary?.fault === undefined) throw problemError('gpu.simulated', { operation: 'A simulated fault', source: `a real source (${inventory.source}); start with --gpus simulate` });
      primary.fault(fault);
    },
    async stop() {
      stopped = true;
      if (recheck !== null) clearInterval(recheck);
      if (silence !== null) clearInterval(silence);
      change({ state: 'stopped' });
      await Promise.all([primary?.stop(), fallback?.stop()]);
    },
  };
}
