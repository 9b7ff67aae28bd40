import { tuneResult, type TuneResult } from '../../../contract/optimize.ts';
import type { Logger } from '../../logging/logger.ts';
import { createListFile, type ListFile } from '../list-file.ts';

export const MAX_RESULTS = 100;

/** Searches that have been made. @param folder null: kept in memory only */
export const createTuneStore = (folder: string | null, log: Logger): ListFile<TuneResult> =>
  createListFile(folder, { file: 'tune-results.json', field: 'results', schema: tuneResult, what: 'Searches for settings', most: MAX_RESULTS, maxBytes: 16_777_216 }, log);
