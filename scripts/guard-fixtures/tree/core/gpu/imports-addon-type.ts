// guard: depcruise/not-in-allowed
import type { KoffiFunction } from 'koffi';

export type Call = KoffiFunction;
