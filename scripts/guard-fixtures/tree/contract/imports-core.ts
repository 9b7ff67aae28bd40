// guard: depcruise/not-in-allowed
import { firstJob } from '../core/jobs/job-list.ts';

export const first = firstJob([]);
