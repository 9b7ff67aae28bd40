// guard: depcruise/not-in-allowed
import { board } from '../renderer/features/monitor/board.ts';

export const name = board.name;
