import type { Conversation } from '../../contract/chat.ts';
import type { BackendsState, LoadedModel, Provider } from '../../contract/inference.ts';
import type { Download, ModelList } from '../../contract/models.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createGauge } from '../engine/gauge.ts';
import type { InferenceServices } from '../engine/inference-services.ts';

/** For the contract tests: nothing is here, and what is asked for by name is not found. */
export function makeTestInferenceServices(): InferenceServices {
  const list: ModelList = { models: [], searchedAtMs: null, searching: false, folders: [] };
  const backends: BackendsState = { backends: [], looking: false, lookedAtMs: null, offers: [], problems: [] };
  const noModel = (what: string): Promise<never> => Promise.reject(problemError('model.not_found', { what }));
  const noChat = (what: string): Promise<never> => Promise.reject(problemError('chat.not_found', { what }));
  const noProvider = (what: string): Promise<never> => Promise.reject(problemError('provider.not_found', { what }));
  const noJob = (id: string): never => { throw problemError('job.not_found', { id }); };
  const noDownload = (what: string): Promise<never> => Promise.reject(problemError('download.unknown', { what, detail: 'There is none.' }));
  return {
    models: {
      gauge: createGauge(list), list: () => list, search: () => Promise.resolve(list), get: noModel, offered: () => Promise.resolve([]), lookUp: noDownload,
      outlook: () => Promise.resolve({ name: 'x', facts: null, fileBytes: null, memory: [], speed: [], problems: [] }), measure: () => Promise.resolve(noJob('x')), verify: () => Promise.resolve(noJob('x')),
      addFolder: () => Promise.resolve(list), removeFolder: () => Promise.resolve(list), planRemove: noModel, remove: () => Promise.resolve(),
    },
    downloads: { gauge: createGauge<Download[]>([]), list: () => [], start: () => noDownload('x'), pause: noDownload, resume: noDownload, cancel: noDownload },
    backends: { gauge: createGauge(backends), state: () => backends, tryAgain: () => Promise.resolve(backends), fetchRuntime: () => noJob('x'), build: () => noJob('x') },
    loaded: {
      gauge: createGauge<LoadedModel[]>([]), list: () => [], load: (wish) => noModel(wish.model ?? ''), unload: (what) => Promise.reject(problemError('load.not_loaded', { what })), setProfile: () => Promise.resolve(), settingNotes: () => [],
      async *generate(wish) {
        yield await noModel(wish.model ?? '');
      },
    },
    providers: { gauge: createGauge<Provider[]>([]), list: () => [], add: (input) => noProvider(input.name), remove: noProvider, check: noProvider },
    chat: {
      gauge: createGauge<Conversation[]>([]), list: () => Promise.resolve([]), search: () => Promise.resolve([]), create: () => noChat('x'), update: noChat, page: noChat, send: (input) => noChat(input.conversationId), regenerate: noChat, stop: noChat,
      async *follow(id) {
        yield await noChat(id);
      },
      remove: noChat, restore: noChat, export: noChat,
    },
    comparisons: {
      list: () => Promise.resolve([]), start: () => noChat('x'), get: noChat,
      async *watch(id) {
        yield await noChat(id);
      },
      vote: noChat, export: noChat, remove: noChat, promptSets: () => Promise.resolve([]), savePromptSet: (input) => Promise.resolve({ id: 'x', name: input.name, prompts: [...input.prompts], builtIn: false }), removePromptSet: noChat,
    },
  };
}
