import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A log file that begins anew when it is full and keeps the ones before. Never throws: a log must not be the fault. */
export interface RotatingFile {
  write(line: string): void;
  setKeepBytes(bytes: number): void;
  /** The last text in the file, from the beginning of a line. */
  tail(maxBytes: number): string;
  /** Lines that could not be written (a full disk). */
  lost(): number;
}

/** The newest file and three older ones share what may be kept. */
const FILES = 4;

export function openRotatingFile(dir: string, name: string, keepBytes: number): RotatingFile {
  const path = (n: number): string => join(dir, n === 0 ? `${name}.log` : `${name}.${n}.log`);
  let keep = keepBytes;
  let fd: number | null = null;
  let size = 0;
  let lost = 0;
  /** A line was cut in the middle: the next one begins on a line of its own. */
  let cut = false;

  const open = (): void => {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      fd = openSync(path(0), 'a+', 0o600);
      size = fstatSync(fd).size;
    } catch {
      fd = null;
    }
  };
  const close = (): void => {
    try {
      if (fd !== null) closeSync(fd);
    } catch {
      // It is gone either way.
    }
    fd = null;
  };
  const rotate = (): void => {
    close();
    try {
      rmSync(path(FILES - 1), { force: true });
      for (let n = FILES - 2; n >= 0; n--) moveIfThere(path(n), path(n + 1));
    } catch {
      // Goes on in the same file.
    }
    open();
  };
  open();

  return {
    write(line) {
      if (fd === null) open();
      const bytes = Buffer.from(cut ? `\n${line}` : line);
      if (size > 0 && size + bytes.length > keep / FILES) rotate();
      if (fd === null) {
        lost++;
        return;
      }
      let done = 0;
      try {
        // `writeSync` may write less than asked for where room is short.
        while (done < bytes.length) done += writeSync(fd, bytes, done);
        cut = false;
      } catch {
        lost++;
        cut = cut || done > 0;
      }
      size += done;
    },
    setKeepBytes(bytes) {
      keep = bytes;
    },
    tail(maxBytes) {
      try {
        if (fd === null) return '';
        const from = Math.max(0, fstatSync(fd).size - maxBytes);
        const buffer = Buffer.alloc(maxBytes);
        const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, maxBytes, from));
        return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
      } catch {
        return '';
      }
    },
    lost: () => lost,
  };
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
