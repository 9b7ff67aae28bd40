import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Proof, ProofStep, ProofStepName, VerdictWord } from '../../../contract/verdict.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { createMemoryLogger, problemFrom, until } from '../../supervisor/fixtures/test-support.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { runScript, type RunScript } from '../python/run-script.ts';
import { createProofStore } from './create-proof-store.ts';
import { proofLimits } from './prove-gpu.ts';
import { proveEnvironment, type ProveOptions } from './prove-environment.ts';
import { verifyImport } from './verify-import.ts';

const folder = realpathSync(makeTestFolder('proof'));
const supervisor = createSupervisor({ log: createMemoryLogger(), journalFolder: join(folder, 'journal') });
const { python: base } = pythonTools();
const standIn = fileURLToPath(new URL('./fixtures/stand_in_torch.py', import.meta.url));
const bound: RunScript = (options) => runScript({ supervisor, ...options });
const h100 = { key: 'GPU-13487536-f86c-19e8-b0d1-26ea633ed567', name: 'NVIDIA H100' };
const h200 = { key: 'GPU-00000000-1111-2222-3333-444444444444', name: 'NVIDIA H200' };
let made = 0;
afterAll(() => supervisor.stopAll());

type Environment = ProveOptions['environment'];
/** A real environment; with `modes`, a stand-in for torch that fails as they say (see the fixture). */
function environment(modes: string | null): Environment {
  const prefix = join(folder, `env${++made}`);
  execFileSync(base, ['-m', 'venv', '--without-pip', prefix]);
  if (modes !== null) {
    const torch = join(prefix, 'lib', readdirSync(join(prefix, 'lib'))[0] ?? '', 'site-packages', 'torch');
    mkdirSync(torch);
    copyFileSync(standIn, join(torch, '__init__.py'));
    writeFileSync(join(torch, 'mode.txt'), modes);
    writeFileSync(join(torch, 'version.py'), "__version__ = '9.9.9+cu130'\ncuda: Optional[str] = '13.0'\n");
  }
  const path = join(prefix, 'bin', 'python');
  return { id: `env${made}`, prefix, python: { path, realPath: path, version: '3', implementation: 'cpython', abi: null, freeThreaded: false } };
}

interface Told { log: string; doing: string[]; fractions: (number | null)[] }
async function prove(modes: string | null, options: Partial<ProveOptions> & { predict?: VerdictWord } = {}): Promise<{ proofs: Proof[]; told: Told }> {
  const told: Told = { log: '', doing: [], fractions: [] };
  const proofs = await proveEnvironment({
    environment: environment(modes), targets: [h100], predicted: () => options.predict ?? 'native', torchVersion: '9.9.9+cu130', driverVersion: '580.95', steps: null, runScript: bound,
    context: { signal: new AbortController().signal, log: (text) => { told.log += `${text}\n`; }, progress: ({ fraction, doing }) => { told.fractions.push(fraction); told.doing.push(doing ?? ''); } },
    ...options,
  });
  return { proofs, told };
}
const step = (proof: Proof | undefined, name: ProofStepName): ProofStep | undefined => proof?.steps.find((s) => s.name === name);
const states = (proof: Proof | undefined): Record<string, string> => Object.fromEntries((proof?.steps ?? []).map((s) => [s.name, s.state]));

describe.skipIf(process.platform === 'win32')('proveEnvironment', () => {
  it('every GPU by its UUID, every step with its numbers', async () => {
    const { proofs, told } = await prove('', { targets: [h100, { key: 'RTX 5090', name: 'RTX 5090' }, h200] });
    expect(proofs.map((p) => p.gpuKey)).toEqual([h100.key, h200.key]);
    for (const proof of proofs) {
      expect(proof).toMatchObject({ works: true, agrees: true, problem: null, predicted: 'native', torchVersion: '9.9.9+cu130', driverVersion: '580.95' });
      expect(states(proof)).toMatchObject({ import: 'passed', context: 'passed', allocate: 'passed', matmul_fp32: 'passed', matmul_bf16: 'passed', convolution: 'passed', linalg: 'passed', matmul_fp8: 'not_offered', attention_flash: 'not_offered', compile: 'not_offered' });
    }
    expect(step(proofs[0], 'matmul_fp16')).toMatchObject({ error: 0, text: null });
    expect(step(proofs[0], 'matmul_fp16')?.tolerance).toBeGreaterThan(0);
    expect(told.log).toContain('the stand-in for torch prints on standard output');
    expect(told.log).toContain('matmul_fp8: not offered');
    expect(told.doing).toContain('NVIDIA H200: fp16 matrix product');
    expect(told.fractions).toEqual([...told.fractions].sort((a, b) => (a ?? 0) - (b ?? 0)));
  });

  it('a crash names its step and its frame; the rest goes on in fresh processes', async () => {
    const { proofs } = await prove('float16 crash\nconv exit\n');
    expect(states(proofs[0])).toMatchObject({ matmul_tf32: 'passed', matmul_fp16: 'crashed', matmul_bf16: 'passed', convolution: 'crashed', linalg: 'passed', compile: 'not_offered' });
    expect(step(proofs[0], 'matmul_fp16')?.text).toMatch(/SIGSEGV.*ctypes.*string_at/);
    expect(step(proofs[0], 'convolution')?.text).toContain('code 7');
    expect(proofs[0]).toMatchObject({ works: false, agrees: false, problem: { code: 'proof.disagrees', facts: { step: 'matmul_fp16' } } });
  });

  it('a hang names its step and where it hung', async () => {
    const { proofs } = await prove('bfloat16 hang\n', { limits: { ...proofLimits, stepMs: 1000 } });
    expect(states(proofs[0])).toMatchObject({ matmul_fp16: 'passed', matmul_bf16: 'hung', convolution: 'passed' });
    expect(step(proofs[0], 'matmul_bf16')?.text).toMatch(/nothing came for 1 s.*Last frame: .*, in _go/);
    expect(step(proofs[0], 'matmul_bf16')?.tookMs).toBeGreaterThanOrEqual(1000);
  });

  it('a wrong number is told from a failure', async () => {
    const { proofs } = await prove('float16 wrong\n', { predict: 'unknown' });
    expect(step(proofs[0], 'matmul_fp16')).toMatchObject({ state: 'wrong', error: 1 });
    expect(proofs[0]).toMatchObject({ works: false, problem: { code: 'proof.failed', severity: 'problem' } });
    expect(proofs[0]?.problem?.cause).toContain('fp16 matrix product: the result is off by 1.0e+0');
  });

  it('a failure that spoils the CUDA context does not fail what follows', async () => {
    const { proofs } = await prove('float16 spoil CUDA error: an illegal memory access was encountered\n');
    expect(states(proofs[0])).toMatchObject({ matmul_fp16: 'failed', matmul_bf16: 'passed', linalg: 'passed' });
  });

  it('no kernels: as promised, or not', async () => {
    const text = 'raise CUDA error: no kernel image is available for execution on the device';
    const modes = ['float32', 'float16', 'bfloat16', 'conv', 'solve'].map((where) => `${where} ${text}\n`).join('');
    const [asPromised, surprising] = await Promise.all([prove(modes, { predict: 'incompatible' }), prove('', { predict: 'incompatible' })]);
    expect(asPromised.proofs[0]).toMatchObject({ works: false, agrees: true, problem: { code: 'proof.failed' } });
    expect(asPromised.proofs[0]?.problem?.remedy).toContain('no code for this GPU');
    expect(surprising.proofs[0]).toMatchObject({ works: true, agrees: false, problem: { code: 'proof.disagrees' } });
  });

  it('an import or a CUDA that does not start ends it: the rest is skipped', async () => {
    const [crash, raise, context, cpu] = await Promise.all([
      prove('import crash\n'), prove('import oserror libnccl.so.2: cannot open shared object file: No such file or directory\n', { predict: 'broken' }),
      prove('context raise No CUDA GPUs are available\n'), prove('cpu-build yes\n', { predict: 'cpu_only' }),
    ]);
    expect(states(crash.proofs[0])).toMatchObject({ import: 'crashed', context: 'skipped', compile: 'skipped' });
    expect(raise.proofs[0]).toMatchObject({ agrees: true, problem: { code: 'torch.broken', facts: { package: 'nvidia-nccl-cu13' } } });
    expect(states(context.proofs[0])).toMatchObject({ import: 'passed', context: 'failed', matmul_fp32: 'skipped' });
    expect(context.proofs[0]).toMatchObject({ agrees: true, problem: { code: 'proof.failed' } });
    expect(cpu.proofs[0]).toMatchObject({ agrees: true, works: false });
    expect(step(cpu.proofs[0], 'context')?.text).toContain('is built without CUDA');
  });

  it('an interpreter that answers nonsense, or hangs before its first word, is a failed import', async () => {
    const nonsense = environment(null), silent = environment(null);
    const put = (env: Environment, text: string): Environment => {
      const path = join(env.prefix, 'program');
      writeFileSync(path, text);
      chmodSync(path, 0o755);
      return { ...env, python: { ...env.python, path } };
    };
    const [a, b] = await Promise.all([prove(null, { environment: put(nonsense, '#!/bin/sh\necho 42\n') }), prove(null, { environment: put(silent, '#!/bin/sh\nexec sleep 1000\n'), limits: { ...proofLimits, startMs: 500 } })]);
    expect(step(a.proofs[0], 'import')).toMatchObject({ state: 'failed' });
    expect(step(a.proofs[0], 'import')?.text).toContain('"42"');
    expect(step(b.proofs[0], 'import')).toMatchObject({ state: 'hung' });
  });

  it('chosen steps only, after import and context', async () => {
    const { proofs } = await prove('float16 crash\n', { steps: ['convolution'] });
    expect(proofs[0]?.steps.map((s) => s.name)).toEqual(['import', 'context', 'convolution']);
    expect(proofs[0]?.works).toBe(true);
  });

  it('without a GPU, the processor', async () => {
    const [fine, wrong] = await Promise.all([prove('', { targets: [], predict: 'cpu_only' }), prove('cpu wrong\n', { targets: [] })]);
    expect(fine.proofs[0]).toMatchObject({ gpuKey: 'cpu', works: true, agrees: true, problem: null });
    expect(fine.proofs[0]?.steps.map((s) => s.name)).toEqual(['import', 'matmul_fp32']);
    expect(wrong.proofs[0]).toMatchObject({ works: false, problem: { code: 'proof.failed' } });
  });

  it('cancel', async () => {
    const cancel = new AbortController();
    let doing = '';
    const proving = prove('float16 hang\n', { context: { signal: cancel.signal, log: () => undefined, progress: (p) => { doing = p.doing ?? ''; } } });
    proving.catch(() => undefined);
    await until(() => doing.includes('fp16'), 30_000);
    cancel.abort(new Error('enough'));
    await expect(proving).rejects.toThrow('enough');
  });

  it('no interpreter', async () => {
    const env = environment(null);
    expect(await problemFrom(prove(null, { environment: { ...env, python: { ...env.python, path: null } } }))).toMatchObject({ code: 'env.interpreter_missing' });
    expect(await problemFrom(prove(null, { environment: { ...env, python: { ...env.python, path: join(env.prefix, 'not', 'there') } } }))).toMatchObject({ code: 'program.not_found' });
  });
});

describe.skipIf(process.platform === 'win32')('verifyImport', () => {
  const verify = (env: Environment, importTimeoutMs = 30_000): Promise<string> => verifyImport({ environment: env, runScript: bound, signal: new AbortController().signal, importTimeoutMs });

  it('says what was imported', async () => {
    expect(await verify(environment(''))).toMatch(/^torch 9\.9\.9\+cu130 imports in Python 3\.\d+\.\d+ \(CUDA 13\.0\)\.$/);
  });

  it('torch.broken: the library that is missing and the package that brings it', async () => {
    const problem = await problemFrom(verify(environment('import oserror libcudnn.so.9: cannot open shared object file: No such file or directory\n')));
    expect(problem).toMatchObject({ code: 'torch.broken', facts: { library: 'libcudnn.so.9', package: 'nvidia-cudnn-cu13' } });
    expect(problem.remedy).toContain('libcudnn.so.9 comes with the package nvidia-cudnn-cu13.');
  });

  it('torch.broken: none there, an empty folder in its place, a crash, a hang', async () => {
    const empty = environment(null);
    mkdirSync(join(empty.prefix, 'lib', readdirSync(join(empty.prefix, 'lib'))[0] ?? '', 'site-packages', 'torch'));
    const [none, hollow, crash, hang] = await Promise.all([
      problemFrom(verify(environment(null))), problemFrom(verify(empty)), problemFrom(verify(environment('import crash\n'))), problemFrom(verify(environment('import hang\n'), 1000)),
    ]);
    expect(none).toMatchObject({ code: 'torch.broken', cause: "ModuleNotFoundError: No module named 'torch'" });
    expect(hollow).toMatchObject({ code: 'torch.broken' });
    expect(hollow.cause).toContain('has no tensors');
    expect(crash).toMatchObject({ code: 'torch.broken' });
    expect(crash.cause).toContain('SIGSEGV');
    expect(hang.cause).toContain('nothing came for 1 s');
  });
});

describe('createProofStore', () => {
  const proof = (id: string, more: Partial<Proof>): Proof => ({ id, environmentId: 'abc', gpuKey: h100.key, gpuName: h100.name, atMs: 1, tookMs: 1, torchVersion: '2.4.1', driverVersion: '580', steps: [], works: true, predicted: 'native', agrees: true, problem: null, ...more });

  it('the newest of each GPU, while torch and driver are the same; kept over a restart', async () => {
    const at = join(folder, 'store');
    const store = createProofStore({ folder: at });
    expect(await store.load()).toEqual([]);
    await Promise.all([store.add([proof('a', { atMs: 1 }), proof('b', { atMs: 3 }), proof('c', { atMs: 2, gpuKey: h200.key })]), store.add([proof('d', { atMs: 4, torchVersion: '2.5.0' }), proof('e', { environmentId: 'other' })])]);
    const again = createProofStore({ folder: at });
    expect(await again.load()).toEqual([]);
    for (const s of [store, again]) {
      expect(s.latest('abc', '2.4.1', '580').map((p) => p.id)).toEqual(['b', 'c']);
      expect(s.latest('abc', '2.5.0', '580').map((p) => p.id)).toEqual(['d']);
      expect(s.latest('abc', '2.4.1', '581')).toEqual([]);
      expect(s.list('abc').map((p) => p.id)).toEqual(['d', 'b', 'c', 'a']);
      expect(s.list(null)).toHaveLength(5);
      expect(s.list('none')).toEqual([]);
    }
  });

  it('keeps a bounded number, survives garbage, a FIFO and foreign proofs, writes nowhere else', async () => {
    const at = join(folder, 'hostile');
    mkdirSync(at);
    writeFileSync(join(at, 'cut.json'), '{"proofs": [');
    writeFileSync(join(at, 'abc.json'), JSON.stringify({ proofs: [proof('mine', {}), proof('foreign', { environmentId: 'x' }), { id: 7 }, null] }));
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(at, 'pipe.json')]);
    const store = createProofStore({ folder: at });
    expect(await store.load()).toEqual(process.platform === 'win32' ? ['cut.json'] : ['cut.json', 'pipe.json']);
    expect(store.list(null).map((p) => p.id)).toEqual(['mine']);
    await store.add([proof('evil', { environmentId: '../evil' })]);
    expect(readdirSync(folder)).not.toContain('evil.json');
    await store.add(Array.from({ length: 80 }, (_, i) => proof(`p${i}`, { atMs: 100 + i })));
    expect(store.list('abc')).toHaveLength(50);
    expect(store.list('abc')[0]?.id).toBe('p79');
  });

  it('a folder that cannot be written: the caller hears of it, and what was proved counts all the same', async () => {
    const at = join(folder, 'file');
    writeFileSync(at, '');
    const store = createProofStore({ folder: at });
    await expect(store.add([proof('a', {})])).rejects.toThrow();
    expect(store.list('abc')).toHaveLength(1);
  });
});
