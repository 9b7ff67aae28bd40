/**
 * Puts the environments' parts together: probe, verdict, advice, proof, drift, transactions. `app.ts` hands in what is
 * of other areas.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LibraryReply } from '../../contract/environment-probe.ts';
import type { Alert } from '../../contract/alerts.ts';
import type { GpuProcess, Inventory } from '../../contract/gpu.ts';
import type { ReadinessLine } from '../../contract/system.ts';
import type { Settings } from '../../contract/settings.ts';
import type { Advice, Route } from '../../contract/upgrades.ts';
import { proofStepName, type EnvironmentReport, type GpuTarget, type Proof, type ProofStepName } from '../../contract/verdict.ts';
import type { UpgradeServices } from '../engine/services.ts';
import type { JobContext, Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import { runTool } from '../supervisor/run-tool.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { readAdviceTables, type AdviceTables } from './advice/advice-tables.ts';
import { decideAdvice } from './advice/decide-advice.ts';
import { decideWishedRoute } from './advice/decide-wished-route.ts';
import type { AdviceInput } from './advice/list-routes.ts';
import { createEnvironments, type Environments } from './create-environments.ts';
import { createUpgradeService } from './create-upgrade-service.ts';
import { alertOfDrift } from './drift-alerts.ts';
import { createDriftWatch } from './drift/create-drift-watch.ts';
import { askIndex, type IndexAnswer, type IndexQuestion } from './install/index-http.ts';
import { createIndexCheck } from './install/index-reachable.ts';
import { findTools, type FoundTools } from './install/find-tools.ts';
import { readIndexAccess } from './install/index-access.ts';
import type { IndexAccess } from './install/install-tool.ts';
import { DEFAULT_LIMITS } from './install/run-tool-step.ts';
import { createEnvironmentProbe } from './probe/environment-probe.ts';
import { decideProcessEnvironment, findUsers } from './probe/find-users.ts';
import type { PythonProcess } from './probe/python-process.ts';
import { readPythonProcesses } from './probe/python-processes.ts';
import { createProofStore } from './proof/create-proof-store.ts';
import { proveEnvironment } from './proof/prove-environment.ts';
import { verifyImport } from './proof/verify-import.ts';
import { runScript, type RunScript } from './python/run-script.ts';
import { runSmoke } from './run-smoke.ts';
import { decideDriverFacts, type Machine } from './targets.ts';
import { createUpgrades } from './upgrade/create-upgrades.ts';
import { parseCapability } from './verdict/architecture-rules.ts';
import { judgeKernels } from './verdict/kernel-rules.ts';
import { summariseVerdicts } from './verdict/summarise-verdicts.ts';

export interface AssembleOptions {
  readonly root: string;
  readonly resources: string;
  /** Nothing is kept on disk, and nothing is watched. */
  readonly ephemeral: boolean;
  readonly machine: Machine;
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly log: Logger;
  readonly settings: () => Settings['environments'];
  readonly setFolders: (folders: readonly string[]) => Promise<void>;
  readonly inventory: () => Inventory;
  readonly devicesCount: () => boolean;
  /** Processes that the driver last named. */
  readonly gpuProcesses: () => readonly GpuProcess[];
  /** Programs that an earlier engine left have ended. */
  readonly programsEnded: () => Promise<unknown>;
}

type JudgeCode = (code: Readonly<LibraryReply['census']['code']>, computeCapability: string) => Promise<{ state: 'native' | 'jit' | 'ptx_too_new' | 'ptx_unknown' | 'missing' | 'unknown'; by: string | null; needCuda: string | null }>;

export interface AssembledEnvironments {
  readonly services: Environments;
  readonly upgrades: UpgradeServices;
  /** Recovers what a crash left, loads what is stored. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): ReadinessLine | null;
  driftAlerts(): readonly Alert[];
  /** Drift or verdicts changed. */
  onChange(listener: () => void): () => void;
  /** Fills environment and verdict of GPU processes. */
  annotate(processes: readonly GpuProcess[]): Promise<GpuProcess[]>;
  /** Where packages lie, for whoever looks for libraries in them. */
  packagePlaces(): { prefix: string; sitePackages: readonly string[] }[];
  /** How this user gets packages: the indexes, and what can fetch from them. */
  readonly packageTools: { access(): IndexAccess; uv(): Promise<string | null>; pythons(): Promise<string[]>; /** One GET at an index, for whoever has neither pip nor uv. */ ask(question: IndexQuestion): Promise<IndexAnswer> };
  /** Device code and needs of a shared library, read by the worker. */
  readLibrary(path: string): Promise<LibraryReply>;
  /** What this device code is for a GPU with this machine's driver. */
  judgeCode: JudgeCode;
  /** For /metrics: name and short id, never the path. */
  verdicts(): { environment: string; gpu: string; verdict: string }[];
}

/** Enough to know that a GPU computes; the rest is `doctor --deep`. */
const QUICK_STEPS: readonly ProofStepName[] = ['import', 'context', 'allocate', 'matmul_fp32', 'matmul_fp16', 'matmul_bf16', 'convolution', 'attention_math'];
/** A list of processes is taken again after this long, ms: reading it costs a walk through /proc. */
const PROCESSES_FRESH_MS = 5000;

export function assembleEnvironments(options: AssembleOptions): AssembledEnvironments {
  const { supervisor, jobs, root, machine } = options;
  const log = options.log;
  const probe = createEnvironmentProbe({ supervisor, log, runTool });
  const runPython: RunScript = (script) => runScript({ ...script, supervisor });
  const proofs = createProofStore({ folder: join(root, 'proofs') });
  const upgrades = createUpgrades({ dataFolder: join(root, 'upgrades'), log, processesEnded: options.programsEnded });
  const drift = createDriftWatch({
    folder: root, log,
    isOurs: (environmentId, sinceMs) => upgrades.list().some((u) => u.environmentId === environmentId && (u.state === 'running' || (u.endedAtMs ?? 0) >= sinceMs)),
    // The newest change that ended in the state that was there before the drift.
    findWayBack: () => null,
  });
  let tables: Promise<AdviceTables> | null = null;
  const getTables = (): Promise<AdviceTables> => (tables ??= readAdviceTables(options.resources));
  let tools: Promise<FoundTools> | null = null;
  const getTools = async (): Promise<FoundTools> => {
    const workFolder = join(root, 'upgrades', 'work');
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    return (tools = findTools({ env: process.env, surroundings: { runProgram: (o) => supervisor.runProgram(o), workFolder, limits: DEFAULT_LIMITS } }));
  };
  const access = (): ReturnType<typeof readIndexAccess> => readIndexAccess(process.env, options.settings());
  const indexReachable = createIndexCheck(access);
  const known = async (): Promise<FoundTools> => tools ?? getTools();

  let processes: { readonly atMs: number; readonly list: Promise<readonly PythonProcess[]> } | null = null;
  const pythonProcesses = (): Promise<readonly PythonProcess[]> => {
    if (processes === null || Date.now() - processes.atMs > PROCESSES_FRESH_MS) processes = { atMs: Date.now(), list: readPythonProcesses().catch(() => []) };
    return processes.list;
  };

  const adviceInput = async (report: EnvironmentReport | null, targets: readonly GpuTarget[], driver: AdviceInput['driver'], t: AdviceTables, torchIndexReachable: boolean | null): Promise<AdviceInput> => {
    const { programs } = await known();
    const project = report?.environment.projectFolder ?? null;
    const uvLock = project !== null && (await lstat(join(project, 'uv.lock')).then((file) => file.isFile(), () => false));
    return {
      found: report?.environment ?? null, xray: report?.xray ?? null, cells: report?.cells ?? [], targets, driver, tables: t, torchIndexUrl: access().torchIndexUrl, torchIndexReachable, uvLock,
      tools: { docker: programs.docker !== undefined, uv: programs.uv !== undefined, conda: (programs.conda ?? programs.mamba ?? programs.micromamba) !== undefined },
    };
  };

  const prove = async (report: EnvironmentReport, targets: readonly GpuTarget[], driverVersion: string | null, steps: readonly string[] | null, job: Pick<JobContext, 'signal' | 'progress' | 'log'>): Promise<readonly Proof[]> => {
    const made = await proveEnvironment({
      environment: report.environment, targets: targets.filter((t) => t.source === 'driver'), predicted: (key) => report.cells.find((c) => c.gpuKey === key)?.verdict ?? report.worst,
      torchVersion: report.xray?.torch?.version ?? null, driverVersion, steps: steps === null ? null : proofStepName.array().parse([...steps]), runScript: runPython, context: job,
    });
    await proofs.add(made);
    return made;
  };
  const hardware = (): boolean => !options.inventory().simulated && options.devicesCount();

  const services = createEnvironments({
    probe, machine, jobs, log,
    tables: getTables,
    inventory: options.inventory,
    devicesCount: options.devicesCount,
    folders: () => options.settings().folders,
    setFolders: options.setFolders,
    processes: {
      interpreters: async () => [...new Set((await pythonProcesses()).flatMap((p) => (p.executable === null ? [] : [p.executable])))],
      async users(environments) {
        // The list may be some seconds old: who has ended meanwhile uses nothing, our own pip the least.
        const list = (await pythonProcesses()).filter((p) => isRunning(p.pid));
        const onGpu = new Set(options.gpuProcesses().map((p) => p.pid));
        return new Map(environments.map((e) => [e.id, findUsers(e, list).map((p) => ({ pid: p.pid, command: p.command, user: p.user, sinceMs: p.startedAtMs, onGpu: onGpu.has(p.pid) }))]));
      },
    },
    proofs,
    prove: (report, targets, driverVersion, steps, job) => prove(report, hardware() ? targets : [], driverVersion, steps, job),
    drift: {
      list: () => drift.list(),
      see: (id) => { drift.see(id); },
      onChange: (listener) => drift.onChange(listener),
      look: (reports) => { if (!options.ephemeral && options.settings().watch) void drift.look(reports); },
    },
    advise: async (report, targets, driver, _, reachable): Promise<Advice> => decideAdvice(await adviceInput(report, targets, driver, await getTables(), reachable)),
    watch: (environments) => { if (!options.ephemeral && options.settings().watch) probe.watch(environments.map((e) => ({ id: e.id, folders: e.packageFolders.filter((f) => f.startsWith(e.prefix)) }))); },
  });
  probe.onChanged((event) => {
    const places = services.reports().map((r) => r.environment).filter((e) => event.ids.includes(e.id));
    void drift.noteChange(places).then(() => services.reread(event.ids)).catch((error: unknown) => { log.warn('a changed environment could not be read', { error: String(error) }); });
  });

  const upgradeServices = createUpgradeService({
    environments: services, upgrades, jobs, log, dataFolder: join(root, 'upgrades'),
    tools: getTools,
    access,
    indexReachable,
    routeFor: async (text, report, advice): Promise<Route | null> => {
      const input = await adviceInput(report, advice.targets, advice.driver, await getTables(), await indexReachable(new AbortController().signal));
      return decideWishedRoute(text, input);
    },
    verifyImport: (report, signal, tell) => verifyImport({ environment: report.environment, runScript: runPython, signal, log: tell }),
    proveQuickly: async (report, signal, tell) => {
      if (!hardware()) return [];
      const targets = (await services.judge({ for: [], driver: null, env: report.environment.prefix })).targets;
      return targets.length === 0 ? [] : prove(report, targets, options.inventory().driver.driverVersion, QUICK_STEPS, { signal, log: tell, progress: () => undefined });
    },
    runSmoke: (command, report, signal, tell) => runSmoke({ supervisor, command, environment: report.environment, signal, log: tell }),
  });

  const listeners = new Set<() => void>();
  const tell = (): void => { for (const listener of [...listeners]) listener(); };
  services.onChange(tell);
  drift.onChange(tell);

  const judgeCode: JudgeCode = async (code, computeCapability) => {
    const gpu = parseCapability(computeCapability);
    if (gpu === null) return { state: 'unknown', by: null, needCuda: null };
    const isa = new Map(code.flatMap((c) => (c.ptxIsa === null ? [] : [[c.arch, c.ptxIsa] as const])));
    const driver = decideDriverFacts(options.inventory(), options.devicesCount(), null, machine);
    const { state, by, needCuda } = judgeKernels(code.map((c) => c.arch), isa, null, gpu, driver, await getTables());
    return { state, by, needCuda };
  };

  return {
    services,
    packagePlaces: () => services.reports().map(({ environment }) => ({ prefix: environment.prefix, sitePackages: environment.packageFolders })),
    readLibrary: (path) => probe.library(path),
    packageTools: {
      access,
      ask: (question) => askIndex(question, access()),
      uv: async () => (await known()).programs.uv?.path ?? null,
      // Environments that brought pip, then whatever the system calls Python.
      pythons: () => Promise.resolve([...services.reports().flatMap(({ environment, xray }) => (environment.python.path !== null && xray?.packages.some((p) => p.name === 'pip') ? [environment.python.path] : [])), 'python3']),
    },
    judgeCode,
    upgrades: upgradeServices,
    async start() {
      if (options.ephemeral) return;
      const unreadable = await proofs.load();
      if (unreadable.length > 0) log.warn('proofs could not be read', { files: unreadable.join(', ') });
      await drift.load();
      for (const recovered of await upgrades.recover()) log.warn('an interrupted upgrade was settled', { id: recovered.id, state: recovered.state });
      await upgrades.prune(options.settings().keepSnapshotDays);
    },
    stop: () => probe.stop(),
    readiness: () => {
      const matrix = services.gauge.get();
      return matrix === undefined || matrix === null || matrix.state === 'never' || matrix.targets.length === 0 ? null : summariseVerdicts(services.reports(), matrix.targets);
    },
    driftAlerts: () => drift.list().filter((d) => !d.seen).map(alertOfDrift),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async annotate(list) {
      const reports = services.reports();
      if (reports.length === 0 || list.length === 0) return [...list];
      const running = new Map((await pythonProcesses()).map((p) => [p.pid, p]));
      return list.map((process) => {
        const python = process.identity === 'local' ? running.get(process.pid) : undefined;
        const id = python === undefined ? null : decideProcessEnvironment(python, reports.map((r) => r.environment));
        const report = reports.find((r) => r.environment.id === id);
        if (report === undefined) return process;
        const cell = report.cells.find((c) => c.gpuKey === process.gpuUuid);
        const torch = report.xray?.torch?.version ?? null;
        return { ...process, environment: torch === null ? report.environment.name : `${report.environment.name} (torch ${torch})`, torchVerdict: cell?.verdict ?? null };
      });
    },
    verdicts: () => services.reports().flatMap((r) => r.cells.filter((c) => c.verdict !== 'no_torch').map((c) => ({ environment: `${r.environment.name}-${r.environment.id.slice(0, 6)}`, gpu: c.gpuKey, verdict: c.verdict }))),
  };
}

/** Whether a process of this number is there; another user's counts. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
