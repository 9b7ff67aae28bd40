// guard: depcruise/not-in-allowed
// guard: depcruise/features-apart
import { board } from '../monitor/board.ts';

export const name = board.name;
