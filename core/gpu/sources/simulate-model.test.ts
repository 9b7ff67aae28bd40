import { describe, expect, it } from 'vitest';
import { device as deviceSchema, deviceSample } from '../../../contract/gpu.ts';
import { readSimulatedMachine } from './gpu-models.ts';
import { createSimulatedDevice, STEP_SECONDS } from './simulate-model.ts';

const machine = readSimulatedMachine(16);
const make = (index: number, seed = 7, warm = index === 3) => {
  const m = machine[index];
  if (m === undefined) throw new Error('no such device');
  return { model: m.model, device: createSimulatedDevice({ model: m.model, mig: m.mig, index, seed, warm, startMs: 0 }) };
};

describe.each(machine.map((m, index) => ({ index, name: m.model.name })))('simulated $name at $index', ({ index }) => {
  it.each([{ hot: false }, { hot: true }])('obeys physics for 15 minutes (hot: $hot)', ({ hot }) => {
    const { model, device } = make(index);
    device.setHot(hot);
    let integral = 0;
    const broken: string[] = [];
    for (let i = 0; i < 9000; i += 1) {
      device.step();
      const s = device.state;
      integral += s.powerWatts * STEP_SECONDS;
      const slowed = (s.eventReasons & (0x4 | 0x20 | 0x40)) !== 0;
      const check = (rule: string, holds: boolean): void => { if (!holds) broken.push(`step ${i}: ${rule} ${JSON.stringify(s)}`); };
      check('below shutdown', s.dieCelsius < model.shutdownCelsius);
      check('above the room', s.dieCelsius > 20);
      check('power within 5 % of the limit', s.powerWatts > 0 && s.powerWatts <= model.powerDefaultLimitWatts * 1.05);
      check('a bit exactly where the clock is lowered', slowed === s.clockSmMhz < s.wantedClockMhz);
      check('a bit where heat lowers it', s.heatFactor > 0.99 || s.idleSeconds > 0 || slowed);
    }
    expect(broken.slice(0, 3)).toEqual([]);
    expect(device.state.energyJoules).toBeCloseTo(integral, 3);
  });

  it('gives devices and samples that fit the contract, quantised as drivers do', () => {
    const { device } = make(index);
    for (let i = 0; i < 600; i += 1) device.step();
    for (const d of device.devices()) expect(deviceSchema.parse(d)).toEqual(d);
    const samples = device.read({ medium: true, slow: true });
    expect(samples.map((s) => s.uuid)).toEqual(device.devices().map((d) => d.uuid));
    for (const s of samples) expect(deviceSample.parse(s)).toEqual(s);
    const own = samples[0];
    expect(Number.isInteger(own?.medium?.tempCelsius)).toBe(true);
    expect((own?.fast?.clockSmMhz ?? 1) % 15).toBe(0);
    expect(Math.abs(((own?.fast?.powerWatts ?? 0) * 1000) % 1)).toBeLessThan(1e-6);
    // Every null has its reason, once.
    for (const [i, s] of samples.entries()) {
      const d = device.devices()[i];
      for (const [field, value] of Object.entries({ ...d, ...s.fast, ...s.medium, ...s.slow })) {
        if (value === null && !['parentUuid', 'migProfile', 'xid', 'xidAtMs'].includes(field)) expect(d?.notReported, field).toHaveProperty(field);
      }
    }
  });
});

it('is the same for the same seed and another for another', () => {
  const run = (seed: number): string => {
    const { device } = make(1, seed);
    const out: unknown[] = [];
    for (let i = 0; i < 500; i += 1) { device.step(); out.push(device.read({ medium: true, slow: true }), device.processes()); }
    return JSON.stringify(out);
  };
  expect(run(1)).toBe(run(1));
  expect(run(1)).not.toBe(run(2));
});

it('has a warm device that is slowed by heat again and again', () => {
  const { device } = make(3);
  let spans = 0, steps = 0, before = false;
  for (let i = 0; i < 18_000; i += 1) {
    device.step();
    const slowed = (device.state.eventReasons & 0x20) !== 0;
    if (slowed) steps += 1;
    if (slowed && !before) spans += 1;
    before = slowed;
  }
  expect(spans).toBeGreaterThanOrEqual(5);
  expect(steps / 18_000).toBeGreaterThan(0.1);
  expect(steps / 18_000).toBeLessThan(0.6);
});

it('heats up to hardware slowdown when its cooling fails', () => {
  const { device } = make(0);
  device.setHot(true);
  const seen = new Set<number>();
  for (let i = 0; i < 6000; i += 1) { device.step(); seen.add(device.state.eventReasons & 0x60); }
  expect(seen).toContain(0x20);
  expect(seen).toContain(0x40);
});

it('lets programs come and go, with memory following them', () => {
  const { device } = make(1);
  const pids = new Set<number>();
  let low = Infinity, high = 0;
  for (let i = 0; i < 36_000; i += 1) {
    device.step();
    if (i % 50 !== 0) continue;
    for (const p of device.processes()) pids.add(p.pid);
    const used = device.read({ medium: true, slow: false })[0]?.medium?.memUsedBytes ?? 0;
    low = Math.min(low, used);
    high = Math.max(high, used);
  }
  expect(pids.size).toBeGreaterThan(4);
  expect(high).toBeGreaterThan(low * 2);
});
