/** What the parts of this area give each other. Each is made in its own folder; `assemble-inference.ts` ties them. */
import type { BackendKind, EngineSettings, GenerateRequest, GenerationEvent } from '../../contract/inference.ts';
import type { Inventory, ProcessReading } from '../../contract/gpu.ts';
import type { GgufFacts, MemoryEstimate, Model } from '../../contract/models.ts';

/** Where a model can run: a GPU that is really there, or the processor. */
export interface Place {
  /** GPU UUID, or `cpu`. */
  readonly key: string;
  readonly name: string;
  readonly kind: 'gpu' | 'cpu';
  readonly freeBytes: number | null;
  readonly capacityBytes: number | null;
  /** Peak of its memory, bytes a second, and where that number comes from. */
  readonly bandwidth: { readonly bytesPerSecond: number; readonly from: string } | null;
  /** `9.0`. */
  readonly computeCapability: string | null;
  /** It shares the machine's memory. */
  readonly unifiedMemory: boolean;
}

export interface ModelFinder {
  /** By id, path, name or offered id; null: the default one. @throws ProblemError `model.not_found`, `model.none` */
  find(reference: string | null): Promise<Model>;
  used(id: string, atMs: number): void;
}

/** A build of llama.cpp that has proved to run here. */
export interface ChosenBackend {
  readonly id: string;
  readonly kind: BackendKind;
  /** Folder of the node-llama-cpp package that holds it; null: the one that ships. */
  readonly engineFolder: string | null;
  /** For the worker's process: where the CUDA runtime lies. */
  readonly env: Readonly<Record<string, string>>;
  readonly release: string;
  readonly why: string;
}

export interface BackendChooser {
  /**
   * Asked for by name: that one or a Problem. `auto`: CUDA, then Vulkan, then the processor; with `devices` named, never
   * the processor. @throws ProblemError `engine.no_backend`, `engine.backend_fails`, `engine.cuda_runtime_missing`
   */
  choose(wish: Pick<EngineSettings, 'backend' | 'devices'>, signal?: AbortSignal): Promise<ChosenBackend>;
}

/** What a load or an answer showed, kept so that later estimates and predictions are better. */
export interface Experience {
  estimate(facts: GgufFacts, settings: EngineSettings, place: Place, backend: BackendKind): MemoryEstimate;
  /** Bytes on that place before, after loading, as the driver (or the system) said. */
  recordLoad(entry: { readonly modelId: string; readonly place: string; readonly backend: BackendKind; readonly estimate: MemoryEstimate; readonly truthBytes: number; readonly atMs: number }): void;
  /** Bytes that are read for one token when so many are in the context. */
  bytesPerToken(facts: GgufFacts, contextUsed: number, settings: Pick<EngineSettings, 'cacheTypeK' | 'cacheTypeV'>): number;
  recordSpeed(entry: { readonly modelId: string; readonly place: string; readonly backend: BackendKind; readonly bytesPerToken: number; readonly depth: number; readonly tokensPerSecond: number; readonly tokens: number; readonly synthetic: boolean; readonly atMs: number }): void;
}

/** The driver's readings of the devices that are really there. */
export interface GpuReadings {
  inventory(): Inventory;
  /** Free bytes by UUID, as last read; absent: not reported. */
  freeBytes(): ReadonlyMap<string, number>;
  /** When the oldest of `freeBytes` was read, Unix ms; null: there is none. */
  freeBytesAtMs(): number | null;
  processes(): Promise<ProcessReading>;
  /** Reads ten times a second until it is called off. */
  hold(): () => void;
  /** Watts and load of a device as last read, and its energy counter. */
  latest(uuid: string): { readonly atMs: number; readonly powerWatts: number | null; readonly utilGpuPercent: number | null; readonly energyJoules: number | null; readonly memUsedBytes: number | null } | null;
  onReading(listener: () => void): () => void;
}

/** Whatever answers: a model of this machine, or a provider. */
export type Answer = (request: GenerateRequest, signal?: AbortSignal) => AsyncIterable<GenerationEvent>;
