/** Points on their way from the rings to the screen. One is made and used again: filling it allocates nothing. */
export interface PointBuffer {
  count: number;
  times: Float64Array;
  values: Float64Array;
}

export function createPointBuffer(capacity: number): PointBuffer {
  return { count: 0, times: new Float64Array(capacity), values: new Float64Array(capacity) };
}

/** Appends a point; doubles the arrays when they are full (which happens a few times in a session). */
export function appendPoint(buffer: PointBuffer, timeMs: number, value: number): void {
  if (buffer.count === buffer.times.length) {
    const times = new Float64Array(buffer.times.length * 2);
    const values = new Float64Array(buffer.values.length * 2);
    times.set(buffer.times);
    values.set(buffer.values);
    buffer.times = times;
    buffer.values = values;
  }
  buffer.times[buffer.count] = timeMs;
  buffer.values[buffer.count] = value;
  buffer.count += 1;
}
