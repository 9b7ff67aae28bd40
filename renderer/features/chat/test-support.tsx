import { act } from '@testing-library/react';
import { vi } from 'vitest';
import { answerer, type ChatEvent, type Conversation, type ConversationPage, type Message, type PromptSet } from '../../../contract/chat.ts';
import type { ComparisonChange } from '../../../contract/comparison-change.ts';
import { engineSettings, type GenerationFigures, type GpuTruth, type LoadedModel } from '../../../contract/inference.ts';
import type { Download, Model, ModelList, OfferedModel } from '../../../contract/models.ts';
import type { App } from '../../app/context.tsx';
import { createIntentRegistry } from '../../app/intents.ts';
import { makeStill, makeStream, playEngine, playShell, source, type PlayedEngine, type PlayedStream } from '../../app/test-support-engine.ts';
import { createChatStore } from '../../stores/chat-store.ts';
import { createComparisonsStore } from '../../stores/comparisons-store.ts';
import { createLoadedStore } from '../../stores/loaded-store.ts';
import { createModelsStore } from '../../stores/models-store.ts';
import { createUiStore } from '../../stores/ui-store.ts';

export interface TestEngine extends PlayedEngine {
  readonly conversations: PlayedStream<Conversation[]>;
  readonly events: PlayedStream<ChatEvent>;
  readonly loaded: PlayedStream<LoadedModel[]>;
  readonly models: PlayedStream<ModelList>;
  readonly downloads: PlayedStream<Download[]>;
  readonly comparison: PlayedStream<ComparisonChange>;
  /** Frames that were asked for run now. */
  frame(): void;
  readonly askFrame: (work: () => void) => void;
  /** A second passes with each frame: what was drawn, however slowly, has had its rest. */
  readonly now: () => number;
}

/** What the chat asks of an engine. */
export function makeEngine(): TestEngine {
  let frames: (() => void)[] = [];
  let frameMs = 0;
  const streams = { conversations: makeStream<Conversation[]>(), events: makeStream<ChatEvent>(false), loaded: makeStream<LoadedModel[]>(), models: makeStream<ModelList>(), downloads: makeStream<Download[]>(), comparison: makeStream<ComparisonChange>() };
  const played = playEngine({ 'chat.watch': streams.conversations, 'chat.follow': streams.events, 'inference.watchLoaded': streams.loaded, 'models.watch': streams.models, 'downloads.watch': streams.downloads, 'comparisons.watch': streams.comparison, 'inference.watchProviders': makeStream<unknown[]>() });
  return {
    ...played,
    ...streams,
    askFrame: (work) => frames.push(work),
    now: () => frameMs,
    frame: () => act(() => {
      frameMs += 1000;
      const now = frames;
      frames = [];
      for (const work of now) work();
    }),
  };
}

/** The page's parts over a played engine. */
export function makeApp(engine: TestEngine): App & { readonly opened: string[]; readonly saved: { readonly name: string; readonly text: string }[] } {
  const { client, clock } = engine;
  engine.answer('models.offered', []);
  engine.answer('inference.settingNotes', []);
  const ui = createUiStore();
  return {
    client, clock, ui,
    ...playShell(ui),
    connection: { ...source },
    intents: createIntentRegistry(() => undefined),
    gpus: makeStill({ inventory: { state: 'loading' }, selection: [], latest: {} }),
    jobs: makeStill({ drawer: false }),
    models: createModelsStore({ client, source, clock }),
    loaded: createLoadedStore({ client, source, clock }),
    chat: createChatStore({ client, source, clock, frame: engine.askFrame, now: engine.now }),
    comparisons: createComparisonsStore({ client, source, frame: engine.askFrame }),
  } as unknown as App & { opened: string[]; saved: { name: string; text: string }[] };
}

/** jsdom lays nothing out: the scroller is 800 px high, every row as high as it is told. */
export function giveHeights(heightOf: (element: HTMLElement) => number): void {
  vi.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockImplementation(function (this: HTMLElement) {
    return heightOf(this);
  });
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(720);
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockImplementation(function (this: HTMLElement) {
    return heightOf(this);
  });
  vi.spyOn(HTMLElement.prototype, 'scrollHeight', 'get').mockImplementation(function (this: HTMLElement) {
    const inner = this.querySelector<HTMLElement>('.rows, ul');
    return inner === null ? heightOf(this) : parseFloat(inner.style.height) || 0;
  });
  HTMLElement.prototype.scrollTo = function (this: HTMLElement, options?: ScrollToOptions | number) {
    this.scrollTop = Math.max(0, Math.min(this.scrollHeight - this.clientHeight, typeof options === 'object' ? (options.top ?? 0) : 0));
    // As in a browser: later, in a task of its own.
    setTimeout(() => this.dispatchEvent(new Event('scroll')));
  };
}
export const rowHeights = (element: HTMLElement): number => (element.classList.contains('msgs') || element.classList.contains('convlist') ? 800 : 40);

export const makeConversation = (id: string, more: Partial<Conversation> = {}): Conversation => ({ id, title: `About ${id}`, titleIsOurs: true, createdAtMs: 0, changedAtMs: 1, messages: 2, systemPrompt: '', answerer: answerer.parse({}), headId: null, writingId: null, ...more });

export const makeFigures = (more: Partial<GenerationFigures> = {}): GenerationFigures => ({ promptTokens: 40, cachedTokens: 0, answerTokens: 186, firstTokenMs: 38, queuedMs: 0, promptTokensPerSecond: 2400, decodeTokensPerSecond: 141.2, seconds: 1.36, joules: 372, joulesPerToken: 2, rooflineShare: 0.648, contextTokens: 8192, contextUsed: 2114, turnsDropped: 0, seed: 7, drafted: null, accepted: null, ...more });

export const makeUser = (id: string, parentId: string | null, content: string, more: Partial<Message> = {}): Message => ({ id, parentId, role: 'user', content, thinking: '', attachments: [], atMs: 1000, answer: null, ...more });

export const makeAnswer = (id: string, parentId: string | null, content: string, answer: Partial<NonNullable<Message['answer']>> = {}, more: Partial<Message> = {}): Message => ({ id, parentId, role: 'assistant', content, thinking: '', attachments: [], atMs: 2000, answer: { state: 'done', modelName: 'Tiny', provider: null, reason: 'stop', figures: makeFigures(), truth: null, problem: null, ...answer }, ...more });

export const makePage = (id: string, messages: readonly Message[], more: Partial<ConversationPage> = {}): ConversationPage => ({ conversation: makeConversation(id, { headId: messages.at(-1)?.id ?? null, messages: messages.length }), messages: [...messages], from: 0, total: messages.length, branches: {}, ...more });

export const makeTruth = (more: Partial<GpuTruth> = {}): GpuTruth => ({ verdict: 'on_gpu', colour: 'green', title: 'On the GPU', sentence: 'All 33 of 33 layers are on the RTX 4090.', backend: 'cuda', layersOnGpu: 33, layers: 33, placed: [{ uuid: 'GPU-1', name: 'RTX 4090', bytes: 6e9, layers: 33 }], checks: [{ check: 'layers', expected: '33', found: '33 of 33', agrees: true }, { check: 'power', expected: 'above idle', found: 'not reported', agrees: null }], problem: null, atMs: 0, ...more });

export const makeLoaded = (more: Partial<LoadedModel> = {}): LoadedModel => ({ id: 'l1', modelId: 'm1', name: 'Tiny', quantisation: 'Q4_K_M', state: 'ready', progress: null, settings: engineSettings.parse({}), backendId: 'cuda', release: 'b1', contextTokens: 8192, flashAttention: true, threads: 4, template: 'ChatML', pid: 1, bytes: { weights: 4e9, cache: 1e9, work: 5e8, hostWeights: 0 }, truth: makeTruth(), loadedAtMs: 0, loadSeconds: 1.2, lastUsedAtMs: 5, unloadsAtMs: null, requestsActive: 0, requestsQueued: 0, tokensPerSecondNow: null, tokensPerSecondAverage: 140, contextUsed: null, restarts: 0, problem: null, ...more });

export const makeModel = (id: string, more: Partial<Model> = {}): Model => ({ id, name: id, path: `/models/${id}.gguf`, files: [], bytes: 98_362_432, changedAtMs: 0, home: 'warpdeck', label: null, synthetic: false, facts: null, origin: null, lastUsedAtMs: null, problems: [], ...more });

export const makeModels = (models: readonly Model[]): ModelList => ({ models: [...models], searchedAtMs: 1, searching: false, folders: [] });

export const smollm: OfferedModel = { id: 'smollm2-135m-instruct', name: 'SmolLM2-135M-Instruct', repository: null, revision: null, parameters: 135e6, activeParameters: 135e6, contextTrained: 8192, licence: null, note: 'For a first try.', gated: false, files: [{ quantisation: 'Q4_1', file: 'a.gguf', parts: 1, bytes: 98_362_432, sha256: null, hereAs: null }], package: null, first: true };

export const makeDownload = (more: Partial<Download> = {}): Download => ({ id: 'd1', jobId: 'j1', name: 'SmolLM2-135M-Instruct', quantisation: 'Q4_1', from: 'hub', state: 'running', totalBytes: 98_362_432, doneBytes: 49_181_216, bytesPerSecond: 1e6, secondsLeft: 49, connections: 4, startedAtMs: 1, modelId: null, problem: null, ...more });

export const makePromptSet = (more: Partial<PromptSet> = {}): PromptSet => ({ id: 's1', name: 'Short answers', prompts: ['One?', 'Two?'], builtIn: true, ...more });
