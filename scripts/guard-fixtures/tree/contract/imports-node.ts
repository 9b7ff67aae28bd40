// guard: depcruise/not-in-allowed
// guard: tsc/TS2591
import { readFileSync } from 'node:fs';

export const text: unknown = readFileSync('x');
