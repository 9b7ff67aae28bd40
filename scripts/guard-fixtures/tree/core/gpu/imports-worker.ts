// guard: depcruise/not-in-allowed
import { timing } from '../../native-workers/benchmark/timing.ts';

export const host = timing.host;
