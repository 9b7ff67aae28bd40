/**
 * Prediction against proof on this machine's GPU: small CUDA libraries are compiled here for different lists of
 * architectures, laid out as the library of a torch installation, judged by `warpdeck doctor` from their bytes alone,
 * and then really run, each in a process of its own. Part of `npm run hardware`; needs nvcc. Prints a table and one
 * JSON object; exit code 1 when a prediction is wrong.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EnvironmentReport } from '../../contract/verdict.ts';

interface Case {
  readonly name: string;
  /** As given to nvcc: -gencode arch=…,code=…. */
  readonly code: readonly string[];
}
const sass = (arch: string): string => `arch=compute_${arch},code=sm_${arch}`;
const ptx = (arch: string): string => `arch=compute_${arch},code=compute_${arch}`;
/** Lists of the kinds that wheels come in; which of them run depends on the GPU of this machine. */
const cases: readonly Case[] = [
  { name: 'exact', code: [sass('90')] },
  { name: 'accelerated variant', code: [sass('90a')] },
  { name: 'older major only', code: [sass('80')] },
  { name: 'older majors', code: [sass('75'), sass('80'), sass('86')] },
  { name: 'same major as 8.9, older', code: [sass('86')] },
  { name: 'other family', code: [sass('100')] },
  { name: 'other family, accelerated', code: [sass('120a')] },
  { name: 'family target', code: [sass('100f')] },
  { name: 'PTX, older', code: [ptx('80')] },
  { name: 'PTX, exact', code: [ptx('90')] },
  { name: 'PTX, accelerated', code: [ptx('90a')] },
  { name: 'PTX, newer', code: [ptx('100')] },
  { name: 'SASS of others, PTX older', code: [sass('80'), sass('120'), ptx('75')] },
  { name: 'SASS of others, PTX newer', code: [sass('80'), ptx('120')] },
  { name: 'as a wheel of CUDA 13', code: ['75', '80', '86', '90', '100', '120'].map(sass) },
  { name: 'as a wheel of CUDA 13 without this', code: ['75', '80', '86', '100', '120'].map(sass) },
];

const source = `
#include <cuda_runtime.h>
__global__ void twice(float* x) { x[threadIdx.x] *= 2.0f; }
extern "C" int run(void) {
  float host[32]; for (int i = 0; i < 32; i++) host[i] = (float)i;
  float* x = nullptr;
  if (cudaMalloc(&x, sizeof host) != cudaSuccess) return 1000 + (int)cudaGetLastError();
  cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice);
  twice<<<1, 32>>>(x);
  cudaError_t launched = cudaGetLastError();
  if (launched != cudaSuccess) return (int)launched;
  cudaError_t done = cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
  if (done != cudaSuccess) return (int)done;
  for (int i = 0; i < 32; i++) if (host[i] != 2.0f * (float)i) return 2000;
  return 0;
}`;

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = process.env['WARPDECK_PYTHON'] ?? execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
const [pythonVersion, cuda = '13.0'] = [
  execFileSync(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' }).trim(),
  /release (\d+\.\d+)/.exec(execFileSync('nvcc', ['--version'], { encoding: 'utf8' }))?.[1],
];
const work = mkdtempSync(join(tmpdir(), 'warpdeck-architectures-'));

/** An environment whose torch has this library and says nothing else about architectures. */
function layOut(name: string, library: string): string {
  const prefix = join(work, name.replaceAll(/[^a-z0-9]+/gi, '-'));
  const packages = join(prefix, 'lib', `python${pythonVersion}`, 'site-packages');
  mkdirSync(join(packages, 'torch', 'lib'), { recursive: true });
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  symlinkSync(python, join(prefix, 'bin', 'python'));
  writeFileSync(join(prefix, 'pyvenv.cfg'), `home = ${join(python, '..')}\nversion = ${pythonVersion}\ninclude-system-site-packages = false\n`);
  writeFileSync(join(packages, 'torch', '__init__.py'), '');
  writeFileSync(join(packages, 'torch', 'version.py'), `__version__ = '2.11.0+cu${cuda.replace('.', '')}'\ncuda = '${cuda}'\n`);
  execFileSync('cp', [library, join(packages, 'torch', 'lib', 'libtorch_cuda.so')]);
  const info = join(packages, 'torch-2.11.0.dist-info');
  mkdirSync(info);
  writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: torch\nVersion: 2.11.0\n');
  writeFileSync(join(info, 'RECORD'), ['torch/__init__.py', 'torch/version.py', 'torch/lib/libtorch_cuda.so', 'torch-2.11.0.dist-info/METADATA', 'torch-2.11.0.dist-info/RECORD'].map((path) => `${path},,\n`).join(''));
  return prefix;
}

/** What Warpdeck says of it, from files. */
function predict(prefix: string): { readonly verdict: string; readonly text: string; readonly archs: readonly string[] } {
  const cli = existsSync(join(root, 'out', 'engine', 'cli.mjs')) ? join(root, 'out', 'engine', 'cli.mjs') : join(root, 'core', 'cli', 'main.ts');
  const run = spawnSync(process.execPath, [cli, 'doctor', '--env', prefix, '--json', '--quiet', '--data-dir', join(work, 'data')], { encoding: 'utf8', timeout: 120_000 });
  const answer = JSON.parse(run.stdout) as { environments?: EnvironmentReport[]; problem?: { title: string; cause: string } };
  const [report] = answer.environments ?? [];
  const cell = report?.cells[0];
  if (cell === undefined) throw new Error(`No verdict for ${prefix}: ${answer.problem?.title ?? ''} ${answer.problem?.cause ?? run.stderr}`);
  return { verdict: cell.verdict, text: cell.text, archs: report?.xray?.torch?.census ?? [] };
}

/** What happens when it is run. JIT compiles anew each time: a cache would hide it. */
function prove(library: string): { readonly works: boolean; readonly outcome: string } {
  const child = spawnSync(python, ['-I', '-c', 'import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).run())', library], { encoding: 'utf8', timeout: 60_000, env: { ...process.env, CUDA_CACHE_DISABLE: '1' } });
  if (child.status !== 0) return { works: false, outcome: child.signal ?? `exit ${String(child.status)}: ${child.stderr.trim().split('\n').at(-1) ?? ''}` };
  const code = Number(child.stdout.trim());
  /** cudaError values of driver_types.h. */
  const words: Readonly<Record<number, string>> = { 0: 'ran, right numbers', 209: 'no kernel image (209)', 222: 'unsupported PTX version (222)', 218: 'invalid PTX (218)', 200: 'invalid image (200)', 2000: 'wrong numbers' };
  return { works: code === 0, outcome: words[code] ?? `CUDA error ${String(code)}` };
}

const rows: { readonly name: string; readonly list: string; readonly predicted: string; readonly outcome: string; readonly agrees: boolean }[] = [];
try {
  writeFileSync(join(work, 'twice.cu'), source);
  for (const one of cases) {
    const library = join(work, `${one.name.replaceAll(/[^a-z0-9]+/gi, '-')}.so`);
    const built = spawnSync('nvcc', ['-shared', '-Xcompiler', '-fPIC', '-O1', ...one.code.flatMap((c) => ['-gencode', c]), '-o', library, join(work, 'twice.cu')], { encoding: 'utf8' });
    const list = one.code.map((c) => /code=(\S+)/.exec(c)?.[1] ?? c).join(' ');
    if (built.status !== 0) {
      console.log(`${one.name} (${list}): this nvcc cannot make it: ${built.stderr.trim().split('\n')[0] ?? ''}`);
      continue;
    }
    const { verdict, text } = predict(layOut(one.name, library));
    const { works, outcome } = prove(library);
    const agrees = (verdict === 'native' || verdict === 'jit') === works;
    rows.push({ name: one.name, list, predicted: verdict, outcome, agrees });
    console.log(`${agrees ? 'ok  ' : 'BAD '} ${one.name.padEnd(36)} ${list.padEnd(44)} ${verdict.padEnd(16)} ${outcome}   [${text}]`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(JSON.stringify({ gpu: execFileSync('nvidia-smi', ['--query-gpu=name,compute_cap,driver_version', '--format=csv,noheader'], { encoding: 'utf8' }).trim(), nvcc: cuda, cases: rows.length, wrong: rows.filter((r) => !r.agrees).length, failedAsPredicted: rows.filter((r) => r.agrees && r.predicted === 'incompatible').length }));
process.exit(rows.length >= 8 && rows.every((r) => r.agrees) ? 0 : 1);
