import { implementer as os } from './implementer.ts';
import type { InferenceServices } from './inference-services.ts';

const ok = { ok: true } as const;

/** The lines of the contract about models, inference and chat, each tied to its service. */
export function inferenceRoutes({ models, downloads, backends, loaded, providers, chat, comparisons }: InferenceServices) {
  return {
    models: {
      list: os.models.list.handler(() => models.list()),
      watch: os.models.watch.handler(({ signal }) => {
        models.list();
        return models.gauge.stream(signal);
      }),
      search: os.models.search.handler(() => models.search()),
      get: os.models.get.handler(({ input }) => models.get(input.id)),
      offered: os.models.offered.handler(() => models.offered()),
      lookUp: os.models.lookUp.handler(({ input, signal }) => models.lookUp(input.repository, input.revision, signal)),
      outlook: os.models.outlook.handler(({ input, signal }) => models.outlook(input.subject, input.settings, signal)),
      measure: os.models.measure.handler(({ input }) => models.measure(input.subject, input.place, input.settings)),
      verify: os.models.verify.handler(({ input }) => models.verify(input.id)),
      addFolder: os.models.addFolder.handler(({ input }) => models.addFolder(input.path)),
      removeFolder: os.models.removeFolder.handler(({ input }) => models.removeFolder(input.path)),
      planRemove: os.models.planRemove.handler(({ input }) => models.planRemove(input.id)),
      remove: os.models.remove.handler(async ({ input }) => {
        await models.remove(input.planId);
        return ok;
      }),
    },
    downloads: {
      list: os.downloads.list.handler(() => downloads.list()),
      watch: os.downloads.watch.handler(({ signal }) => downloads.gauge.stream(signal)),
      start: os.downloads.start.handler(({ input }) => downloads.start(input)),
      pause: os.downloads.pause.handler(({ input }) => downloads.pause(input.id)),
      resume: os.downloads.resume.handler(({ input }) => downloads.resume(input.id)),
      cancel: os.downloads.cancel.handler(({ input }) => downloads.cancel(input.id)),
    },
    inference: {
      backends: os.inference.backends.handler(() => backends.state()),
      watchBackends: os.inference.watchBackends.handler(({ signal }) => {
        backends.state();
        return backends.gauge.stream(signal);
      }),
      tryBackends: os.inference.tryBackends.handler(() => backends.tryAgain()),
      fetchRuntime: os.inference.fetchRuntime.handler(() => backends.fetchRuntime()),
      build: os.inference.build.handler(({ input }) => backends.build(input.kind)),
      settingNotes: os.inference.settingNotes.handler(() => loaded.settingNotes()),
      loaded: os.inference.loaded.handler(() => loaded.list()),
      watchLoaded: os.inference.watchLoaded.handler(({ signal }) => loaded.gauge.stream(signal)),
      load: os.inference.load.handler(({ input, signal }) => loaded.load(input, signal)),
      unload: os.inference.unload.handler(async ({ input }) => {
        await loaded.unload(input.id);
        return ok;
      }),
      setProfile: os.inference.setProfile.handler(async ({ input }) => {
        await loaded.setProfile(input.modelId, input.settings);
        return ok;
      }),
      generate: os.inference.generate.handler(async function* ({ input, signal }) {
        yield* loaded.generate(input.model, input.request, signal);
      }),
      providers: os.inference.providers.handler(() => providers.list()),
      watchProviders: os.inference.watchProviders.handler(({ signal }) => providers.gauge.stream(signal)),
      addProvider: os.inference.addProvider.handler(({ input }) => providers.add(input)),
      removeProvider: os.inference.removeProvider.handler(async ({ input }) => {
        await providers.remove(input.id);
        return ok;
      }),
      checkProvider: os.inference.checkProvider.handler(({ input }) => providers.check(input.id)),
    },
    chat: {
      list: os.chat.list.handler(() => chat.list()),
      watch: os.chat.watch.handler(async function* ({ signal }) {
        await chat.list();
        yield* chat.gauge.stream(signal);
      }),
      search: os.chat.search.handler(({ input }) => chat.search(input.text, input.limit)),
      create: os.chat.create.handler(({ input }) => chat.create(input)),
      update: os.chat.update.handler(({ input: { id, ...change } }) => chat.update(id, change)),
      page: os.chat.page.handler(({ input }) => chat.page(input.id, input.before, input.limit)),
      send: os.chat.send.handler(({ input }) => chat.send(input)),
      regenerate: os.chat.regenerate.handler(({ input }) => chat.regenerate(input.conversationId, input.messageId)),
      stop: os.chat.stop.handler(async ({ input }) => {
        await chat.stop(input.id);
        return ok;
      }),
      follow: os.chat.follow.handler(async function* ({ input, signal }) {
        yield* chat.follow(input.id, signal);
      }),
      remove: os.chat.remove.handler(async ({ input }) => {
        await chat.remove(input.id);
        return ok;
      }),
      restore: os.chat.restore.handler(({ input }) => chat.restore(input.id)),
      export: os.chat.export.handler(({ input }) => chat.export(input.id, input.format)),
    },
    comparisons: {
      list: os.comparisons.list.handler(() => comparisons.list()),
      start: os.comparisons.start.handler(({ input }) => comparisons.start(input)),
      get: os.comparisons.get.handler(({ input }) => comparisons.get(input.id)),
      watch: os.comparisons.watch.handler(async function* ({ input, signal }) {
        yield* comparisons.watch(input.id, signal);
      }),
      vote: os.comparisons.vote.handler(({ input }) => comparisons.vote(input.id, input.prompt, input.contender)),
      export: os.comparisons.export.handler(({ input }) => comparisons.export(input.id, input.format)),
      remove: os.comparisons.remove.handler(async ({ input }) => {
        await comparisons.remove(input.id);
        return ok;
      }),
      promptSets: os.comparisons.promptSets.handler(() => comparisons.promptSets()),
      savePromptSet: os.comparisons.savePromptSet.handler(({ input }) => comparisons.savePromptSet(input)),
      removePromptSet: os.comparisons.removePromptSet.handler(async ({ input }) => {
        await comparisons.removePromptSet(input.id);
        return ok;
      }),
    },
  };
}
