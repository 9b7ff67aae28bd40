import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { makeGguf } from '../../testing/model-hub/make-gguf.ts';
import { startModelHub } from '../../testing/model-hub/start-model-hub.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { readRecord } from './download-record.ts';
import { openDownloads, untilEnded } from './fixtures/downloads-under-test.ts';
import { doneOf } from './run-download.ts';

const MB = 1024 * 1024;
const bench = fileURLToPath(new URL('fixtures/downloads-under-test.ts', import.meta.url));
const hubAt = fileURLToPath(new URL('../../testing/model-hub/start-model-hub.ts', import.meta.url));
const gguf = fileURLToPath(new URL('../../testing/model-hub/make-gguf.ts', import.meta.url));
const wish = { repository: 'maker/big-GGUF', revision: null, file: 'big.gguf', quantisation: null } as const;

it('killed with SIGKILL in the middle, five times: goes on each time, and fetches no more than the grain twice', async () => {
  const content = makeGguf(60 * MB + 77, 5);
  const grainBytes = 2 * MB;
  const hub = await startModelHub({ 'maker/big-GGUF': { files: { 'big.gguf': { content, misbehave: { kind: 'slow', bytes: 32 * 1024 } } } } });
  const folder = makeTestFolder('downloads');
  const script = `
    const { openDownloads } = await import(${JSON.stringify(bench)});
    const { downloads } = openDownloads(${JSON.stringify(hub.url)}, ${JSON.stringify(folder)}, { connections: 2, grainBytes: ${grainBytes}, limits: { stallMs: 20000, pieceBytes: ${8 * MB} } });
    await downloads.load();
    const { id, doneBytes: first } = await downloads.start(${JSON.stringify(wish)});
    for await (const [one] of downloads.gauge.stream()) if (one.doneBytes - first > ${3 * MB}) console.log(id, one.doneBytes);`;
  let id = '';
  let before = 0;
  for (let round = 0; round < 5; round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await once(child.stdout, 'data');
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    const [name = '', written = '0'] = said.trim().split('\n').at(-1)?.split(' ') ?? [];
    id = name;
    const journaled = doneOf((await readRecord(join(folder, '.downloads', id, 'journal.json'))) ?? { files: [] });
    // What it had written, less what the next one knows of.
    expect(Number(written) - journaled).toBeLessThanOrEqual(grainBytes);
    expect(journaled).toBeGreaterThan(before);
    before = journaled;
  }
  hub.serve('maker/big-GGUF', 'big.gguf', { content });
  const { downloads, stop } = openDownloads(hub.url, folder, { grainBytes });
  await downloads.load();
  expect(downloads.list()).toMatchObject([{ id, state: 'paused', totalBytes: content.size, doneBytes: before }]);
  const sent = hub.sentBytes();
  await downloads.resume(id);
  expect((await untilEnded(downloads, id)).state).toBe('done');
  // A piece that another connection takes over in the end may be on its way twice, never more than the pieces there are.
  expect(hub.sentBytes() - sent).toBeGreaterThanOrEqual(content.size - before);
  expect(hub.sentBytes() - sent).toBeLessThan(content.size);
  expect(createHash('sha256').update(readFileSync(join(folder, 'maker--big-GGUF', 'big.gguf'))).digest('hex')).toBe(content.sha256);
  await stop();
  await hub.stop();
}, 60_000);

it('disk full, before and in mid-download (a real tmpfs): said with numbers, nothing lost, goes on when there is room', () => {
  const dir = makeTestFolder('downloads');
  const elsewhere = makeTestFolder('downloads');
  const script = `
    import { readFileSync, rmSync, statfsSync, writeFileSync, readdirSync } from 'node:fs';
    import { createHash } from 'node:crypto';
    const { openDownloads, untilDownload, untilEnded } = await import(${JSON.stringify(bench)});
    const { startModelHub } = await import(${JSON.stringify(hubAt)});
    const { makeGguf } = await import(${JSON.stringify(gguf)});
    const dir = process.env.DIR, content = makeGguf(${24 * MB}, 3);
    const hub = await startModelHub({ 'maker/big-GGUF': { files: { 'big.gguf': { content, misbehave: { kind: 'slow', bytes: 65536 } } } } });
    let root = dir;
    const { downloads, stop } = openDownloads(hub.url, dir, { modelsFolder: () => root, grainBytes: ${2 * MB}, limits: { pieceBytes: ${2 * MB} } });
    const wish = ${JSON.stringify(wish)};
    // The download writes meanwhile: where it took the room first, the disk is as full as it should be.
    const fill = (name, leave) => { const fs = statfsSync(dir); try { writeFileSync(dir + '/' + name, Buffer.alloc(Math.max(0, fs.bavail * fs.bsize - leave))); } catch (error) { if (error.code !== 'ENOSPC') throw error; } };
    fill('before', ${10 * MB});
    const { id } = await downloads.start(wish);
    const before = await untilEnded(downloads, id);
    rmSync(dir + '/before');
    await downloads.resume(id);
    await untilDownload(downloads, id, (one) => one.doneBytes > ${4 * MB});
    fill('during', ${2 * MB});
    const during = await untilEnded(downloads, id);
    rmSync(dir + '/during');
    hub.serve('maker/big-GGUF', 'big.gguf', { content });
    const sent = hub.sentBytes();
    await downloads.resume(id);
    const after = await untilEnded(downloads, id);
    const hash = createHash('sha256').update(readFileSync(dir + '/maker--big-GGUF/big.gguf')).digest('hex');
    const again = hub.sentBytes() - sent + during.doneBytes;
    // Another folder is chosen instead.
    hub.serve('maker/big-GGUF', 'more.gguf', { content });
    fill('again', ${MB});
    const more = await downloads.start({ ...wish, file: 'more.gguf' });
    const full = await untilEnded(downloads, more.id);
    root = process.env.ELSEWHERE;
    await downloads.resume(more.id);
    const moved = (await untilEnded(downloads, more.id)).state + ' ' + readdirSync(root + '/maker--big-GGUF') + ' ' + readdirSync(dir + '/.downloads').includes(more.id) + ' ' + full.problem?.code;
    console.log(JSON.stringify({ moved, before: before.problem.code, cause: before.problem.cause.length > 20, during: during.problem.code, kept: during.doneBytes > ${3 * MB}, after: after.state, again, same: hash === content.sha256 }));
    await stop();
    await hub.stop();`;
  const shell = 'mount -t tmpfs -o size=48m tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"';
  const result = spawnSync('unshare', ['-rm', 'sh', '-c', shell], { env: { ...process.env, DIR: dir, ELSEWHERE: elsewhere, NODE: process.execPath, SCRIPT: script }, encoding: 'utf8', timeout: 50_000 });
  expect(result.stderr.replace(/.*ExperimentalWarning.*\n.*\n/g, '')).toBe('');
  expect(JSON.parse(result.stdout)).toEqual({ moved: 'done more.gguf false download.disk_full', before: 'download.disk_full', cause: true, during: 'download.disk_full', kept: true, after: 'done', again: 24 * MB, same: true });
}, 60_000);

it('an engine that is killed leaves no lock that holds', async () => {
  const content = makeGguf(8 * MB, 6);
  const hub = await startModelHub({ 'maker/big-GGUF': { files: { 'big.gguf': { content, misbehave: { kind: 'slow', bytes: 16 * 1024 } } } } });
  const folder = makeTestFolder('downloads');
  const script = `
    const { openDownloads } = await import(${JSON.stringify(bench)});
    const { downloads } = openDownloads(${JSON.stringify(hub.url)}, ${JSON.stringify(folder)}, { limits: { stallMs: 20000 } });
    const { id } = await downloads.start(${JSON.stringify(wish)});
    console.log(id);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const id = said.toString().trim();
  const { downloads, stop } = openDownloads(hub.url, folder);
  // While it lives it is the other's, and said so in the list.
  await downloads.load();
  expect(downloads.list()).toEqual([expect.objectContaining({ id, state: 'paused', problem: expect.objectContaining({ code: 'download.held', facts: expect.objectContaining({ pid: child.pid }) }) })]);
  await expect(downloads.resume(id)).rejects.toMatchObject({ problem: { code: 'download.held' } });
  await expect(downloads.cancel(id)).rejects.toMatchObject({ problem: { code: 'download.held' } });
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  expect(existsSync(join(folder, '.downloads', id, 'lock'))).toBe(true);
  hub.serve('maker/big-GGUF', 'big.gguf', { content });
  await downloads.resume(id);
  expect((await untilEnded(downloads, id)).state).toBe('done');
  await stop();
  await hub.stop();
});
