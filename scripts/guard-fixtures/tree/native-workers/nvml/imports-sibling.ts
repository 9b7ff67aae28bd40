// guard: depcruise/not-in-allowed
import { timing } from '../benchmark/timing.ts';

export const host = timing.host;
