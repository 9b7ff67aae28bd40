export interface RecordEntry {
  /** As written: relative to the package folder, or absolute. */
  readonly path: string;
  /** `sha256=…` in URL-safe base64; null where none is recorded (RECORD itself, bytecode). */
  readonly hash: string | null;
  readonly sizeBytes: number | null;
}

/** Lines of a RECORD (CSV without a heading: path, hash, size), one at a time. */
export interface RecordReader {
  /** Null at the end. */
  next(): RecordEntry | null;
  /** Lines so far that could not be understood. */
  broken(): number;
}

export function createRecordReader(text: string): RecordReader {
  let broken = 0;
  let start = 0;
  return {
    next() {
      while (start < text.length) {
        let end = text.indexOf('\n', start);
        if (end === -1) end = text.length;
        const line = text.charCodeAt(end - 1) === 13 ? text.slice(start, end - 1) : text.slice(start, end);
        start = end + 1;
        if (line === '') continue;
        const entry = parseLine(line);
        if (entry !== null) return entry;
        broken++;
      }
      return null;
    },
    broken: () => broken,
  };
}

/** All lines of a RECORD. Answers how many could not be understood. */
export function parseRecord(text: string, visit: (entry: RecordEntry) => void): number {
  const lines = createRecordReader(text);
  for (let entry = lines.next(); entry !== null; entry = lines.next()) visit(entry);
  return lines.broken();
}

function parseLine(line: string): RecordEntry | null {
  const size = line.lastIndexOf(',');
  const hash = line.lastIndexOf(',', size - 1);
  if (hash <= 0) return null;
  let path = line.slice(0, hash);
  if (path.startsWith('"')) {
    if (path.length < 3 || !path.endsWith('"')) return null;
    path = path.slice(1, -1).replaceAll('""', '"');
  }
  // Longer than any path that a file can have, or no path at all.
  if (path.length > 4096 || path.includes('\0')) return null;
  const sizeText = line.slice(size + 1);
  const sizeBytes = sizeText === '' ? null : Number(sizeText);
  if (sizeBytes !== null && !(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)) return null;
  const hashText = line.slice(hash + 1, size);
  return { path, hash: hashText === '' ? null : hashText, sizeBytes };
}
