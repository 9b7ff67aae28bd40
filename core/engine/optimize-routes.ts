import { implementer as os } from './implementer.ts';
import type { OptimizeServices } from './optimize-services.ts';

const ok = { ok: true } as const;

/** The lines of the contract about benchmarks and switches, each tied to its service. */
export function optimizeRoutes({ benchmarks, canary, effects, apply, devices, tune, revision, health, explainSlow }: OptimizeServices) {
  return {
    benchmarks: {
      list: os.benchmarks.list.handler(() => benchmarks.list()),
      run: os.benchmarks.run.handler(({ input }) => benchmarks.run(input)),
      history: os.benchmarks.history.handler(({ input }) => benchmarks.history(input)),
      watch: os.benchmarks.watch.handler(({ signal }) => benchmarks.gauge.stream(signal)),
      get: os.benchmarks.get.handler(({ input }) => benchmarks.get(input.id)),
      compare: os.benchmarks.compare.handler(({ input }) => benchmarks.compare(input.a, input.b)),
      export: os.benchmarks.export.handler(({ input }) => benchmarks.export(input.id, input.format)),
      import: os.benchmarks.import.handler(({ input }) => benchmarks.import(input.text)),
      remove: os.benchmarks.remove.handler(async ({ input }) => {
        await benchmarks.remove(input.id);
        return ok;
      }),
      canary: os.benchmarks.canary.handler(() => canary.state()),
      watchCanary: os.benchmarks.watchCanary.handler(({ signal }) => canary.gauge.stream(signal)),
      runCanary: os.benchmarks.runCanary.handler(({ input }) => canary.run(input.place)),
    },
    optimize: {
      overview: os.optimize.overview.handler(({ input }) => effects.overview(input)),
      watch: os.optimize.watch.handler(({ signal }) => revision.stream(signal)),
      toggles: os.optimize.toggles.handler(() => effects.toggles()),
      workloads: os.optimize.workloads.handler(() => effects.workloads()),
      measure: os.optimize.measure.handler(({ input }) => effects.measure(input)),
      effects: os.optimize.effects.handler(({ input }) => effects.effects(input)),
      effect: os.optimize.effect.handler(({ input }) => effects.effect(input.id)),
      profiles: os.optimize.profiles.handler(() => effects.profiles()),
      saveProfile: os.optimize.saveProfile.handler(({ input }) => effects.saveProfile(input)),
      removeProfile: os.optimize.removeProfile.handler(async ({ input }) => {
        await effects.removeProfile(input.id);
        return ok;
      }),
      planApply: os.optimize.planApply.handler(({ input }) => apply.planApply(input)),
      apply: os.optimize.apply.handler(({ input }) => apply.apply(input)),
      planRevert: os.optimize.planRevert.handler(({ input }) => apply.planRevert(input.id)),
      revert: os.optimize.revert.handler(({ input }) => apply.revert(input.planId)),
      applications: os.optimize.applications.handler(() => apply.applications()),
      planLaunch: os.optimize.planLaunch.handler(({ input }) => apply.planLaunch(input)),
      deviceSettings: os.optimize.deviceSettings.handler(({ input }) => devices.settings(input.uuid)),
      planDevice: os.optimize.planDevice.handler(({ input }) => devices.plan(input)),
      applyDevice: os.optimize.applyDevice.handler(({ input }) => devices.apply(input.planId)),
      confirmDevice: os.optimize.confirmDevice.handler(({ input }) => devices.confirm(input.id)),
      revertDevice: os.optimize.revertDevice.handler(({ input }) => devices.revert(input.id)),
      deviceChanges: os.optimize.deviceChanges.handler(() => devices.changes()),
      health: os.optimize.health.handler(({ input }) => health(input)),
      explainSlow: os.optimize.explainSlow.handler(({ input, signal }) => explainSlow(input, signal)),
      tune: os.optimize.tune.handler(({ input }) => tune.start(input)),
      tuneResults: os.optimize.tuneResults.handler(() => tune.results()),
      watchTune: os.optimize.watchTune.handler(({ signal }) => tune.gauge.stream(signal)),
    },
  };
}
