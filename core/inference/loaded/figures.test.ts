import { describe, expect, test } from 'vitest';
import type { GpuProcess, ProcessReading } from '../../../contract/gpu.ts';
import type { WorkerGenerateResult } from '../../../contract/inference-worker.ts';
import type { GpuReadings } from '../parts.ts';
import { decideFigures, type FiguresInput } from './decide-figures.ts';
import { createDeathRecord, describeDeath } from './death-record.ts';
import { createEnergyMeter, decideOthers } from './energy-meter.ts';
import { createEventBuffer } from './event-buffer.ts';
import { createSpeedWindow } from './speed-window.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';

const result: WorkerGenerateResult = { reason: 'stop', promptTokens: 110, cachedTokens: 10, answerTokens: 101, receivedAtMs: 990, promptStartedAtMs: 1000, promptDoneAtMs: 1500, firstTokenAtMs: 1510, lastTokenAtMs: 3510, contextUsed: 211, turnsDropped: 0, drafted: null, accepted: null };
const input: FiguresInput = { result, seen: { promptTokens: 0, answerTokens: 0 }, firstTokenMs: 520, queuedMs: 4, workedSeconds: 9, joules: 202, contextTokens: 4096, seed: 7, roofline: 100 };

describe('figures', () => {
  test('of an answer, from the worker\'s own clock', () => {
    expect(decideFigures(input)).toMatchObject({ promptTokensPerSecond: 200, decodeTokensPerSecond: 50, seconds: 2.52, joulesPerToken: 2, rooflineShare: 0.5, contextUsed: 211, seed: 7 });
  });
  test('of one that was cut off: what was seen, and no speeds', () => {
    expect(decideFigures({ ...input, result: null, seen: { promptTokens: 12, answerTokens: 3 }, joules: null })).toMatchObject({ promptTokens: 12, answerTokens: 3, promptTokensPerSecond: null, decodeTokensPerSecond: null, joulesPerToken: null, rooflineShare: null, seconds: 9 });
  });
  test('one token has no speed; a prompt out of the cache neither; without bandwidth no share', () => {
    expect(decideFigures({ ...input, result: { ...result, answerTokens: 1, lastTokenAtMs: 1510 } }).decodeTokensPerSecond).toBeNull();
    expect(decideFigures({ ...input, result: { ...result, cachedTokens: 110 } }).promptTokensPerSecond).toBeNull();
    expect(decideFigures({ ...input, roofline: null }).rooflineShare).toBeNull();
  });
});

describe('energy', () => {
  const process = (pid: number, utilSmPercent: number | null, identity: GpuProcess['identity'] = 'local'): GpuProcess => ({ gpuUuid: 'g', pid, utilSmPercent, identity, type: 'compute', memUsedBytes: 1, utilMemPercent: null, utilEncoderPercent: null, utilDecoderPercent: null, user: null, command: null, executable: null, hostMemBytes: null, startedAtMs: null, startTicks: null, canTerminate: false, whyNot: null, environment: null, torchVerdict: null });

  /** Readings that a test sets by hand. */
  const readings = (processes: GpuProcess[] = []) => {
    const state = { atMs: 0, watts: null as number | null };
    let listener = (): void => undefined;
    const gpus: GpuReadings = {
      inventory: () => { throw new Error('not asked for'); }, freeBytes: () => new Map(), freeBytesAtMs: () => null, processes: async (): Promise<ProcessReading> => ({ atMs: 0, processes, notReported: {} }), hold: () => () => undefined,
      latest: () => ({ atMs: state.atMs, powerWatts: state.watts, utilGpuPercent: 40, energyJoules: null, memUsedBytes: null }),
      onReading: (l) => { listener = l; return () => undefined; },
    };
    return { gpus, read(atMs: number, watts: number | null): void { state.atMs = atMs; state.watts = watts; listener(); }, now: () => state.atMs };
  };

  test('is power over time, shared between answers that run at once', () => {
    const r = readings();
    const meter = createEnergyMeter({ gpus: r.gpus, uuids: ['g'], pid: () => 1, now: r.now });
    r.read(0, 100);
    const first = meter.begin();
    r.read(1000, 100);
    const second = meter.begin();
    r.read(2000, 300);
    expect(second.end().joules).toBe(100);
    r.read(3000, 300);
    expect(first.end()).toEqual({ joules: 500, watts: 300, utilGpuPercent: 40 });
    meter.stop();
  });
  test('is null where a reading is missing, where another program computes, and without a GPU', async () => {
    const r = readings();
    const meter = createEnergyMeter({ gpus: r.gpus, uuids: ['g'], pid: () => 1, now: r.now });
    const span = meter.begin();
    r.read(1000, null);
    expect(span.end().joules).toBeNull();
    meter.stop();
    const shared = readings([process(1, 50), process(2, 40)]);
    const other = createEnergyMeter({ gpus: shared.gpus, uuids: ['g'], pid: () => 1, now: shared.now });
    shared.read(5000, 100);
    const beside = other.begin();
    await Promise.resolve();
    await Promise.resolve();
    shared.read(6000, 100);
    expect(beside.end().joules).toBeNull();
    other.stop();
    expect(createEnergyMeter({ gpus: r.gpus, uuids: [], pid: () => 1, now: r.now }).begin().end().joules).toBeNull();
  });
  test('others: a desktop is none, a training is one; a pid of the host is ours when it is alone', () => {
    const others = (...list: GpuProcess[]): boolean => decideOthers({ processes: list }, ['g'], 1);
    expect([others(process(1, 90)), others(process(1, 90), process(2, 1)), others(process(1, 90), process(2, null)), others(process(90_000, 80, 'host'))]).toEqual([false, false, false, false]);
    expect([others(process(1, 90), process(2, 30)), others(process(2, 30)), others(process(90_000, 80, 'host'), process(90_001, 9, 'host'))]).toEqual([true, true, true]);
  });
});

describe('the queue between engine and reader', () => {
  test('is lossless and in order, bounded, and ends', async () => {
    const buffer = createEventBuffer<number>(3000);
    for (let n = 0; n < 3000; n += 1) expect(buffer.push(n, 1)).toBe(true);
    expect(buffer.push(3000, 1)).toBe(false);
    for (let n = 0; n < 3000; n += 1) expect(await buffer.next()).toEqual({ done: false, value: n });
    const waiting = buffer.next();
    expect(buffer.push(7, 1)).toBe(true);
    expect(await waiting).toEqual({ done: false, value: 7 });
    buffer.close(9);
    expect(buffer.push(10, 1)).toBe(false);
    expect([await buffer.next(), await buffer.next()]).toEqual([{ done: false, value: 9 }, { done: true, value: undefined }]);
  });
  test('hands an error on after what is in it', async () => {
    const buffer = createEventBuffer<number>(10);
    buffer.push(1, 1);
    buffer.fail(new Error('over'));
    expect(await buffer.next()).toEqual({ done: false, value: 1 });
    await expect(buffer.next()).rejects.toThrow('over');
  });
});

describe('deaths', () => {
  test('two within ten minutes bar a model; two far apart do not; by hand it is forgiven', () => {
    let nowMs = 0;
    const record = createDeathRecord(() => nowMs);
    record.died('m', 'first');
    nowMs = 700_000;
    record.died('m', 'second');
    expect(record.isBarred('m')).toBe(false);
    nowMs = 900_000;
    record.died('m', 'third');
    expect(() => { record.check('m', 'Model'); }).toThrow('load.crashed_twice');
    record.check('other', 'Other');
    record.forgive('m');
    record.check('m', 'Model');
  });
  test('are told by their cause', () => {
    const facts = { name: 'inference:x', restarts: 1, how: 'signal SIGKILL', detail: '' };
    expect(describeDeath(makeProblem('worker.failed', facts, { chain: ['worker.crashed: x'] }), false)).toBe('The model\'s process ended with signal SIGKILL.');
    expect(describeDeath(makeProblem('worker.failed', facts, { chain: ['worker.out_of_memory: x'] }), false)).toContain('memory ran out');
    expect(describeDeath(makeProblem('worker.failed', { ...facts, how: 'silence' }, { chain: ['worker.unresponsive: x'] }), false)).toContain('did not answer');
    expect(describeDeath(makeProblem('worker.failed', { ...facts, how: 'signal SIGBUS' }), true)).toContain('file was changed');
  });
});

test('speed of the last moments', () => {
  let nowMs = 0;
  const speed = createSpeedWindow(() => nowMs);
  expect(speed.now()).toBeNull();
  for (; nowMs <= 1000; nowMs += 100) speed.token(5);
  expect(speed.now()).toBe(50);
  nowMs += 10_000;
  expect(speed.now()).toBeNull();
  speed.answered(10);
  speed.answered(20);
  expect(speed.average()).toBe(15);
});
