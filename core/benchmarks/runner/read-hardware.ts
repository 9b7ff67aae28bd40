import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const figure = z.number().positive().nullable();
const row = z.object({
  name: z.string(),
  driverNames: z.array(z.string()),
  memoryBandwidthGBps: z.number().positive(),
  sms: z.int().optional(),
  peakTflops: z.object({
    fp32: figure, tf32: figure, fp16AccumulateFp32: figure, fp16AccumulateFp16: figure, bf16AccumulateFp32: figure, fp8AccumulateFp32: figure, fp8AccumulateFp16: figure, fp4: figure, int8AccumulateInt32: figure,
  }).optional(),
  peakClockMhz: z.object({ fp32: figure, tensor: figure }).optional(),
  pcieGen: z.int().optional(),
  nvlinkGBps: figure.optional(),
});
export type HardwareRow = z.infer<typeof row>;

/** Peak figures by product: resources/data/gpu-hardware.json. @throws when the table that ships is missing or wrong */
export async function readHardware(resources: string): Promise<readonly HardwareRow[]> {
  return z.object({ gpus: z.array(row) }).parse(JSON.parse(await readFile(join(resources, 'data', 'gpu-hardware.json'), 'utf8'))).gpus;
}
