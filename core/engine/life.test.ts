import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLife } from './life.ts';

describe('createLife', () => {
  beforeEach(() => { vi.useFakeTimers(); });
  afterEach(() => { vi.useRealTimers(); });
  const make = (o: { stays?: boolean; jobs?: () => number } = {}): { life: ReturnType<typeof createLife>; onEnd: ReturnType<typeof vi.fn> } => {
    const onEnd = vi.fn();
    const life = createLife({ stays: o.stays ?? false, lingerMs: 10_000, firstFaceMs: 20_000, jobsRunning: o.jobs ?? (() => 0), onEnd });
    return { life, onEnd };
  };

  it('ends ten seconds after the last face has gone', () => {
    const { life, onEnd } = make();
    const a = life.enter();
    const b = life.enter();
    a();
    a();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
    b();
    vi.advanceTimersByTime(9_999);
    expect(onEnd).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('stays while a face comes back in time, while a job runs, and when told to', () => {
    const { life, onEnd } = make();
    life.enter()();
    vi.advanceTimersByTime(9_000);
    const back = life.enter();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
    life.setStays(true);
    back();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
    life.setStays(false);
    vi.advanceTimersByTime(10_000);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('waits for the last job and then lingers', () => {
    let running = 1;
    const { life, onEnd } = make({ jobs: () => running });
    life.enter()();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
    running = 0;
    life.reconsider();
    vi.advanceTimersByTime(10_000);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('ends when its starter never attaches', () => {
    const { onEnd } = make();
    vi.advanceTimersByTime(20_000);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });
});
