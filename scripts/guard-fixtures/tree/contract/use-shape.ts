import type { Shape } from './shape.ts';

export function nameOf(shape: Shape): string {
  return shape.name;
}
