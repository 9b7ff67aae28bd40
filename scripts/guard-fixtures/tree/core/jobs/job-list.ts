import type { Shape } from '../../contract/shape.ts';

export function firstJob(shapes: readonly Shape[]): string | null {
  return shapes[0]?.name ?? null;
}
