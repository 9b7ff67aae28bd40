// Recordings that are cut, newer or no recordings at all, given to a starting engine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readRecording } from '../nvml-driver/nvml-test-driver.ts';
import { makeTestFolder } from '../test-folder.ts';
import { endEngines, follow, plainEnvironment, startEngine, until } from './engine-under-test.ts';

const folder = makeTestFolder('recordings');
const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
let good = '';
beforeAll(async () => { good = await readRecording('h200-two'); });
afterEach(endEngines);

const header = (): string => good.slice(0, good.indexOf('\n') + 1);
const withHeader = (change: Record<string, unknown>): string => `${JSON.stringify({ ...(JSON.parse(header()) as object), ...change })}\n${good.slice(header().length)}`;

describe.each<[string, () => string | Uint8Array | null, string, RegExp]>([
  ['from a newer version', () => withHeader({ schemaVersion: 7 }), 'recording.newer', /has version 7; this one reads up to 1/],
  ['full of noise', () => Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251), 'recording.garbage', /line 1: /],
  ['empty', () => '', 'recording.garbage', /the file is empty/],
  ['another program\'s JSON lines', () => '{"name":"a"}\n{"name":"b"}\n', 'recording.garbage', /not the header of a recording/],
  ['whole but for one line that does not fit', () => `${header()}{"dt":5,"type":"frame","frame":{"seq":"one"}}\n${good.slice(header().length)}`, 'recording.garbage', /line 2: frame\./],
  ['one endless line', () => `${header()}${'x'.repeat(3_000_000)}`, 'recording.garbage', /line 2: the line is longer than 1 MB/],
  ['cut within its header', () => header().slice(0, 100), 'recording.garbage', /line 1: it is not JSON/],
  ['a folder', () => null, 'recording.not_found', /it is not a file/],
])('a recording that is %s', (name, content, code, cause) => {
  it(`is ${code}, and the engine goes on`, async () => {
    const path = join(folder, `${name.replaceAll(/\W/g, '-')}.jsonl`);
    const data = content();
    if (data === null) mkdirSync(path);
    else writeFileSync(path, data);
    const engine = await startEngine({ dir: makeTestFolder('fault'), gpus: `replay:${path}` });
    const { client } = await engine.face();
    const inventory = await until('the Problem', async () => { const now = await client.gpus.list({}); return now.state === 'starting' ? null : now; });
    expect(inventory).toMatchObject({ source: 'replay', state: 'problem', devices: [], problem: { code } });
    expect(inventory.problem?.cause).toMatch(cause);
    expect(inventory.problem?.cause).toContain(path);
    // Everything else is as alive as ever, and a second look says the same.
    expect((await client.gpus.refresh({})).problem?.code).toBe(code);
    expect((await client.gpus.processes({})).processes).toEqual([]);
    expect((await client.engine.report({})).text).toContain(code);
  });
});

describe('a recording that is cut off', () => {
  it('is played up to the cut, and every face says so', async () => {
    const path = join(folder, 'cut.jsonl');
    writeFileSync(path, good.slice(0, Math.floor(good.length * 0.7)));
    const engine = await startEngine({ dir: makeTestFolder('fault'), gpus: `replay:${path}` });
    const { client } = await engine.face();
    const seen = follow(client);
    await until('readings', () => seen.items.some((i) => i.type === 'frame'));
    await until('the notice', () => seen.statuses.some((s) => s.notices.some((n) => n.code === 'recording.truncated')));
    expect(await client.gpus.list({})).toMatchObject({ state: 'ok', problem: null, rateNote: expect.stringMatching(/cut\.jsonl ends in the middle of line \d+; [1-9]\d* readings/) });
  });
});

describe('on the command line', () => {
  const run = (path: string, ...more: string[]) => spawnSync(process.execPath, [cli, 'gpus', '--gpus', `replay:${path}`, '--data-dir', join(folder, 'data'), ...more], { env: plainEnvironment(), encoding: 'utf8' });

  it('it is exit code 3, in words and as JSON', () => {
    const path = join(folder, 'newer.jsonl');
    writeFileSync(path, withHeader({ schemaVersion: 2 }));
    const words = run(path);
    expect(words).toMatchObject({ status: 3, stderr: expect.stringContaining('recording.newer') });
    const json = run(path, '--json');
    expect(json.status).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ schemaVersion: 1, problem: { code: 'recording.newer', remedy: 'Update Warpdeck.' } });
    expect(run(join(folder, 'nowhere.jsonl'))).toMatchObject({ status: 3, stderr: expect.stringContaining('recording.not_found') });
  });

  it('a cut one is shown, with a word about it', () => {
    const path = join(folder, 'cut-for-cli.jsonl');
    writeFileSync(path, good.slice(0, Math.floor(good.length * 0.7)));
    const said = run(path);
    expect(said).toMatchObject({ status: 0, stderr: '' });
    expect(said.stdout).toMatch(/H200.*\n[^]*ends in the middle of line/);
  });
});
