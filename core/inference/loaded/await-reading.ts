import type { GpuReadings } from '../parts.ts';

/** Memory is read once a second; a driver that does not answer is not waited for much longer. */
const MOST_MS = 2500;

/**
 * Until free memory was read after that moment: what an ended process gave back is in no earlier reading, and a load that
 * is decided by one would be refused, or get fewer layers than have room. At once where no GPU is read.
 */
export function awaitReading(gpus: Pick<GpuReadings, 'freeBytesAtMs' | 'onReading'>, sinceMs: number, mostMs: number = MOST_MS): Promise<void> {
  const isNew = (): boolean => (gpus.freeBytesAtMs() ?? Infinity) > sinceMs;
  return new Promise((resolve) => {
    if (isNew()) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, mostMs);
    const stop = gpus.onReading(() => { if (isNew()) done(); });
  });
}
