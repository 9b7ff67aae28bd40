import { oc } from '@orpc/contract';
import { z } from 'zod';

export const shape = z.object({ name: z.string() });
export type Shape = Readonly<z.infer<typeof shape>>;

export const api = { get: oc.output(shape) };
