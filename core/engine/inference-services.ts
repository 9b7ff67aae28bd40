import type { ChatEvent, Comparison, ComparisonWish, Conversation, ConversationHit, ConversationPage, PromptSet, SendInput } from '../../contract/chat.ts';
import type { ComparisonChange } from '../../contract/comparison-change.ts';
import type { BackendKind, BackendsState, EngineSettingNote, EngineSettings, GenerateRequest, GenerationEvent, LoadedModel, LoadWish, Provider } from '../../contract/inference.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Download, DownloadWish, Model, ModelList, ModelOutlook, ModelSubject, OfferedModel } from '../../contract/models.ts';
import type { Gauge } from './gauge.ts';

/** Parts of a thing that are given; `undefined` counts as not given. */
export type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface ModelServices {
  readonly gauge: Gauge<ModelList>;
  /** As it is known; the first question starts a search. */
  list(): ModelList;
  search(): Promise<ModelList>;
  /** @throws ProblemError `model.not_found` */
  get(id: string): Promise<Model>;
  offered(): Promise<OfferedModel[]>;
  lookUp(repository: string, revision: string | null, signal?: AbortSignal): Promise<OfferedModel>;
  outlook(subject: ModelSubject, settings: Given<EngineSettings>, signal?: AbortSignal): Promise<ModelOutlook>;
  measure(subject: ModelSubject, place: string | null, settings: Given<EngineSettings>): Promise<Job>;
  verify(id: string): Promise<Job>;
  addFolder(path: string): Promise<ModelList>;
  removeFolder(path: string): Promise<ModelList>;
  planRemove(id: string): Promise<{ planId: string; name: string; files: string[]; bytes: number }>;
  remove(planId: string): Promise<void>;
}

export interface DownloadServices {
  readonly gauge: Gauge<Download[]>;
  list(): Download[];
  start(wish: DownloadWish): Promise<Download>;
  pause(id: string): Promise<Download>;
  resume(id: string): Promise<Download>;
  cancel(id: string): Promise<Download>;
}

export interface BackendServices {
  readonly gauge: Gauge<BackendsState>;
  state(): BackendsState;
  tryAgain(): Promise<BackendsState>;
  fetchRuntime(): Job;
  build(kind: BackendKind): Job;
}

export interface LoadedServices {
  readonly gauge: Gauge<LoadedModel[]>;
  list(): LoadedModel[];
  /** Answers when it is ready; one that is loaded with these settings is given as it is. */
  load(wish: Given<LoadWish>, signal?: AbortSignal): Promise<LoadedModel>;
  unload(id: string): Promise<void>;
  setProfile(modelId: string, settings: Given<EngineSettings>): Promise<void>;
  generate(wish: Given<LoadWish>, request: Given<GenerateRequest>, signal?: AbortSignal): AsyncIterable<GenerationEvent>;
  settingNotes(): EngineSettingNote[];
}

export interface ProviderServices {
  readonly gauge: Gauge<Provider[]>;
  list(): Provider[];
  add(input: { readonly name: string; readonly baseUrl: string; readonly key: string | null }): Promise<Provider>;
  remove(id: string): Promise<void>;
  check(id: string): Promise<Provider>;
}

export interface ChatServices {
  readonly gauge: Gauge<Conversation[]>;
  list(): Promise<Conversation[]>;
  search(text: string, limit: number): Promise<ConversationHit[]>;
  create(input: Given<Pick<Conversation, 'title' | 'systemPrompt' | 'answerer'>>): Promise<Conversation>;
  update(id: string, change: Given<Pick<Conversation, 'title' | 'systemPrompt' | 'answerer' | 'headId'>>): Promise<Conversation>;
  page(id: string, before: number | null, limit: number): Promise<ConversationPage>;
  send(input: SendInput): Promise<{ messageId: string; answerId: string }>;
  regenerate(conversationId: string, messageId: string): Promise<{ answerId: string }>;
  stop(id: string): Promise<void>;
  follow(id: string, signal: AbortSignal | undefined): AsyncIterable<ChatEvent>;
  remove(id: string): Promise<void>;
  restore(id: string): Promise<Conversation>;
  export(id: string, format: 'markdown' | 'json'): Promise<{ fileName: string; text: string }>;
}

export interface ComparisonServices {
  list(): Promise<Comparison[]>;
  start(wish: ComparisonWish): Promise<Comparison>;
  get(id: string): Promise<Comparison>;
  /** All of it, then what changes. Ends when it is removed. */
  watch(id: string, signal: AbortSignal | undefined): AsyncIterable<ComparisonChange>;
  vote(id: string, prompt: number, contender: number | null): Promise<Comparison>;
  export(id: string, format: 'markdown' | 'json' | 'csv'): Promise<{ fileName: string; text: string }>;
  remove(id: string): Promise<void>;
  promptSets(): Promise<PromptSet[]>;
  savePromptSet(input: { readonly id: string | null; readonly name: string; readonly prompts: readonly string[] }): Promise<PromptSet>;
  removePromptSet(id: string): Promise<void>;
}

export interface InferenceServices {
  readonly models: ModelServices;
  readonly downloads: DownloadServices;
  readonly backends: BackendServices;
  readonly loaded: LoadedServices;
  readonly providers: ProviderServices;
  readonly chat: ChatServices;
  readonly comparisons: ComparisonServices;
}
