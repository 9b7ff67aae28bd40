import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sourceEvent, type SourceEvent } from '../../../contract/nvml-worker.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { fakeSmi, makeTree, quietLog, until } from '../test-support.ts';
import { createSmiSource } from './smi-source.ts';

let tree: ReturnType<typeof makeTree>;
let supervisor: Supervisor;
beforeEach(() => {
  tree = makeTree({ 'bin/nvidia-smi': fakeSmi });
  supervisor = createSupervisor({ log: quietLog, journalFolder: null });
});
afterEach(async () => {
  await supervisor.stopAll();
  tree.remove();
});

function rig(scenario: string) {
  const events: SourceEvent[] = [];
  const source = createSmiSource({
    supervisor, emit: (e) => events.push(e), program: `${tree.root}/bin/nvidia-smi`, env: { FAKE_SMI: scenario, FAKE_SMI_STATE: `${tree.root}/state` }, idleTimeoutMs: 1500, backoff: { firstMs: 50, maxMs: 200 },
  });
  const frames = () => events.flatMap((e) => (e.type === 'frame' ? [e.frame] : []));
  return { events, source, frames };
}

describe('smi source, against a program that prints what nvidia-smi prints', () => {
  it('gives devices, then a frame for each round', async () => {
    const { events, source, frames } = rig('normal');
    source.start();
    await until('3 frames', () => frames().length >= 3);
    await source.stop();
    expect(events[0]).toMatchObject({ type: 'devices', driver: { driverVersion: '580.159.04' } });
    for (const e of events) expect(sourceEvent.parse(e)).toEqual(e);
    for (const f of frames()) expect(f.samples.map((s) => s.fast?.powerWatts)).toEqual([688.54, 77.31]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'rate', rateHz: 1 }));
    expect(events.filter((e) => e.type === 'devices').at(-1)?.devices[0]?.notReported['fanPercent']?.code).toBe('not_supported');
  });

  it('leaves out a field that an older nvidia-smi does not know', async () => {
    const { events, source, frames } = rig('old');
    source.start();
    await until('a frame', () => frames().length >= 1);
    await source.stop();
    expect(frames()[0]?.samples[0]?.fast?.powerWatts).toBe(688.54);
    expect(events.some((e) => e.type === 'problem' && e.problem !== null)).toBe(false);
  });

  it('reads decimal commas', async () => {
    const { source, frames } = rig('localised');
    source.start();
    await until('a frame', () => frames().length >= 1);
    await source.stop();
    expect(frames()[0]?.samples[0]?.fast?.powerWatts).toBe(688.54);
  });

  it.each([['garbage', 'gpu.smi_garbage'], ['garbage-later', 'gpu.smi_garbage'], ['mismatch', 'gpu.driver_error'], ['missing', 'program.not_found']])('%s is %s', async (scenario, code) => {
    if (scenario === 'missing') tree.remove();
    const { events, source } = rig(scenario);
    source.start();
    const found = await until('a problem', () => events.flatMap((e) => (e.type === 'problem' && e.problem !== null ? [e.problem] : []))[0]);
    await source.stop();
    expect(found.code).toBe(code);
    if (scenario === 'mismatch') expect(found.facts['code']).toBe(18);
  });

  it('ends one that hangs and ignores SIGTERM, then goes on with another', async () => {
    const { events, source, frames } = rig('hang-once');
    source.start();
    await until('the problem', () => events.some((e) => e.type === 'problem' && e.problem?.code === 'program.timeout'));
    await until('a frame after it', () => frames().length >= 2);
    await source.stop();
    expect(events.findLast((e) => e.type === 'problem')).toEqual({ type: 'problem', problem: null });
  });
});
