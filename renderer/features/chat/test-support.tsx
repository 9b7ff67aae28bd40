import { act } from '@testing-library/react';
import { vi } from 'vitest';
import { answerer, type ChatEvent, type Conversation, type ConversationPage, type Message, type PromptSet } from '../../../contract/chat.ts';
import type { ComparisonChange } from '../../../contract/comparison-change.ts';
import { engineSettings, type GenerationFigures, type GpuTruth, type LoadedModel } from '../../../contract/inference.ts';
import type { Download, Model, ModelList, OfferedModel } from '../../../contract/models.ts';
import type { App } from '../../app/context.tsx';
import { createIntentRegistry } from '../../app/intents.ts';
import type { Client } from '../../connection/client.ts';
import type { CommitClock } from '../../connection/commit-clock.ts';
import { createChatStore } from '../../stores/chat-store.ts';
import { createComparisonsStore } from '../../stores/comparisons-store.ts';
import { createLoadedStore } from '../../stores/loaded-store.ts';
import { createModelsStore } from '../../stores/models-store.ts';
import { createUiStore } from '../../stores/ui-store.ts';

/** A stream that a test writes by hand; each subscriber gets what is sent from then on, and the last item first. */
export function makeStream<T>(keepLast: boolean): { send(item: T): void; open(signal?: AbortSignal): AsyncIterable<T> } {
  const readers = new Set<(item: T) => void>();
  let last: { readonly item: T } | null = null;
  return {
    send: (item) => {
      last = { item };
      for (const r of readers) r(item);
    },
    open: async function* (signal) {
      const waiting: T[] = keepLast && last !== null ? [last.item] : [];
      let wake = (): void => undefined;
      const read = (item: T): void => {
        waiting.push(item);
        wake();
      };
      readers.add(read);
      try {
        while (signal?.aborted !== true) {
          const item = waiting.shift();
          if (item !== undefined) yield item;
          else await new Promise<void>((resolve) => {
            wake = resolve;
            signal?.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      } finally {
        readers.delete(read);
      }
    },
  };
}

export interface Call {
  readonly operation: string;
  readonly input: unknown;
}

export interface TestEngine {
  readonly client: Client;
  readonly clock: CommitClock;
  readonly calls: Call[];
  /** What an operation answers; a function is asked each time, an Error is thrown. */
  answer(operation: string, value: unknown): void;
  readonly conversations: ReturnType<typeof makeStream<Conversation[]>>;
  readonly events: ReturnType<typeof makeStream<ChatEvent>>;
  readonly loaded: ReturnType<typeof makeStream<LoadedModel[]>>;
  readonly models: ReturnType<typeof makeStream<ModelList>>;
  readonly downloads: ReturnType<typeof makeStream<Download[]>>;
  readonly comparison: ReturnType<typeof makeStream<ComparisonChange>>;
  /** Frames that were asked for run now. */
  frame(): void;
  readonly askFrame: (work: () => void) => void;
  /** A second passes with each frame: what was drawn, however slowly, has had its rest. */
  readonly now: () => number;
  inputsOf(operation: string): readonly unknown[];
  /** Every promise that can go on has gone on, and the beat has passed. */
  settle(): Promise<void>;
}

/** The engine's side of the contract, played by a test: streams are written by hand, calls are answered as told. */
export function makeEngine(): TestEngine {
  const answers = new Map<string, unknown>();
  const calls: Call[] = [];
  let frames: (() => void)[] = [];
  let frameMs = 0;
  const beats = new Set<(nowMs: number) => void>();
  const streams = { conversations: makeStream<Conversation[]>(true), events: makeStream<ChatEvent>(false), loaded: makeStream<LoadedModel[]>(true), models: makeStream<ModelList>(true), downloads: makeStream<Download[]>(true), comparison: makeStream<ComparisonChange>(true), providers: makeStream<unknown[]>(true) };
  const watched: Readonly<Record<string, { open(signal?: AbortSignal): AsyncIterable<unknown> }>> = { 'chat.watch': streams.conversations, 'chat.follow': streams.events, 'inference.watchLoaded': streams.loaded, 'models.watch': streams.models, 'downloads.watch': streams.downloads, 'comparisons.watch': streams.comparison, 'inference.watchProviders': streams.providers };
  const call = (operation: string) => async (input: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> => {
    const stream = watched[operation];
    if (stream !== undefined) return stream.open(options?.signal);
    calls.push({ operation, input });
    const value = answers.get(operation);
    const given: unknown = typeof value === 'function' ? (value as (input: unknown) => unknown)(input) : value;
    if (given instanceof Error) throw given;
    return given;
  };
  const client = new Proxy({}, { get: (_, area) => new Proxy({}, { get: (__, name) => call(`${String(area)}.${String(name)}`) }) }) as unknown as Client;
  return {
    client,
    clock: {
      onTick: (listener) => {
        beats.add(listener);
        return () => {
          beats.delete(listener);
        };
      },
      stop: () => beats.clear(),
    },
    calls,
    answer: (operation, value) => answers.set(operation, value),
    ...streams,
    askFrame: (work) => frames.push(work),
    now: () => frameMs,
    frame: () => act(() => {
      frameMs += 1000;
      const now = frames;
      frames = [];
      for (const work of now) work();
    }),
    settle: async () => {
      await act(async () => {
        for (let i = 0; i < 8; i++) await new Promise((resolve) => { setTimeout(resolve); });
        for (const beat of beats) beat(Date.now());
        for (let i = 0; i < 4; i++) await new Promise((resolve) => { setTimeout(resolve); });
      });
    },
    inputsOf: (operation) => calls.filter((c) => c.operation === operation).map((c) => c.input),
  };
}

export const source = { whenReady: async () => undefined };

/** The page's parts over a played engine. */
export function makeApp(engine: TestEngine): App & { readonly opened: string[]; readonly saved: { readonly name: string; readonly text: string }[] } {
  const { client, clock } = engine;
  engine.answer('models.offered', []);
  engine.answer('inference.settingNotes', []);
  const opened: string[] = [];
  const saved: { name: string; text: string }[] = [];
  const ui = createUiStore();
  const store = (state: unknown): unknown => ({ getState: () => state, getInitialState: () => state, subscribe: () => () => undefined });
  const shell = {
    kind: 'browser',
    confirm: (q: Parameters<ReturnType<typeof ui.getState>['ask']>[0]) => ui.getState().ask(q),
    openExternal: async (url: string) => opened.push(url) > 0,
    saveFile: async (file: { suggestedName: string; bytes: Uint8Array }) => {
      saved.push({ name: file.suggestedName, text: new TextDecoder().decode(file.bytes) });
      return file.suggestedName;
    },
  };
  return {
    client, clock, shell, ui, opened, saved,
    connection: { ...source },
    intents: createIntentRegistry(() => undefined),
    gpus: store({ inventory: { state: 'loading' }, selection: [], latest: {} }),
    jobs: store({ drawer: false }),
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
