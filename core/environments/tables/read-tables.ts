import { readCompanionTable, type CompanionTable } from './companion-table.ts';
import { readWheelTable, type WheelTable } from './compatibility-tables.ts';
import { readGpuTable, type GpuTable } from './gpu-table.ts';
import { readImageTable, type ImageTable } from './image-table.ts';

/** All that is known without looking at an environment: read once, handed around. */
export interface Tables {
  readonly wheels: WheelTable;
  readonly gpus: GpuTable;
  readonly companions: CompanionTable;
  readonly images: ImageTable;
}

/**
 * @param resources the folder `resources/`.
 * @throws when a shipped file is missing or does not fit: a fault of the build, found by its test.
 */
export async function readTables(resources: string): Promise<Tables> {
  const [wheels, gpus, companions, images] = await Promise.all([readWheelTable(resources), readGpuTable(resources), readCompanionTable(resources), readImageTable(resources)]);
  return { wheels, gpus, companions, images };
}
