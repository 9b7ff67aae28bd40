import { expect, it } from 'vitest';
import { sourceEvent, type SourceEvent } from '../../../contract/nvml-worker.ts';
import { createSimulateSource } from './simulate-source.ts';
import { isGpuFrame, parseSourceEvent } from './validate-frame.ts';

function frame(): Record<string, unknown> {
  const events: SourceEvent[] = [];
  const source = createSimulateSource({ count: 9, emit: (e) => events.push(e) });
  source.start();
  void source.stop();
  const found = events.find((e) => e.type === 'frame');
  return structuredClone(found?.frame) as unknown as Record<string, unknown>;
}
type Sample = Record<string, Record<string, unknown>>;
const sampleOf = (f: Record<string, unknown>, i = 0): Sample => (f['samples'] as Sample[])[i] as Sample;

it('agrees with the contract on what is right', () => {
  const f = frame();
  expect(isGpuFrame(f)).toBe(true);
  expect(sourceEvent.safeParse({ type: 'frame', frame: f }).success).toBe(true);
});

it.each<[string, (f: Record<string, unknown>) => void]>([
  ['no samples', (f) => { delete f['samples']; }],
  ['a seq that is no integer', (f) => { f['seq'] = 1.5; }],
  ['a time that is text', (f) => { f['atMs'] = '1'; }],
  ['an unknown state', (f) => { (sampleOf(f) as Record<string, unknown>)['state'] = 'tired'; }],
  ['a missing field', (f) => { delete sampleOf(f)['fast']?.['powerWatts']; }],
  ['a value that is text', (f) => { (sampleOf(f)['fast'] ?? {})['powerWatts'] = '12'; }],
  ['a value that is not finite', (f) => { (sampleOf(f)['medium'] ?? {})['tempCelsius'] = Number.NaN; }],
  ['a flag that is a number', (f) => { (sampleOf(f)['slow'] ?? {})['rowRemapPending'] = 1; }],
  ['a tier that is a list', (f) => { (sampleOf(f) as Record<string, unknown>)['medium'] = []; }],
  ['no uuid', (f) => { (sampleOf(f) as Record<string, unknown>)['uuid'] = null; }],
])('refuses %s, as the contract does', (_, spoil) => {
  const f = frame();
  spoil(f);
  expect(isGpuFrame(f)).toBe(false);
  expect(sourceEvent.safeParse({ type: 'frame', frame: f }).success).toBe(false);
  expect(parseSourceEvent({ type: 'frame', frame: f })).toBeNull();
});

it.each([null, undefined, 1, 'x', [], { type: 'frame' }, { type: 'elephant' }, { type: 'rate', rateHz: 'x' }])('refuses %j', (value) => {
  expect(parseSourceEvent(value)).toBeNull();
});
