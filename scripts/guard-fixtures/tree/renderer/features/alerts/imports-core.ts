// guard: depcruise/not-in-allowed
// guard: tsc/TS6307
import { firstJob } from '../../../core/jobs/job-list.ts';

export const first = firstJob([]);
