import type { Browser, Page } from '@playwright/test';

interface TraceEvent { readonly name: string; readonly ph: string; readonly pid: number; readonly tid: number; readonly ts: number; readonly dur?: number; readonly tdur?: number; readonly args?: { readonly name?: string } }

/** Work of a page's main thread, one value for each frame that it drew, ms. */
export interface FrameWork {
  readonly wallMs: readonly number[];
  /** On a processor: without what other programs took of the time. Empty where the system does not count it. */
  readonly cpuMs: readonly number[];
}

/** Sums the main thread's tasks from one frame's beginning to the next one's. Pure. */
export function sumFrames(events: readonly TraceEvent[]): FrameWork {
  const begins = events.filter((e) => e.name === 'BeginMainThreadFrame');
  // The page's thread is the one that began most frames; others are of tabs in the background.
  const count = new Map<string, number>();
  for (const e of begins) count.set(`${String(e.pid)} ${String(e.tid)}`, (count.get(`${String(e.pid)} ${String(e.tid)}`) ?? 0) + 1);
  const busiest = [...count].sort((a, b) => b[1] - a[1])[0]?.[0];
  const mine = (e: TraceEvent): boolean => `${String(e.pid)} ${String(e.tid)}` === busiest;
  const starts = begins.filter(mine).map((e) => e.ts).sort((a, b) => a - b);
  const tasks = events.filter((e) => mine(e) && e.ph === 'X' && e.name === 'RunTask').sort((a, b) => a.ts - b.ts);
  const wallMs = starts.map(() => 0);
  const cpuMs = starts.map(() => 0);
  let frame = -1;
  for (const task of tasks) {
    const end = task.ts + (task.dur ?? 0);
    // The task that begins a frame holds the mark of it.
    while (frame + 1 < starts.length && (starts[frame + 1] ?? 0) <= end) frame += 1;
    if (frame < 0) continue;
    wallMs[frame] = (wallMs[frame] ?? 0) + (task.dur ?? 0) / 1000;
    cpuMs[frame] = (cpuMs[frame] ?? 0) + (task.tdur ?? 0) / 1000;
  }
  return { wallMs, cpuMs: tasks.some((t) => t.tdur !== undefined) ? cpuMs : [] };
}

/** Traces the page while something is done to it. */
export async function traceFrames(browser: Browser, page: Page, work: () => Promise<void>): Promise<FrameWork> {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'devtools.timeline.frame', 'disabled-by-default-devtools.timeline.frame'] });
  await work();
  const buffer = await browser.stopTracing();
  return sumFrames((JSON.parse(buffer.toString('utf8')) as { readonly traceEvents: readonly TraceEvent[] }).traceEvents);
}
