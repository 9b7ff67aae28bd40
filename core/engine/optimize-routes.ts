import { implementer as os } from './implementer.ts';
import type { OptimizeServices } from './optimize-services.ts';

const ok = { ok: true } as const;

/** The lines of the contract about benchmarks and switches, each tied to its service. */
export function optimizeRoutes({ benchmarks, canary, effects, apply, devices, tune, revision, health, checkPattern, explainSlow, gpusKnown }: OptimizeServices) {
  /** An engine that has only just begun does not know its GPUs yet: who asks then would be answered for the processor. */
  const settled = <I, O>(work: (options: I) => O) => async (options: I): Promise<Awaited<O>> => {
    await gpusKnown();
    return await work(options);
  };
  return {
    benchmarks: {
      list: os.benchmarks.list.handler(() => benchmarks.list()),
      outlook: os.benchmarks.outlook.handler(settled(() => benchmarks.outlook())),
      run: os.benchmarks.run.handler(settled(({ input }) => benchmarks.run(input))),
      history: os.benchmarks.history.handler(({ input }) => benchmarks.history(input)),
      watch: os.benchmarks.watch.handler(({ signal }) => benchmarks.gauge.stream(signal)),
      past: os.benchmarks.past.handler(({ input }) => benchmarks.past(input)),
      get: os.benchmarks.get.handler(({ input }) => benchmarks.get(input.id, input.samples)),
      compare: os.benchmarks.compare.handler(({ input }) => benchmarks.compare(input.a, input.b)),
      export: os.benchmarks.export.handler(({ input }) => benchmarks.export(input.id, input.format)),
      import: os.benchmarks.import.handler(({ input }) => benchmarks.import(input.text)),
      remove: os.benchmarks.remove.handler(async ({ input }) => {
        await benchmarks.remove(input.id);
        return ok;
      }),
      canary: os.benchmarks.canary.handler(() => canary.state()),
      watchCanary: os.benchmarks.watchCanary.handler(({ signal }) => canary.gauge.stream(signal)),
      runCanary: os.benchmarks.runCanary.handler(settled(({ input }) => canary.run(input.place))),
    },
    optimize: {
      overview: os.optimize.overview.handler(settled(({ input }) => effects.overview(input))),
      watch: os.optimize.watch.handler(({ signal }) => revision.stream(signal)),
      toggles: os.optimize.toggles.handler(() => effects.toggles()),
      workloads: os.optimize.workloads.handler(() => effects.workloads()),
      measure: os.optimize.measure.handler(settled(({ input }) => effects.measure(input))),
      checkPattern: os.optimize.checkPattern.handler(({ input }) => checkPattern(input.pattern, input.text)),
      effects: os.optimize.effects.handler(({ input }) => effects.effects(input)),
      effect: os.optimize.effect.handler(({ input }) => effects.effect(input.id)),
      profiles: os.optimize.profiles.handler(() => effects.profiles()),
      saveProfile: os.optimize.saveProfile.handler(({ input }) => effects.saveProfile(input)),
      removeProfile: os.optimize.removeProfile.handler(async ({ input }) => {
        await effects.removeProfile(input.id);
        return ok;
      }),
      planApply: os.optimize.planApply.handler(settled(({ input }) => apply.planApply(input))),
      apply: os.optimize.apply.handler(({ input }) => apply.apply(input)),
      planRevert: os.optimize.planRevert.handler(({ input }) => apply.planRevert(input.id)),
      revert: os.optimize.revert.handler(({ input }) => apply.revert(input.planId)),
      applications: os.optimize.applications.handler(() => apply.applications()),
      planLaunch: os.optimize.planLaunch.handler(settled(({ input }) => apply.planLaunch(input))),
      deviceSettings: os.optimize.deviceSettings.handler(settled(({ input }) => devices.settings(input.uuid))),
      planDevice: os.optimize.planDevice.handler(settled(({ input }) => devices.plan(input))),
      applyDevice: os.optimize.applyDevice.handler(({ input }) => devices.apply(input.planId)),
      confirmDevice: os.optimize.confirmDevice.handler(({ input }) => devices.confirm(input.id)),
      revertDevice: os.optimize.revertDevice.handler(({ input }) => devices.revert(input.id)),
      deviceChanges: os.optimize.deviceChanges.handler(() => devices.changes()),
      health: os.optimize.health.handler(settled(({ input }) => health(input))),
      explainSlow: os.optimize.explainSlow.handler(settled(({ input, signal }) => explainSlow(input, signal))),
      tune: os.optimize.tune.handler(settled(({ input }) => tune.start(input))),
      tuneResults: os.optimize.tuneResults.handler(() => tune.results()),
      watchTune: os.optimize.watchTune.handler(({ signal }) => tune.gauge.stream(signal)),
    },
  };
}
