// guard: tsc/TS1484
import { Shape } from '../../contract/shape.ts';

export const shape: Shape = { name: 'x' };
