import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { contentOf, makeGguf, type HubContent } from '../../testing/model-hub/make-gguf.ts';
import { startModelHub, type ModelHub, type ServedFile } from '../../testing/model-hub/start-model-hub.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { openDownloads, untilDownload, untilEnded, type Bench } from './fixtures/downloads-under-test.ts';

const MB = 1024 * 1024;
const REPOSITORY = 'maker/tiny-GGUF';
const FILE = 'tiny-Q4_K_M.gguf';
const plain = makeGguf(9 * MB + 123);
const other = makeGguf(9 * MB + 123, 2);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(file: Partial<ServedFile> & { readonly content?: HubContent } = {}, name = FILE): Promise<ModelHub> {
  const hub = await startModelHub({ [REPOSITORY]: { files: { [name]: { content: plain, ...file } } } });
  closing.push(() => hub.stop());
  return hub;
}
function open(hub: ModelHub, folder = makeTestFolder('downloads'), more: Parameters<typeof openDownloads>[2] = {}): Bench & { readonly folder: string } {
  const bench = openDownloads(hub.url, folder, more);
  closing.push(() => bench.stop());
  return { ...bench, folder };
}
const wish = { repository: REPOSITORY, revision: null, file: null, quantisation: 'Q4_K_M' } as const;
const byUrl = (hub: ModelHub, sha256: string | null = null): { url: string; sha256: string | null } => ({ url: `${hub.url}/files/${REPOSITORY}/${FILE}?x=1`, sha256 });
const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const target = (folder: string, name = FILE): string => join(folder, 'maker--tiny-GGUF', name);
/** Everything below, the downloads' own folder left out. */
const tree = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).filter((one) => !one.startsWith('.downloads')).sort();
const small = { limits: { stallMs: 400, backoffMs: 5, tries: 3, pieceBytes: MB } } as const;

describe('a download', () => {
  it('comes over several connections, is checked, placed and told', async () => {
    const hub = await serve();
    const { downloads, finished, folder, jobs } = open(hub, undefined, small);
    const begun = await downloads.start(wish);
    expect(begun).toMatchObject({ name: 'tiny-Q4_K_M', quantisation: 'Q4_K_M', from: REPOSITORY, totalBytes: plain.size });
    const done = await untilEnded(downloads, begun.id);
    expect(done).toMatchObject({ state: 'done', doneBytes: plain.size, problem: null, modelId: `model-of-${begun.id}` });
    expect(hashOf(target(folder))).toBe(plain.sha256);
    expect(finished).toEqual([expect.objectContaining({ paths: [target(folder)], origin: { repository: REPOSITORY, revision: expect.any(String), url: expect.stringContaining('/resolve/'), sha256: plain.sha256, verified: true } })]);
    // Each byte once, in ranges, by our name.
    expect(hub.sentBytes()).toBe(plain.size);
    expect(hub.requests.filter((one) => one.range !== null).length).toBe(10);
    expect(new Set(hub.requests.map((one) => one.userAgent?.split('/')[0]))).toEqual(new Set(['warpdeck']));
    await untilDownload(downloads, begun.id, () => jobs.runningCount() === 0);
    expect(jobs.list()[0]).toMatchObject({ kind: 'download', state: 'done', result: { bytes: plain.size, modelId: `model-of-${begun.id}` } });
    // The same wish again is that one.
    expect(await downloads.start(wish)).toMatchObject({ id: begun.id, state: 'done' });
    expect(hub.sentBytes()).toBe(plain.size);
  });

  it('the same wish twice is one download', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 64 * 1024 } });
    const { downloads } = open(hub);
    const [a, b, c] = await Promise.all([downloads.start(wish), downloads.start(wish), downloads.start({ ...wish, file: FILE, quantisation: null })]);
    expect(b.id).toBe(a.id);
    expect(c.id).toBe(a.id);
    expect(downloads.list()).toHaveLength(1);
  });

  it('goes on where it stopped, by ranges; pause and cancel act within 100 ms', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 32 * 1024 } });
    const { downloads, folder, jobs } = open(hub, undefined, { limits: { ...small.limits, stallMs: 5000 } });
    const { id } = await downloads.start(wish);
    await untilDownload(downloads, id, (one) => one.doneBytes > 2 * MB);
    const before = performance.now();
    expect(await downloads.pause(id)).toMatchObject({ state: 'paused', connections: 0, bytesPerSecond: null });
    expect(performance.now() - before).toBeLessThan(100);
    const job = jobs.list()[0]?.id ?? '';
    await untilDownload(downloads, id, () => jobs.get(job).state === 'cancelled');
    const sent = hub.sentBytes();
    hub.serve(REPOSITORY, FILE, { content: plain });
    expect((await downloads.resume(id)).state).not.toBe('paused');
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
    // What was on its way when it was paused is all that came twice.
    expect(hub.sentBytes() - plain.size).toBeLessThan(sent);
    expect(hub.sentBytes()).toBeLessThan(plain.size + 4 * MB);

    hub.serve(REPOSITORY, FILE, { content: other, misbehave: { kind: 'slow', bytes: 32 * 1024 } });
    rmSync(target(folder));
    await downloads.start(wish);
    await untilDownload(downloads, id, (one) => one.doneBytes > MB);
    const cancelling = performance.now();
    expect((await downloads.cancel(id)).state).toBe('cancelled');
    expect(performance.now() - cancelling).toBeLessThan(100);
    await untilDownload(downloads, id, () => !existsSync(join(folder, '.downloads', id)));
    expect(tree(folder)).toEqual(['maker--tiny-GGUF']);
  });

  it('two run at a time, the others wait; a paused one gives its place', async () => {
    const hub = await serve({}, 'unused-Q8_0.gguf');
    for (const name of ['a', 'b', 'c']) hub.serve(REPOSITORY, `${name}.gguf`, { content: makeGguf(8 * MB, name.charCodeAt(0)), misbehave: { kind: 'slow', bytes: 16 * 1024 } });
    const { downloads } = open(hub, undefined, { limits: { stallMs: 5000 } });
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => downloads.start({ repository: REPOSITORY, revision: null, file: `${name}.gguf`, quantisation: null })));
    const states = (): string[] => [a, b, c].map((one) => downloads.list().find((d) => d.id === one?.id)?.state ?? '').sort();
    expect(states()).toEqual(['running', 'running', 'waiting']);
    const first = downloads.list().find((one) => one.state === 'running');
    await downloads.pause(first?.id ?? '');
    await untilDownload(downloads, first?.id ?? '', () => states().join() === 'paused,running,running');
    // One that waits can be paused as well, and is no job.
    await downloads.resume(first?.id ?? '');
    expect(states()).toEqual(['running', 'running', 'waiting']);
    expect((await downloads.pause(first?.id ?? '')).state).toBe('paused');
  });

  it('a split model is one download', async () => {
    const parts = [1, 2, 3].map((n) => makeGguf(2 * MB + n, n));
    const names = [1, 2, 3].map((n) => `Q8/big-Q8_0-0000${n}-of-00003.gguf`);
    const hub = await serve();
    names.forEach((name, i) => { hub.serve(REPOSITORY, name, { content: parts[i] ?? plain }); });
    const { downloads, folder, finished } = open(hub);
    const begun = await downloads.start({ repository: REPOSITORY, revision: null, file: null, quantisation: 'q8_0' });
    expect(begun.totalBytes).toBe(parts.reduce((sum, part) => sum + part.size, 0));
    expect((await untilEnded(downloads, begun.id)).state).toBe('done');
    const paths = [1, 2, 3].map((n) => target(folder, `big-Q8_0-0000${n}-of-00003.gguf`));
    expect(paths.map(hashOf)).toEqual(parts.map((part) => part.sha256));
    expect(finished[0]).toMatchObject({ paths, origin: { sha256: null, verified: true } });
  });

  it('a file that is there already is not fetched again, and never written over', async () => {
    const hub = await serve();
    const { downloads, folder } = open(hub);
    mkdirSync(join(folder, 'maker--tiny-GGUF'), { recursive: true });
    writeFileSync(target(folder), plain.read(0, plain.size));
    const first = await downloads.start(wish);
    expect((await untilEnded(downloads, first.id)).state).toBe('done');
    expect(hub.sentBytes()).toBe(0);
    // Another file under this name stays what it is.
    writeFileSync(target(folder), 'mine');
    await downloads.start(wish);
    expect((await untilEnded(downloads, first.id)).state).toBe('done');
    expect(readFileSync(target(folder), 'utf8')).toBe('mine');
    expect(hashOf(join(folder, 'maker--tiny-GGUF-2', FILE))).toBe(plain.sha256);
  });

  it('an engine that ended leaves it as paused, and the next goes on', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 64 * 1024 } });
    const folder = makeTestFolder('downloads');
    const first = open(hub, folder, small);
    const { id } = await first.downloads.start(wish);
    await untilDownload(first.downloads, id, (one) => one.doneBytes > 2 * MB);
    await first.stop();
    const sent = hub.sentBytes();
    hub.serve(REPOSITORY, FILE, { content: plain });
    const second = open(hub, folder, small);
    await second.downloads.load();
    expect(second.downloads.list()).toEqual([expect.objectContaining({ id, state: 'paused', totalBytes: plain.size })]);
    expect(second.downloads.list()[0]?.doneBytes).toBeGreaterThan(2 * MB - 65_536);
    await second.downloads.resume(id);
    expect((await untilEnded(second.downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
    expect(hub.sentBytes() - sent).toBeLessThan(plain.size - MB);
    // And what is done is known to the one after, until its file goes.
    const third = open(hub, folder);
    await third.downloads.load();
    expect(third.downloads.list()).toEqual([expect.objectContaining({ id, state: 'done', modelId: `model-of-${id}` })]);
    rmSync(target(folder));
    const fourth = open(hub, folder);
    await fourth.downloads.load();
    expect(fourth.downloads.list()).toEqual([]);
  });

  it('two engines on one folder of models: the second says who has it', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 16 * 1024 } });
    const folder = makeTestFolder('downloads');
    const first = open(hub, folder, { limits: { stallMs: 5000 } });
    const second = open(hub, folder);
    const { id } = await first.downloads.start(wish);
    expect(await problemFrom(second.downloads.start(wish))).toMatchObject({ code: 'download.held', facts: { pid: process.pid, folder } });
    expect(second.downloads.list()).toEqual([]);
    await first.downloads.pause(id);
    await untilDownload(first.downloads, id, () => !existsSync(join(folder, '.downloads', id, 'lock')));
    hub.serve(REPOSITORY, FILE, { content: plain });
    await second.downloads.start(wish);
    expect((await untilEnded(second.downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
  });

  it('called off from the list of jobs it is paused: what is there is kept', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 64 * 1024 } });
    const { downloads, jobs } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    const running = await untilDownload(downloads, id, (one) => one.doneBytes > MB && one.jobId !== null);
    await jobs.cancel(running.jobId ?? '');
    const paused = await untilEnded(downloads, id);
    expect(paused.state).toBe('paused');
    expect(paused.doneBytes).toBeGreaterThan(MB);
    await untilDownload(downloads, id, () => jobs.runningCount() === 0);
    expect(jobs.list()[0]?.state).toBe('cancelled');
  });

  it('an id that nobody has', async () => {
    const { downloads } = open(await serve());
    for (const act of [downloads.pause, downloads.resume, downloads.cancel]) expect((await problemFrom(act('x'))).code).toBe('download.not_found');
  });
});

describe('a server that misbehaves', () => {
  it('stalls once: tried again, nothing lost', async () => {
    const hub = await serve({ misbehave: { kind: 'stall', afterBytes: MB / 2, times: 3 } });
    const { downloads, folder } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
    expect(hub.sentBytes()).toBe(plain.size);
  });

  it('stalls for ever: download.stalled, and it goes on later', async () => {
    const hub = await serve({ misbehave: { kind: 'stall', afterBytes: 1000 } });
    const { downloads, folder, jobs } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    const failed = await untilEnded(downloads, id);
    expect(failed).toMatchObject({ state: 'failed', problem: { code: 'download.stalled', retry: 'later', facts: { seconds: 0.4, tries: 3 } } });
    await untilDownload(downloads, id, () => jobs.runningCount() === 0);
    expect(jobs.list()[0]).toMatchObject({ state: 'failed', problem: { code: 'download.stalled' } });
    hub.serve(REPOSITORY, FILE, { content: plain });
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
  });

  it('cuts every answer short: goes on behind each', async () => {
    const hub = await serve({ misbehave: { kind: 'cut', afterBytes: 1_200_000 } });
    const { downloads, folder } = open(hub, undefined, { limits: { pieceBytes: 4 * MB } });
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
  });

  it('gives few connections: goes on with those', async () => {
    const hub = await serve({ misbehave: { kind: 'few_connections', most: 1 } });
    const { downloads, folder } = open(hub, undefined, { ...small, connections: 8 });
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
  });

  it.each([['without ranges', { ranges: false }], ['without length', { ranges: false, chunked: true }], ['without any mark', { marks: 'none' }], ['with weak marks', { marks: 'weak' }], ['with dates only', { marks: 'date' }]] as const)('a server %s', async (_, how) => {
    const hub = await serve(how);
    const { downloads, folder } = open(hub, undefined, small);
    const byHub = await downloads.start(wish);
    expect((await untilEnded(downloads, byHub.id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
    // By address and without a checksum: nothing but the marks tells versions apart.
    const byAddress = await downloads.start(byUrl(hub));
    expect((await untilEnded(downloads, byAddress.id)).state).toBe('done');
    expect(hashOf(join(folder, '127.0.0.1', FILE))).toBe(plain.sha256);
  });

  it('without any mark a broken download begins anew: two versions cannot be told apart', async () => {
    const hub = await serve({ marks: 'none', misbehave: { kind: 'cut', afterBytes: 3 * MB, times: 1 } });
    const { downloads, folder } = open(hub, undefined, small);
    const { id } = await downloads.start(byUrl(hub));
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(join(folder, '127.0.0.1', FILE))).toBe(plain.sha256);
    expect(hub.requests.at(-1)?.range).toBeNull();
  });

  it.each([['a strong mark', {}], ['a date', { marks: 'date' }], ['a weak mark', { marks: 'weak' }]] as const)('changes the file between ranges, told by %s: download.changed, never mixed, begun anew', async (_, how) => {
    const hub = await serve({ ...how, misbehave: { kind: 'changes', fromRequest: 4, to: other } });
    const { downloads, folder } = open(hub, undefined, { ...small, connections: 1 });
    const { id } = await downloads.start(byUrl(hub));
    expect(await untilEnded(downloads, id)).toMatchObject({ state: 'failed', problem: { code: 'download.changed' } });
    expect(tree(folder)).toEqual([]);
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(join(folder, '127.0.0.1', FILE))).toBe(other.sha256);
  });

  it('changes it while it is paused, on the hub: the same', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 64 * 1024 } });
    const { downloads, folder } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    await untilDownload(downloads, id, (one) => one.doneBytes > MB);
    await downloads.pause(id);
    hub.serve(REPOSITORY, FILE, { content: other });
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).problem?.code).toBe('download.changed');
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(other.sha256);
  });

  it('changes the file quietly: the checksum finds it, the file is thrown away, the next try is good', async () => {
    const hub = await serve({ misbehave: { kind: 'changes', fromRequest: 3, to: other, quietly: true } });
    const { downloads, folder } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    expect(await untilEnded(downloads, id)).toMatchObject({ state: 'failed', doneBytes: 0, problem: { code: 'download.checksum', facts: { file: FILE, expected: plain.sha256 } } });
    expect(tree(folder)).toEqual([]);
    hub.serve(REPOSITORY, FILE, { content: plain });
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).state).toBe('done');
  });

  it('one flipped byte: download.checksum', async () => {
    const hub = await serve({ misbehave: { kind: 'flipped_byte', at: 5 * MB } });
    const { downloads } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).problem?.code).toBe('download.checksum');
  });

  it.each([['longer', 2 * MB], ['shorter', -2 * MB]] as const)('says that it is %s than announced: download.not_model with both numbers', async (_, by) => {
    const hub = await serve({ misbehave: { kind: 'claims', bytes: plain.size + by } });
    const { downloads } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    const { problem } = await untilEnded(downloads, id);
    expect(problem?.code).toBe('download.not_model');
    expect(problem?.cause).toContain(String(plain.size + by));
    expect(problem?.cause).toContain(String(plain.size));
  });

  it('a sign-in page: download.not_model with its title, at the start and in the middle', async () => {
    const hub = await serve({ misbehave: { kind: 'html' } });
    const { downloads, folder } = open(hub, undefined, { ...small, connections: 1 });
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).problem).toMatchObject({ code: 'download.not_model' });
    hub.serve(REPOSITORY, FILE, { content: plain, misbehave: { kind: 'html', fromRequest: 5 } });
    await downloads.resume(id);
    const middle = await untilEnded(downloads, id);
    expect(middle.problem).toMatchObject({ code: 'download.not_model', facts: { what: 'a web page' } });
    hub.serve(REPOSITORY, FILE, { content: plain });
    await downloads.resume(id);
    expect((await untilEnded(downloads, id)).state).toBe('done');
    expect(hashOf(target(folder))).toBe(plain.sha256);
  });

  it('a file that is something else', async () => {
    const hub = await serve();
    hub.serve(REPOSITORY, 'lfs-Q8_0.gguf', { content: contentOf('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n') });
    hub.serve(REPOSITORY, 'empty-F16.gguf', { content: contentOf('') });
    const { downloads } = open(hub);
    for (const [quantisation, what] of [['Q8_0', 'a pointer of Git LFS, which only names the file'], ['F16', 'an empty file']] as const) {
      const { id } = await downloads.start({ ...wish, quantisation });
      expect((await untilEnded(downloads, id)).problem).toMatchObject({ code: 'download.not_model', facts: { what } });
    }
  });

  it.each([
    [{ status: 403 }, 'download.refused', /terms on .*maker\/tiny-GGUF/],
    [{ status: 401, headers: { 'x-error-code': 'GatedRepo' } }, 'download.refused', /hub_token/],
    [{ status: 404 }, 'download.unknown', /./],
    [{ status: 451 }, 'download.refused', /another model/],
    [{ status: 429, headers: { 'retry-after': '0' } }, 'download.refused', /token/],
    [{ status: 503 }, 'download.no_answer', /network/],
  ] as const)('answers %o: %s with what to do', async (how, code, remedy) => {
    const hub = await serve({ misbehave: { kind: 'status', ...how } });
    const { downloads } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    const { problem } = await untilEnded(downloads, id);
    expect(problem?.code).toBe(code);
    expect(problem?.remedy).toMatch(remedy);
  });

  it('is busy for a while: waits as it says', async () => {
    const hub = await serve({ misbehave: { kind: 'status', status: 429, headers: { 'retry-after': '0' }, times: 2 } });
    const { downloads } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).state).toBe('done');
  });

  it('goes away: download.no_answer, and it goes on when it is back', async () => {
    const hub = await serve({ misbehave: { kind: 'slow', bytes: 64 * 1024 } });
    const { downloads } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    await untilDownload(downloads, id, (one) => one.doneBytes > MB);
    await hub.stop();
    expect(await untilEnded(downloads, id)).toMatchObject({ state: 'failed', problem: { code: 'download.no_answer' } });
    expect((await problemFrom(downloads.start({ ...wish, repository: 'maker/never-GGUF' }))).code).toBe('download.no_answer');
  });

  it('sends another part than was asked for: given up, nothing written', async () => {
    const hub = await serve({ misbehave: { kind: 'wrong_range' } });
    const { downloads, folder } = open(hub, undefined, small);
    const { id } = await downloads.start(wish);
    expect((await untilEnded(downloads, id)).problem?.code).toBe('download.no_answer');
    expect(tree(folder)).toEqual([]);
  });
});

describe('names of theirs', () => {
  it.each(['..\\..\\x.gguf', 'C:\\x.gguf', '\\\\srv\\x.gguf', 'a\u2215b\u2044..\uff0fx.gguf', 'CON.gguf', 'nul.gguf', `${'n'.repeat(300)}.gguf`, 'end. .gguf', '.hidden.gguf', '-rf.gguf', 'sp ace.gguf'])('%s is stored inside, or refused', async (name) => {
    const content = makeGguf(100_000);
    const hub = await serve({ content }, name);
    const parent = makeTestFolder('downloads');
    const folder = join(parent, 'models');
    mkdirSync(folder);
    writeFileSync(join(parent, 'x.gguf'), 'outside');
    const { downloads, finished } = open(hub, folder);
    const begun = await downloads.start({ repository: REPOSITORY, revision: null, file: name, quantisation: null }).catch((error: unknown) => error as Error);
    if ('id' in begun) {
      expect((await untilEnded(downloads, begun.id)).state).toBe('done');
      const stored = finished[0]?.paths[0] ?? '';
      expect(stored).toMatch(/\/models\/maker--tiny-GGUF\/[A-Za-z0-9_][A-Za-z0-9._-]{0,150}\.gguf$/);
      expect(statSync(stored).size).toBe(content.size);
      expect(stored).not.toMatch(/\/(?:con|nul)\.gguf$/i);
    } else expect(begun.message).toMatch(/^download\.unknown/);
    expect(readdirSync(parent).sort()).toEqual(['models', 'x.gguf']);
    expect(readFileSync(join(parent, 'x.gguf'), 'utf8')).toBe('outside');
  });

  it.each(['../up/x.gguf', 'a/../../b.gguf', 'x\u0000.gguf'])('%j is no name of a file in a repository', async (name) => {
    const hub = await serve({ content: makeGguf(1000) }, name);
    const { downloads } = open(hub);
    expect((await problemFrom(downloads.start({ repository: REPOSITORY, revision: null, file: name, quantisation: null }))).code).toBe('download.unknown');
  });
});
