import type { DeviceSample, GpuFrame, GpuStreamItem } from '../../contract/gpu.ts';

/**
 * Joins a skipped frame into the one that replaces it: the slower tiers of the older frame are kept, so that a
 * reader that takes one frame in ten still gets every 1 Hz reading.
 */
export function joinFrames(older: GpuFrame, newer: GpuFrame): GpuFrame {
  if (!older.samples.some((s) => s.medium !== undefined || s.slow !== undefined)) return newer;
  const before = new Map(older.samples.map((s) => [s.uuid, s]));
  const samples = newer.samples.map((s): DeviceSample => {
    const o = before.get(s.uuid);
    if (!o) return s;
    const medium = s.medium ?? o.medium;
    const slow = s.slow ?? o.slow;
    return { ...s, ...(medium ? { medium } : {}), ...(slow ? { slow } : {}) };
  });
  return { ...newer, samples };
}

/** Readings older than this are not now any more. */
const NOW_MS = 3000;

/** The newest reading of each device in one frame, or null when there is none that counts as now. */
export function frameOfLatest(latest: ReadonlyMap<string, { readonly sample: DeviceSample; readonly atMs: number }>, nowMs: number): GpuFrame | null {
  const fresh = [...latest.values()].filter((l) => nowMs - l.atMs < NOW_MS);
  if (fresh.length === 0) return null;
  return { seq: 0, atMs: Math.max(...fresh.map((l) => l.atMs)), tookMs: 0, samples: fresh.map((l) => l.sample) };
}

type Subscribe = (listener: (item: GpuStreamItem) => void) => () => void;

/**
 * Live readings for one reader: at most `rateHz` a second, newest wins, gaps are kept. The reader sets the pace:
 * what it does not take in time is joined, never queued.
 */
export async function* frameStream(subscribe: Subscribe, rateHz: number, signal: AbortSignal | undefined): AsyncGenerator<GpuStreamItem, void, void> {
  const periodMs = 1000 / rateHz;
  // On a grid of its own: a tick that comes late must not make the punctual one after it look early.
  let dueMs = -Infinity;
  let gap: GpuStreamItem | null = null;
  let frame: GpuFrame | null = null;
  let wake: (() => void) | null = null;
  const ready = (): boolean => gap !== null || (frame !== null && frame.atMs >= dueMs - periodMs / 4);
  const onAbort = (): void => wake?.();
  const unsubscribe = subscribe((item) => {
    if (item.type === 'gap') {
      gap = item;
      frame = null;
    } else {
      frame = frame === null ? item.frame : joinFrames(frame, item.frame);
    }
    if (ready()) wake?.();
  });
  signal?.addEventListener('abort', onAbort);
  try {
    while (!signal?.aborted) {
      if (gap !== null) {
        const item: GpuStreamItem = gap;
        gap = null;
        yield item;
      } else if (frame !== null && ready()) {
        const item: GpuFrame = frame;
        frame = null;
        dueMs = dueMs === -Infinity ? item.atMs + periodMs : Math.max(dueMs + periodMs, item.atMs + periodMs / 2);
        yield { type: 'frame', frame: item };
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = null;
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}
