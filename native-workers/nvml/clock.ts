/** Unix time in ms, with its fraction: the clock of all samples. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
