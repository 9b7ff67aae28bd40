/** What the parts of benchmarks and of optimize give each other. */
import type { BenchmarkCase, BenchmarkSample } from '../../contract/benchmarks.ts';
import type { FoundEnvironment } from '../../contract/environments.ts';
import type { ChosenToggle, CommandWorkload } from '../../contract/optimize.ts';
import type { EngineSettings } from '../../contract/inference.ts';

export interface ArmEnvironment extends Pick<FoundEnvironment, 'id' | 'prefix' | 'python'> {
  /** It measures with NumPy instead of PyTorch: with that of the environment, or of the folder `packages`. */
  readonly numpy?: { readonly packages: string | null };
}

/** What one process measures again and again: a workload, with toggles, at a place. */
export interface ArmWish {
  readonly workload: string | CommandWorkload;
  /** `cpu` or a GPU's UUID. */
  readonly place: string;
  /** For torch: the interpreter inside the environment. */
  readonly environment: ArmEnvironment | null;
  /** For llama.cpp. */
  readonly model: { readonly id: string; readonly settings: Partial<EngineSettings> } | null;
  /** Applied inside the process (`code`) or to its environment (`variable`). */
  readonly toggles: readonly ChosenToggle[];
  readonly variables: Readonly<Record<string, string>>;
  /** Another process measures between two samples of this one: each time the GPU has gone down with its clocks and has nothing queued. */
  readonly alternating?: boolean;
}

export interface ArmSample {
  /** In the unit of the workload. */
  readonly value: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Peak that the allocator reserved since the start of the process, bytes. */
  readonly memoryBytes: number | null;
  readonly repetitions: number;
  /** Repetitions that ran between start and end, untimed ones too; left out: `repetitions`. */
  readonly ran?: number | undefined;
  /** What the GPU took for the repetitions, by its own counter; null: not read by the process itself. */
  readonly joules?: number | null;
}

/** A process that measures; it may hang or die of it. */
export interface Arm {
  /** Versions and conditions that it reports of itself: torch, cuda, cudnn, device, precision flags, and toggles that this torch does not know (`unknown`). */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
  /** Untimed, until the last ten times agree within 1 % or `seconds` are over. */
  warmUp(seconds: number): Promise<void>;
  sample(): Promise<ArmSample>;
  /** Largest error against FP64, relative to the largest true value; null: the workload has no truth. */
  error(): Promise<number | null>;
  end(): Promise<void>;
}

/** @throws ProblemError `bench.*`, `python.*`; on abort the signal's reason */
export type StartArm = (wish: ArmWish, signal: AbortSignal, log: (text: string) => void) => Promise<Arm>;

/** What the GPU did between two times, from the samples that the engine holds anyway (10 Hz while somebody measures). */
export interface Readings {
  /** Asks for 10 Hz until called. */
  hold(): () => void;
  /** Waits until samples up to `toMs` have come (at most 300 ms). Of a processor, or where nothing is reported: nulls. */
  between(place: string, fromMs: number, toMs: number): Promise<Pick<BenchmarkSample, 'powerWatts' | 'smClockMhz' | 'tempCelsius' | 'eventReasons'> & { readonly joules: number | null; readonly otherProcesses: number | null }>;
}

/** One case with what a process needs to know to run it. */
export interface CaseRecipe extends BenchmarkCase {
  /** The name under which resources/python or the llama arm knows it, with its parameters: `matmul:dtype=bf16,n=8192`. */
  readonly workload: string;
}
