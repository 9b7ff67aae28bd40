import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { EffectCard } from '../../../contract/optimize.ts';
import { problemOf } from '../../../contract/problem.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createEffectsStore, type EffectsStore } from './effects-store.ts';
import { packPairs, unpackPairs } from './pack-pairs.ts';

const none = { memoryBytes: null, joulesPerUnit: null, error: null };
function makeCard(id: string, change: Partial<EffectCard> = {}): EffectCard {
  return {
    id, toggles: [{ toggleId: 'tf32', value: 'high' }], profileId: null, workload: { name: 'matmul-fp32', title: 'FP32 product', unit: 'TFLOPS', higherIsBetter: true, engine: 'torch' }, program: null,
    place: { key: 'GPU-1', name: 'NVIDIA H200' }, environmentId: 'lab', environmentName: 'lab', atMs: 1_700_000_000_000, verdict: 'helps', sentence: 'helps: 7.0× faster', ratio: 7, low: 6.9, high: 7.1,
    pairs: [{ a: 51.1, b: 360.2, atMs: 1_700_000_000_001.5, kept: true, why: null }, { a: 50, b: 300, atMs: 1_700_000_000_100, kept: false, why: 'throttled' }], setAside: 1,
    autocorrelation: 0.1, effectivePairs: 7, resolvesPercent: 1.4, a: none, b: none, identity: { gpu: 'NVIDIA H200', driver: '580.95', torch: '2.11.0', engine: null }, stale: null, notes: [], problem: null, ...change,
  };
}
function open(path: string | null, said: string[] = []): EffectsStore {
  return createEffectsStore({ path, checked: () => false, releasing: () => undefined, log: (_, message) => void said.push(message) });
}
const newFile = (): string => join(makeTestFolder('effects-store'), 'warpdeck.db');

describe('pairs', () => {
  it('come back as they were', () => {
    const pairs = [...makeCard('x').pairs, { a: 1e-9, b: 1e12, atMs: 5, kept: false, why: 'another process came' }];
    expect(unpackPairs(packPairs(pairs))).toEqual(pairs);
    expect(unpackPairs(packPairs([]))).toEqual([]);
  });
  it('of a damaged blob are what whole ones are in it', () => {
    const { whys, bytes } = packPairs(makeCard('x').pairs);
    expect(unpackPairs({ whys, bytes: bytes.slice(0, 45) })).toHaveLength(1);
    expect(unpackPairs({ whys: [], bytes })[1]).toMatchObject({ kept: false, why: null });
  });
});

describe.each<[string, () => string | null]>([['on disk', newFile], ['in memory', () => null]])('cards %s', (_, where) => {
  it('lists leave pairs out, one card has them', () => {
    const store = open(where());
    const card = makeCard('one');
    store.run('effects.put', card);
    store.run('effects.put', makeCard('two', { toggles: [{ toggleId: 'sdpa', value: 'flash' }], environmentId: 'other' }));
    expect(store.run('effects.list', { toggleId: null, limit: 10 }).map((one) => one.id)).toEqual(['two', 'one']);
    expect(store.run('effects.list', { toggleId: null, limit: 1 }).map((one) => one.id)).toEqual(['two']);
    expect(store.run('effects.list', { toggleId: 'tf32', limit: 10 })).toEqual([{ ...card, pairs: [] }]);
    expect(store.run('effects.get', { id: 'one' })).toEqual(card);
    expect(store.run('effects.get', { id: 'none' })).toBeNull();
    store.close();
  });
  it('the newest for each value, workload and profile', () => {
    const store = open(where());
    for (let i = 0; i < 5; i++) store.run('effects.put', makeCard(`a${i}`));
    store.run('effects.put', makeCard('conv', { workload: { ...makeCard('x').workload, name: 'convolution' } }));
    store.run('effects.put', makeCard('set', { profileId: 'training' }));
    store.run('effects.put', makeCard('elsewhere', { place: { key: 'cpu', name: 'Processor' } }));
    store.run('effects.put', makeCard('model', { environmentId: null }));
    expect(store.run('effects.newest', { environmentId: 'lab', place: 'GPU-1' }).map((one) => one.id)).toEqual(['set', 'conv', 'a4']);
    expect(store.run('effects.newest', { environmentId: null, place: 'GPU-1' }).map((one) => one.id)).toEqual(['model']);
    // Of one's own programs each.
    const own = (id: string, file: string, pattern: string): void => {
      const program = { command: ['sh', file], pattern, higherIsBetter: true, unit: '', folder: null, timeoutSeconds: 300 };
      store.run('effects.put', makeCard(id, { environmentId: 'own', workload: { ...makeCard('x').workload, name: 'command', title: `sh ${file}`, engine: 'command' }, program }));
    };
    own('mine', 'a.sh', '(x)');
    own('other', 'b.sh', '(x)');
    own('another figure', 'a.sh', '(y)');
    own('again', 'a.sh', '(x)');
    expect(store.run('effects.newest', { environmentId: 'own', place: 'GPU-1' }).map((one) => one.id)).toEqual(['again', 'another figure', 'other']);
    expect(store.run('effects.get', { id: 'again' })?.program).toMatchObject({ command: ['sh', 'a.sh'], pattern: '(x)' });
    expect(store.run('effects.ofProfiles', null).map((one) => one.id)).toEqual(['set']);
    store.close();
  });
  it('profiles in the order in which they were made', () => {
    const store = open(where());
    store.run('effects.putProfile', { id: 'p1', title: 'One', toggles: [{ toggleId: 'tf32', value: 'high' }] });
    store.run('effects.putProfile', { id: 'p2', title: 'Two', toggles: [{ toggleId: 'tf32', value: 'high' }] });
    store.run('effects.putProfile', { id: 'p1', title: 'First', toggles: [{ toggleId: 'sdpa', value: 'math' }] });
    expect(store.run('effects.profiles', null).map((one) => one.title)).toEqual(['First', 'Two']);
    expect(store.run('effects.removeProfile', { id: 'p1' })).toBe(true);
    expect(store.run('effects.removeProfile', { id: 'p1' })).toBe(false);
    store.close();
  });
});

it('a card that another Warpdeck wrote in its own way is left out', () => {
  const path = newFile();
  const store = open(path);
  store.run('effects.put', makeCard('good'));
  store.run('effects.put', makeCard('bad'));
  store.close();
  const db = new DatabaseSync(path);
  db.exec(`UPDATE effect_cards SET card = '{"id":"bad"' WHERE id = 'bad'`);
  db.close();
  const again = open(path);
  expect(again.run('effects.list', { toggleId: null, limit: 10 }).map((one) => one.id)).toEqual(['good']);
  expect(again.run('effects.get', { id: 'bad' })).toBeNull();
  again.close();
});

it('a newer database is not touched', () => {
  const path = newFile();
  open(path).run('effects.putProfile', { id: 'p', title: 'P', toggles: [{ toggleId: 'tf32', value: 'high' }] });
  const db = new DatabaseSync(path);
  db.exec("UPDATE schema_version SET version = 99 WHERE area = 'effects'");
  db.close();
  try {
    open(path).run('effects.profiles', null);
    expect.unreachable();
  } catch (error) {
    expect(problemOf(error)).toMatchObject({ code: 'bench.storage', facts: { detail: 'the effects in it are of a newer Warpdeck (version 99)' } });
  }
});

it('of a damaged file what can be read is taken over', () => {
  const path = newFile();
  const store = open(path);
  for (let i = 0; i < 300; i++) store.run('effects.put', makeCard(`card ${i}`, { notes: ['x'.repeat(500)] }));
  store.close();
  const size = statSync(path).size;
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(8192, 0xee), 0, 8192, Math.floor(size / 2 / 8192) * 8192);
  closeSync(file);
  const said: string[] = [];
  const again = open(path, said);
  const cards = again.run('effects.list', { toggleId: null, limit: 1000 });
  expect(said).toContain('The database was damaged; what could be read of the effects was taken over');
  expect(cards.length).toBeGreaterThan(100);
  // Found by toggle again, and each can be opened, with or without its pairs.
  expect(again.run('effects.list', { toggleId: 'tf32', limit: 1000 }).map((one) => one.id)).toEqual(cards.map((one) => one.id));
  for (const { id } of cards) expect(again.run('effects.get', { id })?.id).toBe(id);
  again.run('effects.put', makeCard('new'));
  expect(again.run('effects.list', { toggleId: null, limit: 1 }).map((one) => one.id)).toEqual(['new']);
  again.close();
});
