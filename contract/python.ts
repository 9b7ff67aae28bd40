import { z } from 'zod';

/**
 * What a script of resources/python says, one JSON object a line on a private copy of descriptor 1: `hello` first,
 * `result` or `problem` last. What it or a library prints otherwise goes to the log.
 */
export const pythonLine = z.discriminatedUnion('t', [
  z.object({ t: z.literal('hello'), script: z.string(), python: z.string(), pid: z.int() }),
  z.object({ t: z.literal('progress'), fraction: z.number().nullable(), doing: z.string() }),
  z.object({ t: z.literal('item'), data: z.unknown() }),
  z.object({ t: z.literal('problem'), kind: z.string(), text: z.string(), trace: z.string().nullable().default(null) }),
  z.object({ t: z.literal('result'), data: z.unknown() }),
]);
export type PythonLine = z.infer<typeof pythonLine>;
