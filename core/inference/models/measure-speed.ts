import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { JobContext, JobResult } from '../../jobs/create-jobs.ts';
import { readHeaderPlan, writeSyntheticFromHeader } from '../synthetic/write-synthetic-from-header.ts';
import type { Experience, Place } from '../parts.ts';
import type { RemoteHeader } from './read-remote-header.ts';

/** Runs a measurement on a model (core/inference/loaded): tokens a second of each run. */
export type MeasureWith = (model: Model, settings: EngineSettings, place: Place, signal: AbortSignal, onProgress: (fraction: number) => void) => Promise<{ readonly prompt: readonly number[]; readonly decode: readonly number[] }>;

export interface MeasureWish {
  readonly place: Place;
  readonly settings: EngineSettings;
  readonly backend: 'cuda' | 'vulkan' | 'cpu';
  readonly measureWith: MeasureWith;
  readonly experience: Experience;
}

/** Beside the file itself: what the system wants to keep. */
const SPARE_BYTES = 1_073_741_824;
/** As llama-bench: at the beginning of the context. */
const DEPTH = 0;
/** Tokens of each decode run; more than the least that is recorded. */
const DECODE_TOKENS = 64;

/** The same shapes give the same id, whatever the file: what was measured with random weights is found again. */
export function shapeIdOf(facts: GgufFacts): string {
  const shape = [facts.architecture, facts.parameters, facts.bytes, facts.layers, facts.vocabulary, facts.experts, facts.expertsUsed];
  return `shape-${createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)}`;
}

/** Measures with this very file. */
export async function measureModel(model: Model, wish: MeasureWish, job: JobContext): Promise<JobResult> {
  const { place, settings, measureWith } = wish;
  job.progress({ fraction: null, doing: `Measuring on ${place.name}` });
  const { prompt, decode } = await measureWith(model, settings, place, job.signal, (fraction) => { job.progress({ fraction, doing: `Measuring on ${place.name}` }); });
  return record(model.facts, model.synthetic && model.facts !== null ? shapeIdOf(model.facts) : model.id, model.synthetic, prompt, decode, wish);
}

/**
 * Measures a model that is not here with random weights of its very shapes, written to a folder of its own that goes again.
 * @throws ProblemError `download.disk_full`, `load.failed`, `model.damaged`, whatever the load says
 */
export async function measureSynthetic(name: string, header: RemoteHeader, tempFolder: string, wish: MeasureWish, job: JobContext): Promise<JobResult> {
  const { facts, problem } = header.read;
  if (problem !== null && facts === null) throw problemError('model.damaged', { path: name, detail: problem.cause });
  const plan = facts === null ? null : await readHeaderPlan(header.path);
  if (facts === null || plan === null) throw problemError('load.failed', { name, detail: 'It comes in several parts, or with tensors that cannot be made up of random weights.', remedy: 'Get it, then measure with the file itself.' });
  await mkdir(tempFolder, { recursive: true, mode: 0o700 });
  const disk = await statfs(tempFolder);
  const free = disk.bavail * disk.bsize;
  if (free < plan.bytes + SPARE_BYTES) throw problemError('download.disk_full', { path: tempFolder, free: gigabytes(free), need: gigabytes(plan.bytes + SPARE_BYTES) });
  const folder = await mkdtemp(join(tempFolder, 'measure-'));
  try {
    const path = join(folder, 'random-weights.gguf');
    job.log(`Writing ${gigabytes(plan.bytes)} of random weights to ${path}`);
    await writeSyntheticFromHeader(path, plan, { signal: job.signal, onProgress: ({ doneBytes }) => { job.progress({ fraction: (doneBytes / plan.bytes) * 0.5, doing: 'Writing random weights' }); } });
    const model: Model = {
      id: `synthetic-${randomBytes(4).toString('hex')}`, name: `${name} (random weights)`, path, files: [{ path, bytes: plan.bytes }], bytes: plan.bytes, changedAtMs: Date.now(),
      home: 'warpdeck', label: null, synthetic: true, facts, origin: null, lastUsedAtMs: null, problems: [],
    };
    const { prompt, decode } = await wish.measureWith(model, wish.settings, wish.place, job.signal, (fraction) => { job.progress({ fraction: 0.5 + fraction / 2, doing: `Measuring on ${wish.place.name}` }); });
    return record(facts, shapeIdOf(facts), true, prompt, decode, wish);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function record(facts: GgufFacts | null, modelId: string, synthetic: boolean, prompt: readonly number[], decode: readonly number[], { place, settings, backend, experience }: MeasureWish): JobResult {
  if (facts !== null) {
    const bytesPerToken = experience.bytesPerToken(facts, DEPTH + DECODE_TOKENS / 2, settings);
    for (const tokensPerSecond of decode) experience.recordSpeed({ modelId, place: place.key, backend, bytesPerToken, depth: DEPTH, tokensPerSecond, tokens: DECODE_TOKENS, synthetic, atMs: Date.now() });
  }
  return { place: place.name, decodeTokensPerSecond: middle(decode), promptTokensPerSecond: middle(prompt), runs: decode.length, synthetic };
}

function middle(values: readonly number[]): number | null {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? null;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
