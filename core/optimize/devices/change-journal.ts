import { deviceChange, type DeviceChange } from '../../../contract/optimize.ts';
import type { Logger } from '../../logging/logger.ts';
import { createListFile, type ListFile } from '../list-file.ts';

/** Written before a change is made: what an engine that is killed leaves behind is found here. @param folder null: kept in memory only */
export const createChangeJournal = (folder: string | null, log: Logger): ListFile<DeviceChange> =>
  createListFile(folder, { file: 'device-changes.json', field: 'changes', schema: deviceChange, what: 'Earlier changes of devices', most: 200, maxBytes: 1_048_576 }, log);
