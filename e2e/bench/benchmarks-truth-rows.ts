import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { pairedEffect } from '../../core/statistics/paired-effect.ts';
import { medianOf } from '../../core/statistics/median-interval.ts';
import { wishOf, type BenchBase } from './benchmarks-place.ts';
import type { Row } from './row.ts';

const WITHIN = 0.02;
const LEAST_PAIRS = 20;
const MOST_PAIRS = 200;
const MIB = 1024 * 1024;
const fixture = (name: string): string => fileURLToPath(new URL(`../../e2e/bench/fixtures/${name}`, import.meta.url));
const answer = z.object({ seconds: z.number().positive() });

/** A program that answers each line by one line. */
interface Asked {
  ask(line: string): Promise<number>;
  end(): Promise<void>;
}

async function startAsked(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Asked> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const gone = once(child, 'exit').catch(() => undefined);
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${program} has ended.`);
    return JSON.parse(line.value);
  };
  await read();
  return {
    async ask(line) {
      child.stdin.write(`${line}\n`);
      return answer.parse(await read()).seconds;
    },
    async end() {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await gone;
      clearTimeout(late);
    },
  };
}

export interface TruthOptions {
  /** Of one row. */
  readonly seconds: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The product's figure and the reference's, one after the other in turned order, in processes that live at the same time. */
async function compare(base: BenchBase, what: string, workload: string, work: number, reference: (repetitions: number) => Promise<number>, { seconds, variables, signal }: TruthOptions): Promise<Row> {
  const arm = await base.startArm(wishOf(base, `${workload},unit=ms`, variables), signal, () => undefined);
  try {
    await arm.warmUp(3);
    let { repetitions } = await arm.sample();
    await reference(repetitions);
    const own: number[] = [];
    const theirs: number[] = [];
    const logs: number[] = [];
    const until = performance.now() + seconds * 1000;
    for (let pair = 0; pair < MOST_PAIRS && (pair < LEAST_PAIRS || performance.now() < until); pair++) {
      const ownFirst = pair % 4 === 0 || pair % 4 === 3;
      const measured: number[] = [];
      for (const which of ownFirst ? ['own', 'other'] : ['other', 'own']) {
        if (which === 'other') measured[1] = await reference(repetitions);
        else {
          const sample = await arm.sample();
          repetitions = sample.repetitions;
          measured[0] = sample.value / 1000;
        }
      }
      const [mine = Number.NaN, other = Number.NaN] = measured;
      own.push(work / mine);
      theirs.push(work / other);
      logs.push(Math.log(other / mine));
    }
    const effect = pairedEffect(logs, 0.05);
    if (effect === null) throw new Error('Too few pairs.');
    const off = Math.abs(effect.ratio - 1);
    const half = Math.log(effect.high / effect.low) / 2;
    const detail = { ours: medianOf(own), reference: medianOf(theirs), ratio: effect.ratio, low: effect.low, high: effect.high, pairs: effect.pairs, repetitions, torch: String(arm.facts['torch']), threads: Number(arm.facts['threads']), place: base.name };
    // An interval that holds both is no answer.
    const isVague = half > WITHIN && effect.low < 1 + WITHIN && effect.high > 1 - WITHIN;
    return { what, must: 'within 2 %', value: 100 * off, unit: '%', ok: isVague ? null : off <= WITHIN, detail: isVague ? { ...detail, why: `this machine is too busy to tell: ${(100 * (effect.ratio - 1)).toFixed(1)} ± ${(100 * half).toFixed(1)} %` } : detail };
  } finally {
    await arm.end();
  }
}

/** nvcc of the machine, or of CUDA's packages in the environment; null: there is none. */
function findNvcc(prefix: string): string | null {
  const inPackages = globSync(join(prefix, 'lib', 'python3*', 'site-packages', 'nvidia', '*', 'bin', 'nvcc'));
  const known = [process.env['CUDA_HOME'] ?? '', '/usr/local/cuda'].filter(Boolean).map((folder) => join(folder, 'bin', 'nvcc'));
  const onPath = (process.env['PATH'] ?? '').split(':').filter(Boolean).map((folder) => join(folder, 'nvcc'));
  return [...onPath, ...known, ...inPackages].find((path) => existsSync(path)) ?? null;
}

const notMeasured = (what: string, why: string): Row => ({ what, must: 'within 2 %', value: Number.NaN, unit: '%', ok: null, detail: { why } });

/** Products against torch.utils.benchmark in the same environment, copies against cudaMemcpy of a program compiled here. */
export async function truthRows(base: BenchBase, options: TruthOptions): Promise<Row[]> {
  const onGpu = base.key !== 'cpu';
  const env = { ...options.variables, CUDA_VISIBLE_DEVICES: onGpu ? base.key : '' };
  const rows: Row[] = [];
  const torch = await startAsked(base.environment.python?.path ?? '', ['-I', '-u', fixture('torch_reference.py'), onGpu ? 'cuda:0' : 'cpu'], env);
  try {
    for (const [dtype, n] of onGpu ? ([['fp32', 4096], ['tf32', 8192], ['bf16', 8192], ['fp16', 8192]] as const) : ([['fp32', 512], ['fp32', 1024]] as const)) {
      rows.push(await compare(base, `${dtype.toUpperCase()} product of ${n}³ against torch.utils.benchmark, ${onGpu ? 'GPU' : 'processor'}`, `matmul:dtype=${dtype},n=${n}`, (2 * n ** 3) / 1e12, (repetitions) => torch.ask(JSON.stringify({ dtype, n, repetitions })), options));
    }
  } finally {
    await torch.end();
  }
  const copies = [
    { what: 'Copy of 1 GiB in the GPU against a cudaMemcpy loop', workload: `copy:bytes=${1024 * MIB}`, kind: 'd2d', bytes: 1024 * MIB, times: 2 },
    { what: '256 MiB to the GPU, pinned, against a cudaMemcpy loop', workload: `host_copy:direction=h2d,memory=pinned,bytes=${256 * MIB}`, kind: 'h2d', bytes: 256 * MIB, times: 1 },
    { what: '256 MiB from the GPU, pinned, against a cudaMemcpy loop', workload: `host_copy:direction=d2h,memory=pinned,bytes=${256 * MIB}`, kind: 'd2h', bytes: 256 * MIB, times: 1 },
  ] as const;
  const nvcc = onGpu ? findNvcc(base.environment.prefix) : null;
  if (!onGpu) return [...rows, ...copies.map((one) => notMeasured(one.what, 'there is no GPU here')), notMeasured('Products on a GPU against torch.utils.benchmark', 'there is no GPU here')];
  if (nvcc === null) return [...rows, ...copies.map((one) => notMeasured(one.what, 'there is no nvcc on PATH, in /usr/local/cuda or in the environment'))];
  const folder = mkdtempSync(join(tmpdir(), 'warpdeck-truth-'));
  try {
    const program = join(folder, 'cuda-memcpy');
    execFileSync(nvcc, ['-O2', '-o', program, fixture('cuda-memcpy.cu')], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 });
    const cuda = await startAsked(program, [], env);
    try {
      for (const { what, workload, kind, bytes, times } of copies) rows.push(await compare(base, what, workload, (bytes * times) / 1e9, () => cuda.ask(`${kind} ${bytes}`), options));
    } finally {
      await cuda.end();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}
