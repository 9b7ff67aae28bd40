import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inventory } from '../../../contract/gpu.ts';
import type { SourceEvent } from '../../../contract/nvml-worker.ts';
import { problemOf } from '../../../contract/problem.ts';
import { until } from '../test-support.ts';
import { parseRecording, readRecording, recordingLimits } from './parse-recording.ts';
import { createReplaySource } from './replay-source.ts';
import { createSimulateSource } from './simulate-source.ts';
import { createRecordingWriter } from './write-recording.ts';

let dir = '', path = '', text = '';
let written = { frames: 0, bytes: 0 };
const original: SourceEvent[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'warpdeck-rec-'));
  path = join(dir, 'a.jsonl');
  let t = 1_800_000_000_000;
  const source = createSimulateSource({ count: 4, emit: (e) => original.push(e), now: () => t });
  source.start();
  source.setDemand({ rateHz: 10, processes: true });
  const devices = original.find((e) => e.type === 'devices');
  if (devices === undefined) throw new Error('no devices');
  const inventory: Inventory = { revision: 1, atMs: t, source: 'simulate', sourceSpec: 'simulate:4', simulated: true, state: 'ok', problem: null, driver: devices.driver, devices: devices.devices, provenance: source.provenance, findings: [], rateHz: 10, rateNote: null, inContainer: false };
  const writer = await createRecordingWriter({ path, app: 'Warpdeck 0.1.0', inventory, note: 'made by a test', now: () => t });
  original.length = 0;
  for (let i = 0; i < 50; i += 1) { t += 100; source.tick(t); }
  for (const e of original) writer.write(e);
  await source.stop();
  written = await writer.close();
  text = readFileSync(path, 'utf8');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const codeOf = (run: () => unknown): string | undefined => {
  try { run(); return undefined; } catch (error) { return problemOf(error)?.code; }
};

describe('recordings', () => {
  it('come back as they were written, readable by their owner only', async () => {
    const r = await readRecording(path);
    expect(r.problem).toBeNull();
    expect(r.header.devices).toHaveLength(4);
    expect(r.header.provenance.note).toBe('made by a test');
    expect(r.events.map((e) => e.event)).toEqual(original.filter((e) => e.type !== 'rate'));
    expect(written).toEqual({ frames: 50, bytes: statSync(path).size });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('does not write over a file', async () => {
    const header = parseRecording(text).header;
    const inventory: Inventory = { revision: 1, atMs: 0, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'ok', problem: null, driver: header.driver, devices: header.devices, provenance: null, findings: [], rateHz: 1, rateNote: null, inContainer: false };
    await expect(createRecordingWriter({ path, app: 'x', inventory, note: null })).rejects.toMatchObject({ problem: { code: 'file.not_writable' } });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('that are cut off play what is whole', () => {
    const cut = text.slice(0, text.length - 40);
    const r = parseRecording(cut, 'cut.jsonl');
    expect(r.problem?.code).toBe('recording.truncated');
    expect(r.problem?.facts['frames']).toBe(r.events.filter((e) => e.event.type === 'frame').length);
    expect(r.events.length).toBeGreaterThan(40);
  });

  const lines = (): string[] => text.trimEnd().split('\n');
  it.each<[string, string, () => string]>([
    ['nothing', 'recording.garbage', () => ''],
    ['not JSON', 'recording.garbage', () => 'GPU 0: fine\n'],
    ['another JSON', 'recording.garbage', () => '{"a":1}\n'],
    ['a newer version', 'recording.newer', () => text.replace('"schemaVersion":1', '"schemaVersion":2')],
    ['a newer version of another shape', 'recording.newer', () => '{"kind":"warpdeck-recording","schemaVersion":9}\n'],
    ['garbage in the middle', 'recording.garbage', () => [...lines().slice(0, 5), 'oops', ...lines().slice(5)].join('\n') + '\n'],
    ['a whole last line that is garbage', 'recording.garbage', () => `${text}oops\n`],
    ['an event of an unknown type', 'recording.garbage', () => `${text}{"dt":99999,"type":"elephant"}\n`],
    ['a time that goes back', 'recording.garbage', () => `${text}{"dt":1,"type":"rate","rateHz":1,"note":null}\n`],
    ['a time that is not one', 'recording.garbage', () => `${text}{"dt":-5,"type":"rate","rateHz":1,"note":null}\n`],
    ['a line that is too long', 'recording.garbage', () => `${text}"${'x'.repeat(recordingLimits.lineBytes + 1)}"\n`],
    ['too many devices', 'recording.garbage', () => {
      const header = JSON.parse(lines()[0] ?? '') as { devices: unknown[] };
      header.devices = Array.from({ length: 65 }, () => header.devices[0]);
      return `${JSON.stringify(header)}\n`;
    }],
  ])('refuses %s', (_, code, make) => {
    expect(codeOf(() => parseRecording(make()))).toBe(code);
  });

  it('names a file that is missing, and a folder', async () => {
    await expect(readRecording(join(dir, 'none'))).rejects.toMatchObject({ problem: { code: 'recording.not_found' } });
    await expect(readRecording(dir)).rejects.toMatchObject({ problem: { code: 'recording.not_found' } });
  });

  it('refuses a line without end before it fills the memory', async () => {
    const long = join(dir, 'long');
    writeFileSync(long, 'x'.repeat(5 * 1_048_576));
    await expect(readRecording(long)).rejects.toMatchObject({ problem: { code: 'recording.garbage' } });
  });
});

describe('replay', () => {
  it('plays in a loop with a gap, in times of now', async () => {
    const events: SourceEvent[] = [];
    const gaps: number[] = [];
    const began = Date.now();
    const source = createReplaySource({ path, emit: (e) => events.push(e), onGap: (atMs) => gaps.push(atMs), speed: 20 });
    source.setDemand({ rateHz: 10, processes: true });
    source.start();
    await until('three rounds', () => gaps.length >= 2);
    await source.stop();
    expect(events[0]?.type).toBe('devices');
    const frames = events.flatMap((e) => (e.type === 'frame' ? [e.frame] : []));
    expect(frames.every((f) => f.atMs >= began && f.atMs <= Date.now() + 5)).toBe(true);
    expect(frames.map((f) => f.seq)).toEqual(frames.map((_, i) => i + 1));
    expect(events.some((e) => e.type === 'processes')).toBe(true);
    expect(source.provenance?.note).toBe('made by a test');
  });

  it('leaves frames out for a lower demand, never the slower tiers', async () => {
    const events: SourceEvent[] = [];
    const source = createReplaySource({ path, emit: (e) => events.push(e) });
    source.setDemand({ rateHz: 1, processes: false });
    source.start();
    await until('three frames', () => events.filter((e) => e.type === 'frame').length >= 3);
    await source.stop();
    const frames = events.flatMap((e) => (e.type === 'frame' ? [e.frame] : []));
    for (const f of frames.slice(1)) expect(f.samples[0]?.medium).toBeDefined();
    expect((frames[2]?.atMs ?? 0) - (frames[1]?.atMs ?? 0)).toBeGreaterThan(800);
  });

  it.each([['none.jsonl', null, 'recording.not_found'], ['bad.jsonl', 'oops\n', 'recording.garbage']])('%s is a Problem, no crash', async (name, content, code) => {
    const events: SourceEvent[] = [];
    if (content !== null) writeFileSync(join(dir, name), content);
    const source = createReplaySource({ path: join(dir, name), emit: (e) => events.push(e) });
    source.start();
    const problem = await until('a problem', () => events.find((e) => e.type === 'problem'));
    expect(problem.problem?.code).toBe(code);
    await source.stop();
  });
});
