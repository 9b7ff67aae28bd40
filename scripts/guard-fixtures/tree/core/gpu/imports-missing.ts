// guard: depcruise/no-unresolvable
// guard: tsc/TS2307
import { nothing } from './not-there.ts';

export const something: unknown = nothing;
