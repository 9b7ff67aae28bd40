// guard: depcruise/not-in-allowed
import { board } from '../features/monitor/board.ts';

export const name = board.name;
