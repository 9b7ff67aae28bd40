// guard: tsc/TS2835
import { firstJob } from '../jobs/job-list';

export const first: unknown = firstJob;
