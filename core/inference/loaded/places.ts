import type { Device, Inventory } from '../../../contract/gpu.ts';
import type { Place } from '../parts.ts';
import type { Machine } from '../settings/read-machine.ts';
import type { GpuHardware } from './gpu-hardware.ts';

export interface PlacesInput {
  readonly inventory: Pick<Inventory, 'devices' | 'simulated'>;
  /** By UUID, as last read. */
  readonly freeBytes: ReadonlyMap<string, number>;
  readonly machine: Pick<Machine, 'cpuName' | 'memoryBytes' | 'freeBytes'>;
  readonly hardware: Pick<GpuHardware, 'gpus'>;
}

/** Where a model can run here: every GPU that is really there, then the processor. */
export function decidePlaces({ inventory, freeBytes, machine, hardware }: PlacesInput): Place[] {
  const real = inventory.simulated ? [] : inventory.devices;
  const gpus = real.filter((device) => !isCutIntoParts(device, real)).map((device): Place => ({
    key: device.uuid,
    name: device.name,
    kind: 'gpu',
    freeBytes: device.unifiedMemory ? machine.freeBytes : (freeBytes.get(device.uuid) ?? null),
    capacityBytes: device.unifiedMemory ? machine.memoryBytes : device.memTotalBytes,
    bandwidth: decideBandwidth(device, hardware),
    computeCapability: device.computeCapability,
    unifiedMemory: device.unifiedMemory,
  }));
  // Its memory's speed is not in any table: channels and modules differ. It is learned by measuring.
  return [...gpus, { key: 'cpu', name: machine.cpuName, kind: 'cpu', freeBytes: machine.freeBytes, capacityBytes: machine.memoryBytes, bandwidth: null, computeCapability: null, unifiedMemory: false }];
}

/** With MIG on, only its instances take work. */
function isCutIntoParts(device: Device, all: readonly Device[]): boolean {
  return device.kind === 'gpu' && device.migMode === 'enabled' && all.some((d) => d.parentUuid === device.uuid);
}

/** The peak by the product's whole name. A MIG instance has a share of its parent's memory system: none is said. */
function decideBandwidth(device: Device, hardware: Pick<GpuHardware, 'gpus'>): Place['bandwidth'] {
  if (device.kind === 'mig') return null;
  const row = hardware.gpus.find((gpu) => gpu.driverNames.includes(device.name));
  return row === undefined ? null : { bytesPerSecond: row.memoryBandwidthGBps * 1e9, from: `data sheet of the ${row.name}` };
}
