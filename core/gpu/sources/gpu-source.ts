import type { SourceKind, Provenance } from '../../../contract/gpu.ts';
import type { Demand, SourceEvent } from '../../../contract/nvml-worker.ts';
import type { SimulatedFault } from '../../../contract/system.ts';

/**
 * One of nvml, smi, replay, simulate, none. A source emits `devices` before its first `frame`; a `problem`
 * whenever it cannot read (and null when it can again). It never throws after `start`.
 */
export interface GpuSource {
  readonly kind: SourceKind;
  readonly simulated: boolean;
  readonly provenance: Provenance | null;
  start(): void;
  setDemand(demand: Demand): void;
  /** Look for driver and devices again now. */
  refresh(): void;
  /** Only the simulation: bring a fault upon a device. */
  fault?(fault: SimulatedFault): void;
  stop(): Promise<void>;
}
export type Emit = (event: SourceEvent) => void;
