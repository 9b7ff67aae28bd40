import { firstJob } from './used.ts';

firstJob();
