import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { jobLogLine, type JobLogLine } from '../../contract/jobs.ts';

/** A job's log: all of it in its file, the newest lines in memory too. */
export interface JobLog {
  add(line: JobLogLine): void;
  /** From the first line on, each once, in order; ends when `end` was called and all was read, or when aborted. */
  read(signal?: AbortSignal): AsyncIterable<JobLogLine>;
  /** No more lines will come. Resolves when what can be written is. */
  end(): Promise<void>;
}

/** Characters kept in memory of a running job. What is not on disk yet is kept beyond it, up to four times as much. */
const MEMORY_CHARS = 1_000_000;

/** `path` null: memory only. `ended`: a job of an earlier engine, read from its file. */
export function openJobLog(path: string | null, ended: boolean, onWriteError: (error: unknown) => void): JobLog {
  let lines: JobLogLine[] = [];
  /** Number of the first line in memory; lines are numbered from 0. */
  let first = 0;
  let written = 0;
  let chars = 0;
  let over = ended;
  let writing: Promise<void> | null = null;
  let wake: (() => void)[] = [];

  const wakeAll = (): void => {
    const now = wake;
    wake = [];
    for (const one of now) one();
  };
  const makeRoom = (): void => {
    let drop = 0;
    while (chars > MEMORY_CHARS && drop < lines.length - 1 && (first + drop < written || chars > 4 * MEMORY_CHARS || path === null)) {
      chars -= lines[drop]?.text.length ?? 0;
      drop++;
    }
    if (drop === 0) return;
    lines = lines.slice(drop);
    first += drop;
  };
  const writeWaiting = async (target: string): Promise<void> => {
    while (written < first + lines.length) {
      const from = Math.max(written, first);
      const part = lines.slice(from - first);
      await appendFile(target, part.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
      written = from + part.length;
      makeRoom();
    }
  };
  const startWriting = (): void => {
    if (path === null || writing !== null) return;
    writing = writeWaiting(path).catch(onWriteError).finally(() => { writing = null; });
  };

  async function* fromFile(target: string, from: number, to: number): AsyncGenerator<JobLogLine> {
    const stream = createReadStream(target, 'utf8');
    try {
      let number = 0;
      for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
        if (number >= to) break;
        if (number++ < from) continue;
        const line = jobLogLine.safeParse(parseJson(text));
        if (line.success) yield line.data;
      }
    } catch {
      // No file: nothing was ever logged, or it was removed.
    } finally {
      stream.destroy();
    }
  }

  return {
    add(line) {
      lines.push(line);
      chars += line.text.length;
      makeRoom();
      startWriting();
      wakeAll();
    },
    async *read(signal) {
      if (ended) {
        if (path !== null) for await (const line of fromFile(path, 0, Infinity)) {
          if (isAborted(signal)) return;
          yield line;
        }
        return;
      }
      let next = 0;
      const stop = (): void => wakeAll();
      signal?.addEventListener('abort', stop);
      try {
        while (!isAborted(signal)) {
          if (next < first) {
            const upTo = first;
            if (path !== null) for await (const line of fromFile(path, next, upTo)) {
              if (isAborted(signal)) return;
              yield line;
            }
            next = upTo;
          } else if (next < first + lines.length) {
            const line = lines[next - first];
            next++;
            if (line !== undefined) yield line;
          } else if (over) return;
          else await new Promise<void>((resolve) => wake.push(resolve));
        }
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
    async end() {
      over = true;
      wakeAll();
      if (path === null) return;
      await writing;
      startWriting();
      await writing;
      // All is in the file: readers take it from there.
      if (written === first + lines.length) {
        first = written;
        lines = [];
        chars = 0;
      }
    },
  };
}

/** A function, because the value changes behind the compiler's back. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
