import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** resources/data/gpu-hardware.json: peak memory bandwidth by the driver's product name. */
const gpuHardware = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), source: z.string(), keys: z.string() }),
  gpus: z.array(z.object({ name: z.string(), driverNames: z.array(z.string()), computeCapability: z.string(), memoryBandwidthGBps: z.number(), hbm: z.boolean() })),
});
export type GpuHardware = z.infer<typeof gpuHardware>;

/** @throws when the table that ships is missing or wrong */
export async function readGpuHardware(resources: string): Promise<GpuHardware> {
  return gpuHardware.parse(JSON.parse(await readFile(join(resources, 'data', 'gpu-hardware.json'), 'utf8')));
}
