import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing } from '../snapshot/file-trouble.ts';

export const JOURNAL_FILE = 'journal.jsonl';

/** Each is on the disk before what it names begins; `snapshot_done`, `commit` and `rolled_back` when it has ended. */
const journalEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('begin'), atMs: z.number() }),
  z.object({ event: z.literal('snapshot'), atMs: z.number(), folder: z.string(), method: z.string() }),
  z.object({ event: z.literal('snapshot_done'), atMs: z.number() }),
  z.object({ event: z.literal('apply'), atMs: z.number() }),
  /** A program that changes the environment, which leads its own process group. */
  z.object({ event: z.literal('process'), atMs: z.number(), pid: z.int(), startTicks: z.string().nullable() }),
  z.object({ event: z.literal('verify'), atMs: z.number() }),
  z.object({ event: z.literal('check'), atMs: z.number(), name: z.string() }),
  z.object({ event: z.literal('flush'), atMs: z.number() }),
  z.object({ event: z.literal('commit'), atMs: z.number() }),
  z.object({ event: z.literal('rollback'), atMs: z.number(), why: z.string() }),
  z.object({ event: z.literal('rolled_back'), atMs: z.number() }),
]);
export type JournalEvent = z.infer<typeof journalEvent>;
type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export interface UpgradeJournal {
  /** On the disk when it returns. */
  append(event: WithoutTime<JournalEvent>): Promise<void>;
  close(): Promise<void>;
}

export async function openJournal(folder: string, now: () => number): Promise<UpgradeJournal> {
  const handle = await open(join(folder, JOURNAL_FILE), 'a', 0o600);
  return {
    async append(event) {
      // A line that was cut off by a crash must not swallow this one.
      await handle.writeFile(`\n${JSON.stringify({ ...event, atMs: now() })}\n`);
      await handle.sync();
    },
    close: () => handle.close(),
  };
}

export async function readJournal(folder: string): Promise<readonly JournalEvent[]> {
  try {
    return parseJournal(await readFile(join(folder, JOURNAL_FILE), 'utf8'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Pure: lines that were cut off, or are none of ours, are passed over. */
export function parseJournal(text: string): readonly JournalEvent[] {
  return text.split('\n').flatMap((line) => {
    try {
      return journalEvent.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}

/**
 * Pure: what an interrupted upgrade needs. `keep`: it had been committed. `restore`: the environment may be between.
 * `discard`: it had not been touched, or was as before already; only the snapshot is to go.
 */
export function decideRecovery(events: readonly JournalEvent[]): 'keep' | 'restore' | 'discard' {
  const seen = new Set(events.map((one) => one.event));
  if (seen.has('commit')) return 'keep';
  if (seen.has('rolled_back') || !seen.has('apply')) return 'discard';
  return 'restore';
}
