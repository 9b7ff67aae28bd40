import { describe, expect, it } from 'vitest';
import type { GpuStreamItem } from '../../contract/gpu.ts';
import { frameStream, joinFrames } from './frame-stream.ts';

const fast = { utilGpuPercent: 1, utilMemPercent: 1, powerWatts: 1, clockSmMhz: 1, clockMemMhz: 1, eventReasons: 0 };
const slow = { fanPercent: 30, fanRpm: null, eccCorrected: null, eccUncorrected: null, remappedRows: null, rowRemapPending: null, pcieReplays: null, nvlinkActive: null, nvlinkErrors: null, xid: null, xidAtMs: null };
const frame = (seq: number, withSlow = false): Extract<GpuStreamItem, { type: 'frame' }> => ({
  type: 'frame',
  frame: { seq, atMs: seq * 100, tookMs: 0.1, samples: [{ uuid: 'GPU-a', state: 'ok', fast, ...(withSlow ? { slow } : {}) }] },
});

function topic(): { subscribe: (l: (i: GpuStreamItem) => void) => () => void; publish: (i: GpuStreamItem) => void; listeners: () => number } {
  const listeners = new Set<(i: GpuStreamItem) => void>();
  return {
    subscribe(l) {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    publish(i) { for (const l of listeners) l(i); },
    listeners: () => listeners.size,
  };
}

describe('frameStream', () => {
  it('gives a slow reader the newest frame with the slow tiers of those it skipped', async () => {
    const t = topic();
    const abort = new AbortController();
    const stream = frameStream(t.subscribe, 10, abort.signal);
    const first = stream.next();
    t.publish(frame(1));
    expect((await first).value).toMatchObject({ frame: { seq: 1 } });
    t.publish(frame(2, true));
    for (let seq = 3; seq <= 20_000; seq += 1) t.publish(frame(seq));
    const next = (await stream.next()).value;
    expect(next).toMatchObject({ type: 'frame', frame: { seq: 20_000, samples: [{ slow }] } });
    abort.abort();
    expect((await stream.next()).done).toBe(true);
    expect(t.listeners()).toBe(0);
  });

  it('keeps a gap, and only what came after it', async () => {
    const t = topic();
    const abort = new AbortController();
    const stream = frameStream(t.subscribe, 10, abort.signal);
    const first = stream.next();
    t.publish(frame(1));
    await first;
    t.publish(frame(2));
    t.publish({ type: 'gap', atMs: 250, reason: 'worker restarted' });
    t.publish(frame(4));
    expect((await stream.next()).value).toMatchObject({ type: 'gap' });
    expect((await stream.next()).value).toMatchObject({ frame: { seq: 4 } });
    abort.abort();
    await stream.return();
  });

  it('lets one reader take one reading a second from a 10 Hz source', async () => {
    const t = topic();
    const abort = new AbortController();
    const stream = frameStream(t.subscribe, 1, abort.signal);
    const got: number[] = [];
    const reading = (async () => {
      for await (const item of stream) if (item.type === 'frame') got.push(item.frame.seq);
    })();
    for (let seq = 1; seq <= 30; seq += 1) {
      t.publish(frame(seq));
      await Promise.resolve();
      await new Promise((r) => { setImmediate(r); });
    }
    abort.abort();
    await reading;
    expect(got).toEqual([1, 9, 19, 29]);
  });
});

it('loses nothing of a 10 Hz source whose ticks are late', async () => {
  const t = topic();
  const abort = new AbortController();
  const stream = frameStream(t.subscribe, 10, abort.signal);
  const got: number[] = [];
  const reading = (async () => {
    for await (const item of stream) if (item.type === 'frame') got.push(item.frame.seq);
  })();
  for (let seq = 1; seq <= 50; seq += 1) {
    const item = frame(seq);
    // Every third tick is 35 ms late.
    t.publish({ type: 'frame', frame: { ...item.frame, atMs: seq * 100 + (seq % 3 === 0 ? 35 : 0) } });
    await new Promise((r) => { setImmediate(r); });
  }
  abort.abort();
  await reading;
  expect(got).toHaveLength(50);
});

describe('joinFrames', () => {
  it('prefers the newer tier and leaves a frame without older tiers as it is', () => {
    const a = frame(1).frame;
    const b = frame(2).frame;
    expect(joinFrames(a, b)).toBe(b);
    expect(joinFrames(frame(1, true).frame, b).samples[0]?.slow).toEqual(slow);
  });
});
