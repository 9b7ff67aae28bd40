/** The end of a stream of bytes. */
export interface TailBuffer {
  append(chunk: Uint8Array): void;
  /** The last bytes as text; what is not UTF-8, and a character cut in half at the front, become U+FFFD. */
  text(): string;
}

/** Keeps the last `limitBytes` of what is appended, in a ring that never grows: a flood or a 10 MB line costs nothing. */
export function createTailBuffer(limitBytes = 64 * 1024): TailBuffer {
  let ring: Buffer | null = null;
  let written = 0;
  return {
    append(chunk) {
      // Most processes never write here, so the ring comes with the first byte.
      ring ??= Buffer.alloc(limitBytes);
      const last = chunk.subarray(Math.max(0, chunk.length - limitBytes));
      const at = (written + chunk.length - last.length) % limitBytes;
      const untilEnd = last.subarray(0, limitBytes - at);
      ring.set(untilEnd, at);
      ring.set(last.subarray(untilEnd.length), 0);
      written += chunk.length;
    },
    text() {
      if (ring === null) return '';
      if (written <= limitBytes) return ring.toString('utf8', 0, written);
      const at = written % limitBytes;
      return Buffer.concat([ring.subarray(at), ring.subarray(0, at)]).toString('utf8');
    },
  };
}
