// guard: depcruise/not-in-allowed
import { create } from 'radix-ui';

export const made: unknown = create;
