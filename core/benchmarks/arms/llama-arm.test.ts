import { describe, expect, it } from 'vitest';
import { makeLoaded, modelAt, tinyFacts } from '../../inference/loaded/fixtures/test-support.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { tinyModel } from '../../testing/models.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { Arm, ArmWish } from '../parts.ts';
import { createLlamaModels } from './create-llama-models.ts';
import { createStartArm } from './create-start-arm.ts';
import { makeArmBench } from './fixtures/arm-bench.ts';
import { parseLlamaWorkload } from './start-llama-arm.ts';

const tiny = modelAt(await tinyModel(makeTestFolder('llama-arm')), tinyFacts);
const bench = makeArmBench();

function startWith(loaded: ReturnType<typeof makeLoaded>['loaded']): (workload: string, more?: Partial<ArmWish>, signal?: AbortSignal) => Promise<Arm> {
  const start = createStartArm({ supervisor: bench.supervisor, runScript: bench.runScript, placeName: () => null, codeToggle: () => null, peerOf: () => null, models: createLlamaModels(loaded) });
  return (workload, more = {}, signal = new AbortController().signal) => start({ workload, place: 'cpu', environment: null, model: { id: tiny.id, settings: {} }, toggles: [], variables: {}, ...more }, signal, () => undefined);
}

describe.skipIf(process.platform === 'win32')('a model of llama.cpp', { timeout: 120_000 }, () => {
  it('is measured with its settings, two beside each other, and goes again', async () => {
    const { loaded } = makeLoaded([tiny], { maxLoaded: 4 });
    const start = startWith(loaded);
    const a = await start('llm_decode:depth=32,tokens=8', { model: { id: tiny.id, settings: { threads: 1 } } });
    const b = await start('llm_prompt:tokens=64', { model: { id: tiny.id, settings: { threads: 2, flashAttention: 'off' } } });
    expect(a.facts).toMatchObject({ threads: 1, unit: 'tok/s', tokens: 8, depth: 32, backend: 'cpu' });
    expect(b.facts).toMatchObject({ threads: 2, flashAttention: false, tokens: 64 });
    expect(loaded.list()).toHaveLength(2);
    await a.warmUp(0.2);
    for (const [arm, tokens] of [[a, 8], [b, 64]] as const) {
      const { value, startedAtMs, endedAtMs, repetitions, memoryBytes } = await arm.sample();
      expect(repetitions).toBe(tokens);
      expect(tokens / value).toBeCloseTo((endedAtMs - startedAtMs) / 1000, 6);
      expect(memoryBytes).toBeGreaterThan(0);
      expect(await arm.error()).toBeNull();
    }
    await Promise.all([a.end(), b.end()]);
    await a.end();
    expect(loaded.list()).toHaveLength(0);
    expect((await problemFrom(a.sample())).code).toBe('bench.case_fails');
    await loaded.stop();
  });

  it('never takes the other arm’s model for its own, whichever begins', async () => {
    const { loaded } = makeLoaded([tiny], { maxLoaded: 4 });
    const start = startWith(loaded);
    for (const settings of [{ batch: 128 }, { cacheTypeK: 'q8_0' as const }, { flashAttention: 'off' as const }, { threads: 1 }]) {
      const arms = await Promise.all([start('llm_decode:tokens=4', { model: { id: tiny.id, settings } }), start('llm_decode:tokens=4', { model: { id: tiny.id, settings: {} } })]);
      expect(loaded.list()).toHaveLength(2);
      await Promise.all(arms.map((arm) => arm.end()));
    }
    await loaded.stop();
  });

  it('one that was loaded before stays; one that was unloaded meanwhile is loaded again', async () => {
    const { loaded } = makeLoaded([tiny], { maxLoaded: 4 });
    const start = startWith(loaded);
    const settings = { threads: 1, contextTokens: 512 };
    const before = await loaded.load({ model: tiny.id, settings: { ...settings, backend: 'cpu' } });
    const arm = await start('llm_decode:tokens=4', { model: { id: tiny.id, settings } });
    expect(loaded.list()).toHaveLength(1);
    await arm.end();
    expect(loaded.list().map((one) => one.id)).toEqual([before.id]);
    const again = await start('llm_decode:tokens=4', { model: { id: tiny.id, settings } });
    await loaded.unload(before.id);
    expect((await again.sample()).value).toBeGreaterThan(0);
    await again.end();
    expect(loaded.list()).toHaveLength(0);
    await loaded.stop();
  });

  it('refuses what it cannot do, and an abort ends it', async () => {
    const { loaded } = makeLoaded([tiny], { maxLoaded: 4 });
    const start = startWith(loaded);
    expect(await problemFrom(start('llm_decode:depth=9999999'))).toMatchObject({ code: 'bench.case_fails' });
    expect(await problemFrom(start('llm_decode', { model: null }))).toMatchObject({ code: 'bench.case_fails' });
    const full = await start('llm_decode:depth=300,tokens=4', { model: { id: tiny.id, settings: { contextTokens: 256 } } });
    expect(await problemFrom(full.sample())).toMatchObject({ code: 'generate.context_full' });
    await full.end();
    const controller = new AbortController();
    const arm = await start('llm_decode:tokens=4', {}, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(arm.sample()).rejects.toBe(reason);
    await arm.end();
    await loaded.stop();
  });
});

describe('parseLlamaWorkload', () => {
  it.each([
    ['llm_decode', { promptTokens: 0, decodeTokens: 64, depth: 0, repeats: 1 }],
    ['llm_decode:depth=8192', { promptTokens: 0, decodeTokens: 64, depth: 8192, repeats: 1 }],
    ['llm_prompt:tokens=2048,depth=16', { promptTokens: 2048, decodeTokens: 0, depth: 16, repeats: 1 }],
    ['llm_prompt:tokens=0', null], ['llm_decode:batch=3', null], ['llm_other', null], ['llm_decode:depth', null],
  ])('%s', (text, expected) => {
    const parsed = parseLlamaWorkload(text);
    expect(parsed.ok ? parsed.value : null).toEqual(expected);
  });
});
