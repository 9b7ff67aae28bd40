import type { EngineClient } from '../engine/connect.ts';
import type { Device, DeviceSample, Inventory } from '../../contract/gpu.ts';

/** A device with what was read of it last, tiers joined; null while nothing was. */
export interface DeviceReading {
  readonly device: Device;
  readonly sample: DeviceSample | null;
  readonly atMs: number | null;
}

/** A newer sample over an older one: tiers that were not due keep their last reading. */
export function joinSamples(old: DeviceSample | undefined, next: DeviceSample): DeviceSample {
  if (!old) return next;
  return { ...old, ...next };
}

/** The device list once the source has said what it is: found, absent or in trouble. */
export async function readSettledInventory(client: EngineClient, signal: AbortSignal, deadlineMs = 10_000): Promise<Inventory> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  let last = await client.gpus.list({}, { signal });
  if (last.state !== 'starting') return last;
  try {
    for await (const inventory of await client.gpus.watchInventory({}, { signal: limit })) {
      last = inventory;
      if (inventory.state !== 'starting') break;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw error;
  }
  return last;
}

/** The slowest tier is read every few seconds; a device that answers none of it must not hold a command up. */
const READING_LIMIT_MS = 3500;

/** Devices with one reading of every tier each (of the slow one, if wished for); in the end with what has come. */
export async function readDevices(client: EngineClient, signal: AbortSignal, wish: { readonly slow: boolean }): Promise<{ readonly inventory: Inventory; readonly readings: readonly DeviceReading[] }> {
  const inventory = await readSettledInventory(client, signal);
  const samples = new Map<string, { sample: DeviceSample; atMs: number }>();
  const isWhole = (uuid: string): boolean => {
    const sample = samples.get(uuid)?.sample;
    return sample !== undefined && (sample.state !== 'ok' || (sample.fast !== null && sample.medium !== undefined && (sample.slow !== undefined || !wish.slow)));
  };
  if (inventory.devices.length > 0 && inventory.state === 'ok') {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READING_LIMIT_MS)]);
    try {
      for await (const item of await client.gpus.watch({ rateHz: 10 }, { signal: limit })) {
        if (item.type !== 'frame') continue;
        for (const sample of item.frame.samples) samples.set(sample.uuid, { sample: joinSamples(samples.get(sample.uuid)?.sample, sample), atMs: item.frame.atMs });
        if (inventory.devices.every((d) => isWhole(d.uuid))) break;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!limit.aborted) throw error;
    }
  }
  return { inventory, readings: inventory.devices.map((device) => ({ device, sample: samples.get(device.uuid)?.sample ?? null, atMs: samples.get(device.uuid)?.atMs ?? null })) };
}
