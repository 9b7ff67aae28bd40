import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inventory } from '../../contract/gpu.ts';
import type { SourceEvent } from '../../contract/nvml-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { RecordingInfo } from '../../contract/system.ts';
import { createRecordingWriter } from './sources/write-recording.ts';

/** What a running job may do; the part of `core/jobs` that a recording needs. */
export interface RecordContext {
  readonly signal: AbortSignal;
  progress(p: { fraction: number | null; doing?: string }): void;
  log(text: string): void;
}

export interface RecordSource {
  list(): Inventory;
  onSourceEvent(listener: (event: SourceEvent) => void): () => void;
  watch(rateHz: number): () => void;
  watchProcesses(): () => void;
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');
const fileName = (at: Date): string => `${String(at.getFullYear())}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}-${twoDigits(at.getHours())}${twoDigits(at.getMinutes())}${twoDigits(at.getSeconds())}-${String(at.getMilliseconds()).padStart(3, '0')}.jsonl`;

/** A source that has just been started says what it has within a moment; nothing can be recorded before. */
const KNOWN_AFTER_MS = 10_000;

/** The inventory, once the source has spoken. */
async function whenKnown(source: RecordSource, signal: AbortSignal): Promise<Inventory> {
  if (source.list().state !== 'starting') return source.list();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      stop();
      resolve();
    };
    const timer = setTimeout(done, KNOWN_AFTER_MS);
    // The event is heard before the service has taken it: look in the next turn.
    const stop = source.onSourceEvent((event) => { if (event.type === 'devices' || event.type === 'problem') setImmediate(done); });
    signal.addEventListener('abort', done);
  });
  return source.list();
}

/**
 * Records for `seconds` what the source says, at 10 Hz and with processes. A cancelled recording keeps what is whole.
 * @throws ProblemError `file.*`, or what the source says when it has nothing to record
 */
export async function record(source: RecordSource, folder: string, app: string, input: { readonly seconds: number; readonly note: string | null }, job: RecordContext): Promise<{ path: string; frames: number; bytes: number; lostFrames: number }> {
  const inventory = await whenKnown(source, job.signal);
  if (inventory.problem !== null && inventory.devices.length === 0) throw new ProblemError(inventory.problem);
  if (inventory.devices.length === 0) throw problemError('gpu.none');
  const path = join(folder, fileName(new Date()));
  // First of all: where it cannot be made, nobody has asked for a faster rate yet.
  const writer = await createRecordingWriter({ path, app, inventory, note: input.note });
  const unwatch = source.watch(10);
  const unwatchProcesses = source.watchProcesses();
  const stop = source.onSourceEvent((event) => { writer.write(event); });
  const started = performance.now();
  try {
    await new Promise<void>((resolve) => {
      const tick = setInterval(() => {
        const seconds = (performance.now() - started) / 1000;
        const { frames } = writer.counts();
        job.progress({ fraction: Math.min(1, seconds / input.seconds), doing: `${String(frames)} readings` });
        if (seconds >= input.seconds || job.signal.aborted || writer.problem() !== null) end();
      }, Math.min(200, input.seconds * 100));
      const end = (): void => {
        clearInterval(tick);
        job.signal.removeEventListener('abort', end);
        resolve();
      };
      job.signal.addEventListener('abort', end);
      if (job.signal.aborted) end();
    });
  } finally {
    stop();
    unwatch();
    unwatchProcesses();
  }
  const { lostFrames } = writer.counts();
  const { frames, bytes } = await writer.close();
  job.log(`${String(frames)} readings, ${String(bytes)} bytes`);
  return { path, frames, bytes, lostFrames };
}

/** Recordings in the folder, newest first. */
export async function listRecordings(folder: string): Promise<RecordingInfo[]> {
  const names = await readdir(folder).catch(() => []);
  const infos = await Promise.all(names.filter((n) => n.endsWith('.jsonl')).map(async (name): Promise<RecordingInfo | null> => {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => null);
    return facts === null ? null : { name, path, sizeBytes: facts.size, atMs: facts.mtimeMs };
  }));
  return infos.filter((i) => i !== null).sort((a, b) => b.atMs - a.atMs);
}
