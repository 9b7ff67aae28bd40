// guard: depcruise/not-in-allowed
import { z } from 'zod';

export const text = z.string();
