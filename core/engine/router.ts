import type { Router } from '@orpc/server';
import { makeProblem, problemCodes } from '../../contract/problem-catalogue.ts';
import type { FaceContext } from './face-context.ts';
import { frameStream } from './frame-stream.ts';
import { implementer as os } from './implementer.ts';
import { inferenceRoutes } from './inference-routes.ts';
import { optimizeRoutes } from './optimize-routes.ts';
import type { EngineServices } from './services.ts';

/**
 * The contract's list, each line tied to its service. Inputs are checked by the schemas before a handler runs;
 * outputs are not checked again on the way out, because what comes from outside was parsed when it came in.
 */
export function createRouter(services: EngineServices): Router<Record<never, never>, FaceContext> {
  const { gpus, history, recordings, environments, upgrades, jobs, settings, alerts } = services;
  const ok = { ok: true } as const;
  return os.router({
    engine: {
      info: os.engine.info.handler(() => services.info()),
      watch: os.engine.watch.handler(({ signal }) => services.status.stream(signal)),
      stop: os.engine.stop.handler(({ input }) => {
        services.stop(input.cancelJobs);
        return ok;
      }),
      report: os.engine.report.handler(() => services.report()),
      readiness: os.engine.readiness.handler(async function* ({ signal }) {
        for await (const lines of services.readiness.stream(signal)) yield [...lines];
      }),
      startWeb: os.engine.startWeb.handler(({ input }) => services.web.start({ host: input.host, port: input.port, insecure: input.insecure, cert: input.cert, key: input.key, token: input.token }, input.stay)),
      stopWeb: os.engine.stopWeb.handler(async () => {
        await services.web.stop();
        return ok;
      }),
      problems: os.engine.problems.handler(() => problemCodes.map((code) => makeProblem(code))),
    },
    gpus: {
      list: os.gpus.list.handler(() => gpus.list()),
      watchInventory: os.gpus.watchInventory.handler(({ signal }) => gpus.inventory.stream(signal)),
      watch: os.gpus.watch.handler(async function* ({ input, signal }) {
        const unwatch = gpus.watch(input.rateHz);
        try {
          // A face that has just come sees all tiers at once, not only those that are due in its first second.
          const known = gpus.latestFrame();
          if (known !== null) yield { type: 'frame', frame: known };
          yield* frameStream(gpus.subscribe, input.rateHz, signal);
        } finally {
          unwatch();
        }
      }),
      refresh: os.gpus.refresh.handler(() => gpus.refresh()),
      processes: os.gpus.processes.handler(() => gpus.processes()),
      watchProcesses: os.gpus.watchProcesses.handler(async function* ({ signal }) {
        const watched = gpus.watchProcesses();
        try {
          yield* watched.gauge.stream(signal);
        } finally {
          watched.stop();
        }
      }),
      processHistory: os.gpus.processHistory.handler(({ input }) => gpus.processHistory(input.pid, input.startTicks)),
      planTerminate: os.gpus.planTerminate.handler(({ input }) => gpus.planTerminate(input)),
      terminate: os.gpus.terminate.handler(({ input }) => gpus.terminate(input.planId)),
      simulateFault: os.gpus.simulateFault.handler(({ input }) => {
        gpus.simulateFault(input);
        return ok;
      }),
    },
    history: {
      query: os.history.query.handler(({ input }) => history.query(input)),
      events: os.history.events.handler(({ input }) => history.events(input.fromMs, input.toMs)),
      status: os.history.status.handler(() => history.status()),
      export: os.history.export.handler(async function* ({ input, signal }) {
        for await (const piece of history.export(input)) {
          if (signal?.aborted) return;
          yield piece;
        }
      }),
    },
    recordings: {
      start: os.recordings.start.handler(({ input }) => recordings.start(input)),
      list: os.recordings.list.handler(() => recordings.list()),
    },
    environments: {
      matrix: os.environments.matrix.handler(() => environments.matrix()),
      watch: os.environments.watch.handler(({ signal }) => {
        environments.matrix();
        return environments.gauge.stream(signal);
      }),
      scan: os.environments.scan.handler(() => environments.scan()),
      get: os.environments.get.handler(({ input }) => environments.get(input.id)),
      judge: os.environments.judge.handler(({ input, signal }) => environments.judge(input, signal)),
      judgeImage: os.environments.judgeImage.handler(({ input }) => environments.judgeImage(input)),
      advise: os.environments.advise.handler(({ input }) => environments.advise(input)),
      forecasts: os.environments.forecasts.handler(() => environments.forecasts()),
      prove: os.environments.prove.handler(({ input }) => environments.prove(input)),
      proofs: os.environments.proofs.handler(({ input }) => environments.proofs(input.id)),
      addFolder: os.environments.addFolder.handler(({ input }) => environments.addFolder(input.path)),
      removeFolder: os.environments.removeFolder.handler(({ input }) => environments.removeFolder(input.path)),
      drift: os.environments.drift.handler(() => environments.drift()),
      watchDrift: os.environments.watchDrift.handler(({ signal }) => environments.driftGauge.stream(signal)),
      seeDrift: os.environments.seeDrift.handler(({ input }) => {
        environments.seeDrift(input.id);
        return ok;
      }),
      kinds: os.environments.kinds.handler(() => environments.kinds()),
    },
    upgrades: {
      plan: os.upgrades.plan.handler(({ input, signal }) => upgrades.plan(input, signal)),
      apply: os.upgrades.apply.handler(({ input }) => upgrades.apply(input)),
      planRollback: os.upgrades.planRollback.handler(({ input }) => upgrades.planRollback(input)),
      rollback: os.upgrades.rollback.handler(({ input }) => upgrades.rollback(input)),
      list: os.upgrades.list.handler(({ input }) => upgrades.list(input.environmentId)),
      watch: os.upgrades.watch.handler(({ signal }) => upgrades.gauge.stream(signal)),
      forget: os.upgrades.forget.handler(async ({ input }) => {
        await upgrades.forget(input.id);
        return ok;
      }),
    },
    ...inferenceRoutes(services.inference),
    ...optimizeRoutes(services.optimize),
    jobs: {
      list: os.jobs.list.handler(() => jobs.list()),
      watch: os.jobs.watch.handler(({ signal }) => jobs.gauge.stream(signal)),
      get: os.jobs.get.handler(({ input }) => jobs.get(input.id)),
      attach: os.jobs.attach.handler(async function* ({ input, signal }) {
        yield* jobs.attach(input.id, signal);
      }),
      cancel: os.jobs.cancel.handler(({ input }) => jobs.cancel(input.id)),
    },
    settings: {
      get: os.settings.get.handler(() => settings.get()),
      watch: os.settings.watch.handler(({ signal }) => settings.gauge.stream(signal)),
      update: os.settings.update.handler(({ input }) => settings.update(input)),
      secrets: os.settings.secrets.handler(() => settings.secrets()),
      setSecret: os.settings.setSecret.handler(({ input }) => settings.setSecret(input.name, input.value)),
    },
    alerts: {
      list: os.alerts.list.handler(({ input }) => alerts.list(input.sinceMs)),
      watch: os.alerts.watch.handler(({ signal }) => alerts.gauge.stream(signal)),
      quiet: os.alerts.quiet.handler(({ input }) => {
        alerts.quiet(input.alertId, input.untilMs);
        return ok;
      }),
      preview: os.alerts.preview.handler(({ input }) => alerts.preview(input.days)),
    },
  });
}
