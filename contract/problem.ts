import { z } from 'zod';

/** What may be done about a Problem, as data: a face turns each into a button or a line of text. */
export const problemAction = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('copy'), label: z.string(), command: z.string() }),
  z.object({ kind: z.literal('open'), label: z.string(), place: z.string() }),
  z.object({ kind: z.literal('call'), label: z.string(), operation: z.string(), input: z.unknown() }),
]);
export type ProblemAction = z.infer<typeof problemAction>;

export const severity = z.enum(['info', 'attention', 'problem']);
export type Severity = z.infer<typeof severity>;

/**
 * The only shape in which trouble crosses a boundary or reaches a screen.
 * `code` is stable and finds the wording in `problem-catalogue.ts`; `incident` finds the log lines.
 */
export const problem = z.object({
  code: z.string(),
  severity,
  title: z.string(),
  cause: z.string(),
  remedy: z.string(),
  actions: z.array(problemAction).default([]),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).default({}),
  chain: z.array(z.string()).default([]),
  retry: z.enum(['no', 'now', 'later']).default('no'),
  incident: z.string().nullable().default(null),
});
export type Problem = z.infer<typeof problem>;

/** A Problem on its way up. Thrown inside a process; at its edge it becomes data. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(value: Problem, options?: { cause?: unknown }) {
    super(`${value.code}: ${value.title}`, options);
    this.name = 'ProblemError';
    this.problem = value;
  }
}

/** The Problem inside anything thrown, or null. */
export function problemOf(error: unknown): Problem | null {
  return error instanceof ProblemError ? error.problem : null;
}
