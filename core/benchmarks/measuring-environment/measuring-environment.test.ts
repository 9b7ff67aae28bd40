import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { buildWheel } from '../../testing/package-index/build-wheel.ts';
import { startPackageIndex, type PackageIndex } from '../../testing/package-index/start-package-index.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { NumpyMeans } from '../runner/benchmark-parts.ts';
import { bareVenv, makeNumpyBench, realNumpy, reportOf } from './fixtures/numpy-bench.ts';
import type { PinnedRelease } from './measuring-packages.ts';

// Processes that import NumPy take long where many do at once.
const PATIENCE_MS = 180_000;
const bench = makeNumpyBench();
const going = (signal = new AbortController().signal): { signal: AbortSignal; doing: string[]; progress(p: { readonly doing?: string }): void; log(): void } => {
  const doing: string[] = [];
  return { signal, doing, progress: (p) => void doing.push(p.doing ?? ''), log: () => undefined };
};
const ownFolder = (): string => join(makeTestFolder('measuring'), 'own');
/** Of a folder that may not be there. */
const left = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
const U = 2 ** -24;

describe.skipIf(process.platform !== 'linux')('NumPy where there is no PyTorch', { timeout: PATIENCE_MS }, () => {
  const { pipPython, uv } = pythonTools();
  let bare: ReturnType<typeof bareVenv>;
  let real: Awaited<ReturnType<typeof realNumpy>>;
  let index: PackageIndex;
  beforeAll(async () => {
    bare = bareVenv();
    real = await realNumpy(bare.abi);
    index = await startPackageIndex({ indexes: { simple: [real.wheel] }, metadata: false });
  }, PATIENCE_MS);
  afterAll(async () => {
    await index.stop();
    await bench.stop();
  });
  /** Pinned for this interpreter: other bytes than the real ones. */
  const pinOther = (wheel: PinnedRelease['wheels'][number]): PinnedRelease[] => [{ version: real.pinned.version, abis: [bare.abi], wheels: [wheel] }];
  const refused = async (means: NumpyMeans): ReturnType<typeof problemFrom> => problemFrom(means.prepare(going()));

  it.each(['uv', 'pip of another Python', 'neither'] as const)('is fetched by %s into a folder of its own, measures, and is not fetched again', async (by) => {
    const folder = ownFolder();
    const means = bench.make({ reports: [bare.report], index: `${index.url}/simple`, folder, uv: by === 'uv' ? uv : null, pythons: by === 'pip of another Python' ? [pipPython] : [] });
    expect((await means.look()).with).toMatch(/^NumPy [\d.]+, which is fetched once \([\d.]+ MB\)/);
    const job = going();
    const { arm, told, threads, notes } = await means.prepare(job);
    expect(job.doing.find((one) => one.startsWith('Fetching'))).toMatch(/^Fetching NumPy [\d.]+: [\d.]+ MB, once$/);
    expect(told).toMatchObject({ name: `NumPy ${real.pinned.version} of Warpdeck's own`, torch: null, cuda: null });
    expect(threads).toBe(1);
    expect(notes[0]).toMatch(/^Measured on the processor, with NumPy [\d.]+ \(OpenBLAS [\d.]+, \w+, 1 thread\), because no environment with PyTorch was found\.$/);
    expect(left(folder)).toEqual([`numpy-${real.pinned.version}-${bare.abi}`]);

    for (const [dtype, roundoff] of [['fp32', U], ['fp64', 2 ** -53]] as const) {
      const running = await bench.startArm({ workload: `matmul:dtype=${dtype},n=200`, place: 'cpu', environment: arm, model: null, toggles: [], variables: { OPENBLAS_NUM_THREADS: '1' } }, job.signal, () => undefined);
      await running.warmUp(0.2);
      expect(running.facts).toMatchObject({ numpy: real.pinned.version, threads: 1, workPerRepetition: 2 * 200 ** 3 });
      const sample = await running.sample();
      // The unit is what it says: work over time.
      expect((sample.value * 1e12 * (sample.endedAtMs - sample.startedAtMs)) / 1000 / (2 * 200 ** 3 * sample.repetitions)).toBeGreaterThan(0.9);
      const error = await running.error();
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(200 * roundoff);
      await running.end();
    }
    const asked = index.requests.length;
    expect((await means.look()).with).toContain("of Warpdeck's own");
    await means.prepare(going());
    expect(index.requests).toHaveLength(asked);
    if (by !== 'neither') return;
    // Damaged by somebody: made anew.
    rmSync(join(folder, readdirSync(folder)[0] ?? '', 'numpy', '__init__.py'));
    await means.prepare(going());
    expect(index.requests.length).toBeGreaterThan(asked);
  });

  it('of an environment that has it comes first, and one that does not start is passed over', async () => {
    const { python } = bareVenv();
    const prefix = join(python, '..', '..');
    const packages = join(prefix, 'lib', readdirSync(join(prefix, 'lib'))[0] ?? '', 'site-packages');
    const wheel = join(makeTestFolder('wheel'), real.wheel.filename);
    writeFileSync(wheel, real.wheel.bytes);
    execFileSync(python, ['-m', 'zipfile', '-e', wheel, packages]);
    const has = reportOf('has', prefix, python, [{ name: 'numpy', version: real.pinned.version }]).report;
    const claims = reportOf('claims', bare.prefix, bare.python, [{ name: 'numpy', version: '99.0' }]).report;
    const folder = ownFolder();
    const means = bench.make({ reports: [claims, has], index: null, folder });
    const { arm, told } = await means.prepare(going());
    expect(told.name).toBe(`has, NumPy ${real.pinned.version}`);
    expect(arm.numpy).toEqual({ packages: null });
    expect(left(folder)).toEqual([]);

    // What it cannot do is said, and whose it is.
    const start = (workload: string, toggleId?: string): ReturnType<typeof problemFrom> => problemFrom(bench.startArm({ workload, place: 'cpu', environment: arm, model: null, toggles: toggleId === undefined ? [] : [{ toggleId, value: 'on' }], variables: {} }, going().signal, () => undefined));
    expect(await start('matmul:dtype=bf16,n=64')).toMatchObject({ code: 'bench.no_place', facts: { detail: expect.stringContaining('PyTorch') } });
    expect(await start('copy')).toMatchObject({ code: 'bench.no_place' });
    expect(await start('matmul:n=64', 'onednn')).toMatchObject({ code: 'toggle.unavailable' });
  });

  it('there is no Python, or none that a NumPy is known for', async () => {
    const none = bench.make({ reports: [], index: null, folder: ownFolder() });
    expect(await refused(none)).toMatchObject({ code: 'bench.no_python', cause: expect.stringContaining('No Python was found'), remedy: expect.stringContaining('3.8 to 3.15') });
    expect(await none.look()).toMatchObject({ with: null, why: expect.stringContaining('No Python') });
    const { environment } = bare.report;
    const old = { ...bare.report, environment: { ...environment, python: { ...environment.python, version: '3.6.15', abi: 'cp36m' } } };
    expect((await refused(bench.make({ reports: [old], index: null, folder: ownFolder() }))).cause).toContain('(3.6.15)');
  });

  it.each(['uv', 'pip', 'neither'] as const)('the index does not answer %s, or answers other bytes: nothing is left', async (by) => {
    const tools = { uv: by === 'uv' ? uv : null, pythons: by === 'pip' ? [pipPython] : [] };
    const folder = ownFolder();
    const problem = await refused(bench.make({ reports: [bare.report], index: null, folder, ...tools }));
    expect(problem).toMatchObject({ code: 'bench.numpy_fetch', cause: expect.stringContaining(real.pinned.version), remedy: expect.stringContaining('network') });
    const flipped = { ...real.wheel, bytes: Buffer.from(real.wheel.bytes) };
    flipped.bytes.writeUInt8(flipped.bytes.readUInt8(1_000_000) ^ 0xff, 1_000_000);
    const liar = await startPackageIndex({ indexes: { simple: [flipped] }, metadata: false, misbehave: { [real.wheel.filename]: { kind: 'flipped_byte' } } });
    try {
      expect(await refused(bench.make({ reports: [bare.report], index: `${liar.url}/simple`, folder, ...tools }))).toMatchObject({ code: 'bench.numpy_fetch', remedy: expect.stringContaining('thrown away') });
    } finally {
      await liar.stop();
    }
    expect(left(folder)).toEqual([]);
  });

  it('no room, and nowhere to write', async () => {
    const folder = ownFolder();
    const huge = pinOther({ ...real.pinned.wheel, bytes: 2 ** 50 });
    expect(await refused(bench.make({ reports: [bare.report], index: `${index.url}/simple`, folder, releases: huge }))).toMatchObject({ code: 'bench.numpy_fetch', cause: expect.stringContaining('too little room'), remedy: expect.stringContaining('Make room') });
    // A tool that meets the end of the disk in the middle.
    const tool = join(makeTestFolder('tool'), 'uv');
    writeFileSync(tool, '#!/bin/sh\necho "error: failed to write: No space left on device (os error 28)" >&2\nexit 2\n', { mode: 0o700 });
    expect(await refused(bench.make({ reports: [bare.report], index: `${index.url}/simple`, folder, uv: tool }))).toMatchObject({ code: 'bench.numpy_fetch', remedy: expect.stringContaining('Make room') });
    const file = join(makeTestFolder('file'), 'file');
    writeFileSync(file, '');
    expect(await refused(bench.make({ reports: [bare.report], index: `${index.url}/simple`, folder: join(file, 'own') }))).toMatchObject({ code: 'bench.numpy_fetch', cause: expect.stringContaining('cannot be written to') });
    expect(left(folder)).toEqual([]);
  });

  it('a NumPy that does not start is not kept', async () => {
    const broken = buildWheel({ name: 'numpy', version: real.pinned.version, tag: `${bare.abi}-${bare.abi}-manylinux_2_17_x86_64`, files: { 'numpy/__init__.py': "raise ImportError('libgfortran.so.5: cannot open shared object file')" } });
    const wheelFolder = makeTestFolder('wheels');
    writeFileSync(join(wheelFolder, broken.filename), broken.bytes);
    const folder = ownFolder();
    const means = bench.make({ reports: [bare.report], index: null, wheelFolder, folder, releases: pinOther({ file: broken.filename, bytes: broken.bytes.length, sha256: broken.sha256 }) });
    const system64 = process.arch === 'x64';
    expect(await refused(means)).toMatchObject(system64 ? { code: 'bench.numpy_fails', cause: expect.stringContaining('libgfortran.so.5') } : { code: 'bench.no_python' });
    expect(left(folder)).toEqual([]);
    if (!system64) return;
    writeFileSync(join(wheelFolder, broken.filename), 'another');
    expect((await refused(means)).remedy).toContain('thrown away');
    rmSync(join(wheelFolder, broken.filename));
    expect((await refused(means)).cause).toContain('has no numpy-');
  });

  it.each(['uv', 'pip', 'neither'] as const)('cancelled while %s fetches: nothing is left, and asked again it is made', async (by) => {
    const folder = ownFolder();
    const slow = await startPackageIndex({ indexes: { simple: [real.wheel] }, metadata: false, misbehave: { [real.wheel.filename]: { kind: 'stall', afterBytes: 100_000 } } });
    try {
      const means = bench.make({ reports: [bare.report], index: `${slow.url}/simple`, folder, uv: by === 'uv' ? uv : null, pythons: by === 'pip' ? [pipPython] : [] });
      // What an engine that was killed left.
      mkdirSync(join(folder, `numpy-${real.pinned.version}-${bare.abi}.making-killed`), { recursive: true });
      const abort = new AbortController();
      const asked = slow.asked(real.wheel.filename);
      const preparing = means.prepare(going(abort.signal));
      const ended = preparing.then(() => 'made', (error: unknown) => error);
      await asked;
      const reason = new Error('enough');
      abort.abort(reason);
      expect(await ended).toBe(reason);
      expect(left(folder)).toEqual([]);
      slow.misbehave(real.wheel.filename, null);
      expect((await means.prepare(going())).told.name).toContain("Warpdeck's own");
    } finally {
      await slow.stop();
    }
  });
});
