import { z } from 'zod';
import { problem, type Problem } from '../contract/problem.ts';

/** What stands in `engine.lock`, as far as a face needs it. */
const lock = z.object({ pid: z.int().positive(), socket: z.string().min(1) });
export type EngineLock = z.infer<typeof lock>;

/** The lock file's text → who holds the data folder; null for anything that is not a lock. */
export function parseEngineLock(text: string): EngineLock | null {
  try {
    const parsed = lock.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

const firstWords = z.union([z.object({ ready: z.literal(true), socket: z.string().min(1), pid: z.int() }), z.object({ problem })]);
export type FirstWords = { readonly kind: 'ready'; readonly socket: string } | { readonly kind: 'problem'; readonly problem: Problem } | { readonly kind: 'garbled' };

/** The one line that a starting engine writes on descriptor 3. */
export function parseFirstWords(line: string): FirstWords {
  try {
    const parsed = firstWords.safeParse(JSON.parse(line));
    if (!parsed.success) return { kind: 'garbled' };
    return 'problem' in parsed.data ? { kind: 'problem', problem: parsed.data.problem } : { kind: 'ready', socket: parsed.data.socket };
  } catch {
    return { kind: 'garbled' };
  }
}
