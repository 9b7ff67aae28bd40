import type { BenchmarkSample } from '../../../contract/benchmarks.ts';

/** Numbers of one sample, eight bytes each. */
const WIDTH = 8;
const ROW_BYTES = WIDTH * 8;
const setAsideCodes = [null, 'throttled', 'disturbed'] as const;

/** Samples as numbers in a row, least significant byte first; NaN is null. */
export function packSamples(samples: readonly BenchmarkSample[]): Uint8Array {
  const bytes = new Uint8Array(samples.length * ROW_BYTES);
  const view = new DataView(bytes.buffer);
  samples.forEach((one, row) => {
    const numbers = [one.value, one.atMs, one.seconds, one.powerWatts, one.smClockMhz, one.tempCelsius, one.eventReasons, Math.max(0, setAsideCodes.indexOf(one.setAside))];
    numbers.forEach((value, column) => view.setFloat64(row * ROW_BYTES + column * 8, value ?? Number.NaN, true));
  });
  return bytes;
}

/** What was cut off in the middle of a sample is left out; so is a sample without its figure. */
export function unpackSamples(bytes: Uint8Array): BenchmarkSample[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples: BenchmarkSample[] = [];
  for (let at = 0; at + ROW_BYTES <= bytes.byteLength; at += ROW_BYTES) {
    const read = (column: number): number | null => {
      const value = view.getFloat64(at + column * 8, true);
      return Number.isFinite(value) ? value : null;
    };
    const value = read(0);
    const atMs = read(1);
    if (value === null || atMs === null) continue;
    const reasons = read(6);
    samples.push({
      value, atMs, seconds: read(2) ?? 0, powerWatts: read(3), smClockMhz: read(4), tempCelsius: read(5),
      eventReasons: reasons === null ? null : Math.trunc(reasons), setAside: setAsideCodes[read(7) ?? 0] ?? null,
    });
  }
  return samples;
}
