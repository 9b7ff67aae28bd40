import { describe, expect, it } from 'vitest';
import { sourceEvent, type SourceEvent } from '../../../contract/nvml-worker.ts';
import { until } from '../test-support.ts';
import { createSimulateSource, type SimulateSource } from './simulate-source.ts';

function rig(count = 4, speed = 1): { source: SimulateSource; events: SourceEvent[]; advance: (ms: number) => void } {
  let t = 1_800_000_000_000;
  const events: SourceEvent[] = [];
  const source = createSimulateSource({ count, speed, emit: (e) => events.push(e), now: () => t });
  return { source, events, advance: (ms) => { t += ms; source.tick(t); } };
}
const of = <T extends SourceEvent['type']>(events: readonly SourceEvent[], type: T): Extract<SourceEvent, { type: T }>[] => events.filter((e): e is Extract<SourceEvent, { type: T }> => e.type === type);

describe('simulate source', () => {
  it('says its devices before the first frame, and all of it fits the contract', async () => {
    const { source, events, advance } = rig(16);
    source.start();
    source.setDemand({ rateHz: 10, processes: true });
    for (let i = 0; i < 120; i += 1) advance(100);
    expect(events[0]?.type).toBe('devices');
    for (const e of events) expect(sourceEvent.parse(e)).toEqual(e);
    expect(of(events, 'devices')[0]?.devices.filter((d) => d.kind === 'gpu')).toHaveLength(16);
    expect(of(events, 'devices')[0]?.devices.filter((d) => d.kind === 'mig')).toHaveLength(3);
    const frames = of(events, 'frame').map((e) => e.frame);
    expect(frames[0]?.samples.some((s) => (s.fast?.utilGpuPercent ?? 0) > 30)).toBe(true);
    expect(frames.filter((f) => f.samples[0]?.medium !== undefined).length).toBe(13);
    expect(frames.filter((f) => f.samples[0]?.slow !== undefined).length).toBe(3);
    expect(of(events, 'processes').length).toBe(7);
    await source.stop();
  });

  it('follows the clock, whatever the rate of reading', async () => {
    const a = rig(2), b = rig(2);
    for (const r of [a, b]) r.source.start();
    a.source.setDemand({ rateHz: 10, processes: false });
    for (let i = 0; i < 100; i += 1) a.advance(100);
    for (let i = 0; i < 10; i += 1) b.advance(1000);
    const energy = (r: typeof a): number | null | undefined => of(r.events, 'frame').filter((e) => e.frame.samples[0]?.medium).at(-1)?.frame.samples[0]?.medium?.energyJoules;
    expect(energy(a)).toBe(energy(b));
    await Promise.all([a.source.stop(), b.source.stop()]);
  });

  it('runs by itself at the asked rate', async () => {
    const events: SourceEvent[] = [];
    const source = createSimulateSource({ count: 1, emit: (e) => events.push(e) });
    source.start();
    source.setDemand({ rateHz: 10, processes: false });
    await until('20 frames', () => of(events, 'frame').length >= 20);
    await source.stop();
    const times = of(events, 'frame').map((e) => e.frame.atMs);
    expect(new Set(of(events, 'frame').map((e) => e.frame.seq)).size).toBe(times.length);
  });

  it('brings each fault and takes it back', async () => {
    const { source, events, advance } = rig(4);
    source.start();
    const uuid = of(events, 'devices')[0]?.devices[1]?.uuid ?? '';
    const last = () => of(events, 'frame').at(-1)?.frame.samples.find((s) => s.uuid === uuid);
    source.fault({ fault: 'lost', uuid });
    advance(1000);
    expect(last()).toEqual({ uuid, state: 'lost', fast: null });
    source.fault({ fault: 'none' });
    source.fault({ fault: 'not_reported', uuid, field: 'powerWatts' });
    advance(1000);
    expect(last()?.state).toBe('ok');
    expect(last()?.fast?.powerWatts).toBeNull();
    expect(of(events, 'devices').at(-1)?.devices.find((d) => d.uuid === uuid)?.notReported['powerWatts']?.code).toBe('not_supported');
    source.fault({ fault: 'xid', uuid, xid: 79 });
    advance(1000);
    expect(of(events, 'xid')[0]).toMatchObject({ uuid, xid: 79 });
    expect(last()?.slow?.xid).toBe(79);
    source.fault({ fault: 'driver_mismatch' });
    const frames = of(events, 'frame').length;
    advance(1000);
    expect(of(events, 'frame').length).toBe(frames);
    expect(of(events, 'problem').at(-1)?.problem?.code).toBe('gpu.version_mismatch');
    source.fault({ fault: 'none' });
    advance(1000);
    expect(of(events, 'problem').at(-1)?.problem).toBeNull();
    expect(of(events, 'frame').length).toBe(frames + 1);
    source.fault({ fault: 'hot', uuid });
    const cool = last()?.medium?.tempCelsius ?? 0;
    for (let i = 0; i < 120; i += 1) advance(1000);
    expect(last()?.medium?.tempCelsius ?? 0).toBeGreaterThan(cool + 10);
    await source.stop();
  });
});
