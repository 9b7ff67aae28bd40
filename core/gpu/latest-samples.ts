import type { Device, DeviceSample, GpuFrame } from '../../contract/gpu.ts';

export interface LatestSample {
  /** The newest reading of each tier: the slower ones are older than `atMs`. */
  readonly sample: DeviceSample;
  readonly atMs: number;
  /** When memory and what else is read once a second was read; null: it has not been. */
  readonly mediumAtMs: number | null;
}

export interface LatestSamples {
  readonly byUuid: ReadonlyMap<string, LatestSample>;
  add(frame: GpuFrame): void;
  /** Forgets devices that are no longer there. */
  keepOnly(devices: readonly Device[]): void;
}

/** The newest sample of each device. One that is lost keeps no old values. */
export function createLatestSamples(): LatestSamples {
  const byUuid = new Map<string, LatestSample>();
  return {
    byUuid,
    add(frame) {
      for (const s of frame.samples) {
        const before = byUuid.get(s.uuid);
        const mediumAtMs = s.state !== 'ok' ? null : s.medium === undefined ? (before?.mediumAtMs ?? null) : frame.atMs;
        byUuid.set(s.uuid, { atMs: frame.atMs, mediumAtMs, sample: s.state === 'ok' && before !== undefined ? { ...before.sample, ...s } : s });
      }
    },
    keepOnly(devices) {
      for (const uuid of byUuid.keys()) if (!devices.some((d) => d.uuid === uuid)) byUuid.delete(uuid);
    },
  };
}
