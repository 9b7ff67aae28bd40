import type { Shape } from '../../../contract/shape.ts';

export const board: Shape = { name: 'board' };
