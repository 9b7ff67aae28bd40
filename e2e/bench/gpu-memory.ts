import type { Client } from './engine-process.ts';

/** The driver's medium readings come once a second: after one that began this long after the question, all of it is new, ms. */
const FRESH_MS = 1500;
const LIMIT_MS = 10_000;

/** Memory in use of all GPUs together as the driver says it now, MB (10⁶ bytes); null: no GPU, or not reported. */
export async function readGpuMemory(client: Client): Promise<number | null> {
  const { devices } = await client.gpus.list({});
  if (devices.length === 0) return null;
  const askedAtMs = Date.now();
  const used = new Map<string, number | null>();
  const stop = AbortSignal.timeout(LIMIT_MS);
  try {
    for await (const item of await client.gpus.watch({ rateHz: 2 }, { signal: stop })) {
      if (item.type !== 'frame' || item.frame.atMs < askedAtMs + FRESH_MS) continue;
      for (const sample of item.frame.samples) if (sample.medium !== undefined) used.set(sample.uuid, sample.medium.memUsedBytes);
      if (devices.every((device) => used.has(device.uuid))) break;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  const values = [...used.values()].filter((bytes) => bytes !== null);
  return values.length === 0 ? null : values.reduce((sum, bytes) => sum + bytes, 0) / 1e6;
}

/** GPU memory of one process by the driver's list, MB; null: it does not say (in a container it often cannot). */
export async function readGpuMemoryOf(client: Client, pid: number): Promise<number | null> {
  const { processes } = await client.gpus.processes({});
  const bytes = processes.filter((process) => process.pid === pid).map((process) => process.memUsedBytes);
  return bytes.length === 0 || bytes.some((one) => one === null) ? null : bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) / 1e6;
}
