import type { BenchmarkRun } from '../../../contract/benchmarks.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { ArmWish } from '../parts.ts';

/** What `createBenchmarks` is told of the machine by the assembler. */
export interface MeasuringPlace {
  /** `cpu` or a GPU's UUID. */
  readonly key: string;
  /** For people, and for a GPU the driver's product name, with which the hardware table is read. */
  readonly name: string;
}

/** A torch environment that fits a place. */
export interface TorchSubject {
  readonly arm: NonNullable<ArmWish['environment']>;
  readonly told: NonNullable<BenchmarkRun['environment']>;
  /** Threads of a case that names none; left out: the library's own choice. */
  readonly threads?: number;
}

/** NumPy in the place of a torch environment. */
export interface NumpySubject extends TorchSubject {
  readonly threads: number;
  /** What the run says of it: sentences. */
  readonly notes: readonly string[];
}

/** A model with how it is run. */
export interface ModelSubject {
  readonly arm: NonNullable<ArmWish['model']>;
  readonly told: NonNullable<BenchmarkRun['model']>;
}

/** NumPy for the processor, where no PyTorch was found. */
export interface NumpyMeans {
  /**
   * Of an environment, else of a folder of Warpdeck's own that is made when it is first needed.
   * @throws ProblemError `bench.no_python`, `bench.numpy_fetch`, `bench.numpy_fails`; on abort the signal's reason
   */
  prepare(job: Pick<JobContext, 'signal' | 'progress' | 'log'>): Promise<NumpySubject>;
  /** What `prepare` would take, without starting or fetching anything; or why it would not. */
  look(): Promise<{ readonly with: string; readonly why: null } | { readonly with: null; readonly why: string }>;
}

export interface Machine {
  /** GPUs that are really there in the driver's order, then the processor. */
  places(): readonly MeasuringPlace[];
  driverVersion(): string | null;
  /** Threads that the processor offers. */
  readonly threads: number;
  /** What could explain a difference later: power limit, link, display, other processes. */
  conditions(place: string): Promise<BenchmarkRun['conditions']>;
  /** By id; null: the best one of this machine for the place. @throws ProblemError `bench.no_torch` */
  torch(environmentId: string | null, place: string): Promise<TorchSubject>;
  /** PyTorch's release in an environment as it was last read; null: not known yet. What was read is not read anew: it is asked at every change. */
  knownTorch(environmentId: string): string | null;
  readonly numpy: NumpyMeans;
  /** By id; null: the default model. @throws ProblemError `model.*` */
  model(modelId: string | null, place: string): Promise<ModelSubject>;
}
