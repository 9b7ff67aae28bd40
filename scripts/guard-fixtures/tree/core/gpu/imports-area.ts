// guard: depcruise/not-in-allowed
// guard: depcruise/areas-apart
import { firstJob } from '../jobs/job-list.ts';

export const first = firstJob([]);
