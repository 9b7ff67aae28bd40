import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { resourcesFolder } from '../../system/entry-points.ts';

const num = z.number().nullable();

/** One row of resources/data/gpu-models.json: what the simulation knows of a product. Sources stand in the file. */
export const gpuModel = z.object({
  name: z.string(),
  architecture: z.string(),
  computeCapability: z.string(),
  memTotalMiB: num,
  memReservedMiB: num,
  unifiedMemory: z.boolean(),
  powerIdleWatts: z.number(),
  powerDefaultLimitWatts: z.number(),
  powerMinLimitWatts: num,
  powerMaxLimitWatts: num,
  clockIdleSmMhz: z.number(),
  clockMaxSmMhz: z.number(),
  clockIdleMemMhz: num,
  clockMaxMemMhz: num,
  /** Where the driver begins to lower clocks for heat. */
  softThermalCelsius: z.number(),
  slowdownCelsius: z.number(),
  shutdownCelsius: z.number(),
  /** Where the die settles at the default power limit with clean fans at full speed in a room of 24 °C. */
  fullLoadCelsius: z.number(),
  fanCount: num,
  ecc: z.boolean(),
  memTemperature: z.boolean(),
  busyPstate: z.int(),
  pcieGen: num,
  pcieWidth: num,
  nvlinkCount: z.int(),
  nvlinkBothDirectionsGBps: z.number(),
});
export type GpuModel = z.infer<typeof gpuModel>;

const gpuModelsFile = z.object({ models: z.array(gpuModel).min(1), order: z.array(z.int().min(0)).length(16), migModelIndex: z.int() });

/** The products of a simulated machine by index; `mig` marks the one that is split into instances. */
export interface SimulatedMachine {
  readonly model: GpuModel;
  readonly mig: boolean;
}

/** Reads the table that ships with the app: the first `count` (1–16) devices of the simulated machine. */
export function readSimulatedMachine(count: number, folder: string = resourcesFolder()): readonly SimulatedMachine[] {
  const table = gpuModelsFile.parse(JSON.parse(readFileSync(join(folder, 'data', 'gpu-models.json'), 'utf8')));
  return table.order.slice(0, Math.max(1, Math.min(16, Math.trunc(count)))).map((row, index) => {
    const model = table.models[row];
    if (model === undefined) throw new Error(`gpu-models.json: order ${index} names row ${row}, which is missing`);
    return { model, mig: index === table.migModelIndex };
  });
}
