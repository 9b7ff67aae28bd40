/**
 * The composition root: the one file that knows all areas. It makes the services, ties them together and hands
 * them to the router; no area imports another.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isWorthAsking, type Job } from '../contract/jobs.ts';
import { problemError } from '../contract/problem-catalogue.ts';
import type { Problem } from '../contract/problem.ts';
import type { EngineInfo, EngineStatus } from '../contract/system.ts';
import { createAlertFile } from './alerts/alert-store.ts';
import { createAlerts } from './alerts/create-alerts.ts';
import { createFaces } from './engine/faces.ts';
import { watchEngineStatus } from './engine/engine-status.ts';
import { takeLock } from './engine/engine-lock.ts';
import { createGauge } from './engine/gauge.ts';
import { makeGpuServices } from './engine/gpu-services.ts';
import { createLife } from './engine/life.ts';
import { createReadinessBoard } from './engine/readiness-board.ts';
import type { EngineServices } from './engine/services.ts';
import { makeWebServices } from './engine/web-services.ts';
import { readMachineFacts } from './gpu/diagnose-driver.ts';
import { assembleEnvironments } from './environments/assemble-environments.ts';
import { decideMachine } from './environments/targets.ts';
import { createGpuService } from './gpu/gpu-service.ts';
import { assembleInference } from './inference/assemble-inference.ts';
import { assembleOptimize } from './optimize/assemble-optimize.ts';
import { openAiParts } from './inference/openai-parts.ts';
import { decideGpuReadiness, touchesReadiness } from './gpu/readiness.ts';
import { makeRecordingServices } from './gpu/recording-services.ts';
import { createJobs } from './jobs/create-jobs.ts';
import { createLogger } from './logging/create-logger.ts';
import type { Logger } from './logging/logger.ts';
import { createSecrets } from './settings/create-secrets.ts';
import { createSettings } from './settings/create-settings.ts';
import { createHistory } from './storage/history/create-history.ts';
import { startStorage } from './storage/storage-client.ts';
import { createSupervisor } from './supervisor/create-supervisor.ts';
import { runTool } from './supervisor/run-tool.ts';
import type { DataFolder } from './system/data-folder.ts';
import { entryPoint, packageFolder, rendererFolder, resourcesFolder } from './system/entry-points.ts';
import { VERSION } from './system/version.ts';
import { createReport } from './system/report/create-report.ts';
import { makePrometheusText } from './web/metrics/prometheus-text.ts';

export interface AppOptions {
  readonly folder: DataFolder;
  /** As given by --gpus; null: choose by what is in the machine. */
  readonly gpus: string | null;
  readonly stays: boolean;
  readonly ephemeral: boolean;
  readonly onEnd: (why: string) => void;
}
export interface App {
  readonly log: Logger;
  close(why: string): Promise<void>;
}

const LINGER_MS = 10_000;
const FIRST_FACE_MS = 30_000;

/**
 * Takes the data folder, starts all services and listens on its socket.
 * @throws ProblemError `engine.locked`, `engine.data_dir`, `gpu.unknown_source`
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { folder, ephemeral } = options;
  const startedAtMs = Date.now();
  const log = createLogger({ dir: ephemeral ? null : folder.logs, level: 'info' });
  const supervisor = createSupervisor({ log, journalFolder: ephemeral ? null : `${folder.root}/processes` });
  const settings = createSettings({ path: ephemeral ? null : folder.config, log });
  log.setLevel(settings.get().logs.level);
  log.setKeepMiB(settings.get().logs.keepMiB);
  const secrets = createSecrets({ path: ephemeral ? null : folder.secrets, log, runTool });

  /** Where a simulated driver keeps its settings. */
  const driverFolder = join(folder.root, 'simulated-driver');
  // The source is parsed before the lock is taken: a wrong --gpus leaves nothing behind.
  const gpus = createGpuService({
    spec: options.gpus,
    supervisor,
    log,
    driverFolder,
    onFrame(frame) {
      const { devices } = gpus.list();
      history.ingest(frame, devices);
      alerts.acceptFrame(frame);
    },
  });
  /** Simulated and replayed devices are for looking: they count for alerts and metrics only when asked for by name. */
  const counts = (): boolean => !gpus.list().simulated || gpus.explicit;
  /** Their readings are nobody's history, and a command's own engine leaves nothing behind. */
  const keepsNothing = ephemeral || gpus.list().simulated;
  const release = takeLock(folder, { socket: folder.socket, version: VERSION, sourceSpec: gpus.list().sourceSpec, startedAtMs });

  // Conversations are real also where the GPUs that are shown are not.
  const storage = startStorage(ephemeral ? null : folder.database, log);
  const history = createHistory({ databasePath: keepsNothing ? null : folder.database, storage: keepsNothing ? null : storage, getSettings: () => settings.get().history, log });
  const jobs = createJobs({ folder: ephemeral ? null : folder.jobs, log });
  await jobs.load();
  const alerts = createAlerts({
    getSettings: () => settings.get().alerts,
    getInventory: () => gpus.list(),
    enabled: counts(),
    store: keepsNothing ? { load: () => Promise.resolve([]), save: () => Promise.resolve() } : createAlertFile(`${folder.root}/alerts.jsonl`),
    log,
    onEvent: (event) => { history.event(event); },
    standing: () => environments.driftAlerts(),
    queryMinutes: (fromMs, toMs) => history.query({ fromMs, toMs, metrics: ['tempCelsius', 'memUsedBytes', 'eventReasons'], maxPoints: 20_000 }),
  });

  // The engine lives as long as an answer is written; asked before there is anything to answer with.
  let answering = (): boolean => false;
  const life = createLife({
    stays: options.stays,
    lingerMs: ephemeral ? 0 : LINGER_MS,
    firstFaceMs: FIRST_FACE_MS,
    jobsRunning: () => jobs.runningCount() + (answering() ? 1 : 0),
    onEnd: () => { options.onEnd('the last face has gone'); },
  });

  const machine = readMachineFacts();
  const environments = assembleEnvironments({
    root: folder.root, resources: resourcesFolder(), ephemeral, machine: decideMachine(process.platform, process.arch, machine.wsl), supervisor, jobs, log,
    settings: () => settings.get().environments,
    setFolders: async (folders) => { await settings.update({ environments: { folders: [...folders] } }); },
    inventory: () => gpus.list(),
    devicesCount: counts,
    gpuProcesses: () => gpus.processes.latest()?.processes ?? [],
    programsEnded: () => supervisor.recovered(),
  });

  const inference = assembleInference({
    root: folder.root, modelsRoot: folder.root, resources: resourcesFolder(), packageFolder: packageFolder('node-llama-cpp') ?? join(folder.root, 'backends', 'not-installed'), ephemeral, supervisor, jobs, storage, gpus, environments,
    settings: () => settings.get().inference,
    updateSettings: (change) => settings.update({ inference: change }),
    secrets, log,
  });

  answering = () => inference.busy();

  const optimize = await assembleOptimize({
    root: folder.root, resources: resourcesFolder(), ephemeral, wsl: machine.wsl, supervisor, jobs, storage, gpus, environments, inference,
    settings: () => settings.get().inference,
    updateSettings: (change) => settings.update({ inference: change }),
    simulatedSmi: [process.execPath, entryPoint('simulated-driver'), driverFolder], log,
  });

  gpus.onInventory(() => {
    alerts.acceptInventory();
    environments.services.rejudge();
    optimize.reconsider();
  });
  gpus.onSourceEvent((event) => {
    if (event.type !== 'xid') return;
    alerts.acceptXid(event);
    history.event({ atMs: event.atMs, kind: 'xid', uuid: event.uuid, text: `Xid ${String(event.xid)}` });
  });
  const jobsGauge = createGauge<Job[]>(jobs.list());
  jobs.onChange(() => {
    jobsGauge.publish(jobs.list());
    life.reconsider();
  });
  const settingsGauge = createGauge(settings.status());
  const alertsGauge = createGauge(alerts.list(null));
  alerts.onChange(() => { alertsGauge.publish(alerts.list(null)); });
  const readiness = createReadinessBoard(() => [decideGpuReadiness(gpus.list(), gpus.latest()), environments.readiness(), inference.readiness()]);
  const status = createGauge<EngineStatus>();

  const info = (): EngineInfo => ({
    version: VERSION, pid: process.pid, startedAtMs, dataDir: folder.root, sourceSpec: gpus.list().sourceSpec, stays: life.stays(), ephemeral,
    node: process.version, platform: `${process.platform}-${process.arch}`, hostName: hostname(), inContainer: machine.inContainer, wsl: machine.wsl,
  });
  const notices = (): Problem[] => [...gpus.notices(), ...[history.problem(), settings.problem(), secrets.problem()].filter((p) => p !== null)];

  const webTokens = new Set<string>();
  const services: EngineServices = {
    info,
    status,
    readiness: readiness.gauge,
    stop(cancelJobs) {
      const running = jobs.list().filter(isWorthAsking);
      if (running.length > 0 && !cancelJobs) throw problemError('engine.jobs_running', { count: running.length, titles: running.map((j) => j.title).join(', ') });
      // After the answer has left.
      setImmediate(() => { options.onEnd('asked to stop'); });
    },
    report: () => createReport({
      info: info(), inventory: gpus.list(), status: status.get() ?? null, settings: settings.status(), jobs: jobs.list(), alerts: alerts.list(null), history: history.status(), notices: notices(), log: log.tail(64 * 1024), secrets: [...webTokens],
    }),
    web: makeWebServices({ web: () => web, stay: () => { life.setStays(true); }, hide: (token) => { webTokens.add(token); log.hide(token); } }),
    gpus: makeGpuServices({ gpus, watchedHz: () => settings.get().monitor.watchedHz, annotate: (processes) => environments.annotate(processes) }),
    history,
    recordings: makeRecordingServices(gpus, jobs, folder.recordings, VERSION),
    environments: environments.services,
    upgrades: environments.upgrades,
    inference: inference.services,
    optimize: optimize.services,
    jobs: { ...jobs, gauge: jobsGauge },
    settings: { gauge: settingsGauge, get: () => settings.status(), update: (patch) => settings.update(patch), secrets: () => secrets.list(), setSecret: (name, value) => secrets.set(name, value) },
    alerts: { ...alerts, gauge: alertsGauge },
  };

  const faces = createFaces({
    services, life, log,
    web: {
      rendererFolder,
      openai: openAiParts(inference, log),
      metricsOn: () => settings.get().localApi.metrics,
      metricsText: () => makePrometheusText({ inventory: gpus.list(), latest: gpus.latest(), processes: gpus.processes.latest()?.processes ?? [], verdicts: environments.verdicts(), inference: inference.loaded.metrics(), nowMs: Date.now(), explicit: gpus.explicit }),
    },
  });
  const { web } = faces;

  inference.onChange(() => {
    life.reconsider();
    readiness.publish();
  });
  environments.onChange(() => {
    alerts.acceptStanding([]);
    readiness.publish();
    optimize.reconsider();
  });
  gpus.onInventory(readiness.publish);
  gpus.frames.subscribe((item) => { if (touchesReadiness(item)) readiness.publish(); });
  readiness.publish();
  const stopStatus = watchEngineStatus(status, {
    faces: () => life.faces(), jobsRunning: () => jobs.runningCount(), workers: () => supervisor.statuses(), web: () => web.status(), history: () => history.state(), notices,
  });
  const local = await faces.listen(folder);
  settings.onChange(() => {
    settingsGauge.publish(settings.status());
    inference.settingsChanged();
    const { localApi, logs } = settings.get();
    log.setLevel(logs.level);
    log.setKeepMiB(logs.keepMiB);
    void web.follow(localApi).catch(() => undefined);
  });
  await environments.start();
  await inference.start();
  await alerts.start();
  gpus.start();
  await optimize.start();
  if (settings.get().localApi.on && !ephemeral) void web.follow(settings.get().localApi).catch(() => undefined);
  log.info('engine started', { version: VERSION, source: gpus.list().sourceSpec, tookMs: Date.now() - startedAtMs });

  return {
    log,
    async close(why) {
      log.info('engine ends', { why });
      life.close();
      stopStatus();
      await jobs.stopAll();
      await optimize.stop();
      await inference.stop();
      await alerts.stop();
      await Promise.allSettled([web.stop(), local.close(), gpus.stop(), environments.stop()]);
      await supervisor.stopAll();
      await history.close();
      await storage.close();
      release();
      log.flush();
    },
  };
}
