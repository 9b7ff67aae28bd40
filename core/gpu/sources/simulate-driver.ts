import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSimulatedSettings, simulatedFiles, type SimulatedBoard, type SimulatedSettings } from '../../../contract/simulated-driver.ts';
import type { GpuModel } from './gpu-models.ts';

/** Larger is none of ours. */
const MAX_BYTES = 65_536;

export interface SimulatedDriver {
  /** Says which devices there are, for the program that sets. */
  writeDevices(devices: readonly { readonly uuid: string; readonly model: GpuModel; readonly lost: boolean }[]): void;
  /** All settings by UUID when they are others than at the last look, else null. */
  readChanges(): ReadonlyMap<string, SimulatedSettings> | null;
}

/** The memory of a simulated driver, which outlives the process that simulates. Small files: read and written at once. */
export function createSimulatedDriver(folder: string): SimulatedDriver {
  const settingsPath = join(folder, simulatedFiles.settings);
  let seen: string | null = null;
  return {
    writeDevices(devices) {
      const boards: SimulatedBoard[] = devices.map(({ uuid, model, lost }) => ({ uuid, minWatts: model.powerMinLimitWatts, maxWatts: model.powerMaxLimitWatts, defaultWatts: model.powerDefaultLimitWatts, lost }));
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const beside = join(folder, `.${simulatedFiles.devices}.tmp`);
        writeFileSync(beside, JSON.stringify(boards), { mode: 0o600 });
        renameSync(beside, join(folder, simulatedFiles.devices));
      } catch {
        // Without the file nothing can be set; the program that sets says so.
      }
    },
    readChanges() {
      try {
        const { mtimeNs, ino, size } = statSync(settingsPath, { bigint: true });
        const mark = `${mtimeNs} ${ino} ${size}`;
        if (mark === seen || size > MAX_BYTES) return null;
        seen = mark;
        return parseSimulatedSettings(readFileSync(settingsPath, 'utf8'));
      } catch {
        return null;
      }
    },
  };
}
