import type { BackendKind, EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, SpeedPrediction } from '../../../contract/models.ts';
import { medianOf } from '../../statistics/median-interval.ts';
import type { Place } from '../parts.ts';
import { elementBytes } from './cache-bytes.ts';
import type { SpeedRecord } from './known-models.ts';

/**
 * t = bytes ÷ (efficiency × bandwidth) + fixed: what is read for one token, and what each token costs besides.
 * Efficiency 0.92 and 1.16 ms: fitted to llama-bench runs on GeForce, RTX PRO and GB10 (reference: performance.md,
 * section 4, check rows). Data-centre parts with HBM are so fast that the fixed part rules: 1.86 ms measured on an H200.
 */
const EFFICIENCY = 0.92;
const FIXED_SECONDS = 1.16e-3;
const FIXED_SECONDS_HBM = 1.86e-3;
/** node-llama-cpp as we run it reaches 95 % of llama-bench at 2.75 ms a token (measured on an H200): 0.15 ms more. */
const WRAPPER_SECONDS = 0.15e-3;
/** Mixtures of experts start more and smaller kernels: 3.0 ms instead of 1.2 on an RTX 4090. */
const FIXED_SECONDS_EXPERTS = 1.2e-3;
/** From the same check rows: truth lay between 0.75 and 1.06 of the prediction. */
const PRIOR_LOW = 0.7;
const PRIOR_HIGH = 1.1;
/** GPUs with HBM by compute capability: P100, V100, A100, H100 and H200, B100 to B300. */
const HBM = new Set(['6.0', '7.0', '8.0', '9.0', '10.0', '10.3']);
/** Two models that differ less in size say nothing of the slope. */
const APART = 1.5;
/** Deeper in the context it is slower; not what is predicted here. */
const SHORT_DEPTH = 1024;
const NEWEST = 20;

export type CacheTypes = Pick<EngineSettings, 'cacheTypeK' | 'cacheTypeV'>;

/** Bytes that are read for one token when so many tokens are in the context. Pure. */
export function bytesPerToken(facts: GgufFacts, contextUsed: number, settings: CacheTypes): number {
  const { bytes } = facts;
  const idle = facts.experts !== null && facts.experts > 0 && facts.expertsUsed !== null ? bytes.experts * (1 - Math.min(1, facts.expertsUsed / facts.experts)) : 0;
  const layers = bytes.layers.reduce((total, layer) => total + layer, 0) - idle;
  // Gemma's embeddings by layer: one row of them is read.
  const rest = /^gemma(?:3n|4)/.test(facts.architecture) && bytes.rest > bytes.total * 0.02 ? 0 : bytes.rest;
  const row = facts.vocabulary === null || facts.vocabulary === 0 ? 0 : bytes.inputEmbedding / facts.vocabulary;
  const output = bytes.output > 0 ? bytes.output + row : bytes.inputEmbedding;
  const { k, v } = facts.kvElementsPerToken;
  const cache = k.reduce((total, elements, layer) => {
    const tokens = facts.windowedLayers[layer] === true && facts.slidingWindow !== null ? Math.min(contextUsed, facts.slidingWindow) : contextUsed;
    return total + tokens * (elementBytes(settings.cacheTypeK, elements) + elementBytes(settings.cacheTypeV, v[layer] ?? 0));
  }, 0);
  // A recurrent state is read and written.
  return layers + rest + output + cache + 2 * facts.recurrentBytes;
}

export interface SpeedQuestion extends BytesQuestion {
  readonly facts: GgufFacts;
  readonly settings: CacheTypes;
}
export interface BytesQuestion {
  readonly place: Place;
  readonly backend: BackendKind;
  /** Ids under which this very model was recorded. */
  readonly ids: readonly string[];
  /** All that was recorded, of all models and places. */
  readonly records: readonly SpeedRecord[];
}

/** Tokens a second at a short context: measured, else fitted to what was measured on that place, else by the prior. Pure. */
export function predictSpeed({ facts, settings, ...question }: SpeedQuestion): SpeedPrediction {
  return predictFromBytes({ ...question, bytes: bytesPerToken(facts, 64, settings), mixture: facts.experts !== null && facts.experts > 0 });
}

/** The same from the bytes that are read for one token. `mixture`: of experts. Pure. */
export function predictFromBytes(question: BytesQuestion & { readonly bytes: number; readonly mixture: boolean }): SpeedPrediction {
  const { bytes, mixture, place, backend, ids } = question;
  const records = question.records.filter((r) => r.place === place.key && r.backend === backend && r.depth <= SHORT_DEPTH && r.tokensPerSecond > 0);
  const mine = records.filter((r) => ids.includes(r.modelId));
  const bandwidth = place.bandwidth?.bytesPerSecond ?? null;
  const base: SpeedPrediction = {
    place: place.key, placeName: place.name, basis: 'none', tokensPerSecond: null, low: null, high: null, runs: 0, bytesPerToken: bytes,
    bandwidth, bandwidthFrom: place.bandwidth?.from ?? null, efficiency: null, fixedSeconds: null,
    roofline: bandwidth === null ? null : bandwidth / bytes, measuredAtMs: null, why: null,
  };
  const own = newest(mine.filter((r) => !r.synthetic));
  const synthetic = newest(mine.filter((r) => r.synthetic));
  const measured = own.length > 0 ? own : synthetic;
  if (measured.length > 0) {
    const speeds = measured.map((r) => r.tokensPerSecond).sort((a, b) => a - b);
    return { ...base, basis: own.length > 0 ? 'measured' : 'measured_synthetic', tokensPerSecond: medianOf(speeds), low: speeds[0] ?? null, high: speeds.at(-1) ?? null, runs: speeds.length, measuredAtMs: Math.max(...measured.map((r) => r.atMs)) };
  }
  const fit = fitSpeed(records, bandwidth);
  if (fit !== null) {
    const speed = 1 / (bytes * fit.secondsPerByte + fit.fixedSeconds);
    const spread = Math.max(0.05, fit.spread * 2) + (fit.models === 1 ? 0.3 : 0);
    return { ...base, basis: 'fitted', tokensPerSecond: speed, low: speed * Math.max(0.1, 1 - spread), high: speed * (1 + spread), runs: fit.runs, efficiency: bandwidth === null ? null : 1 / (fit.secondsPerByte * bandwidth), fixedSeconds: fit.fixedSeconds };
  }
  if (place.kind === 'cpu') return { ...base, why: 'No table says how fast this machine’s memory is: after one answer or one measurement here it is known.' };
  if (bandwidth === null) return { ...base, why: `The memory bandwidth of ${place.name} is not known; measure instead.` };
  const hbm = place.computeCapability !== null && HBM.has(place.computeCapability);
  const fixed = (hbm ? FIXED_SECONDS_HBM : FIXED_SECONDS) + WRAPPER_SECONDS + (mixture ? FIXED_SECONDS_EXPERTS : 0);
  const speed = 1 / (bytes / (EFFICIENCY * bandwidth) + fixed);
  return { ...base, basis: 'prior', tokensPerSecond: speed, low: speed * PRIOR_LOW, high: speed * PRIOR_HIGH, efficiency: EFFICIENCY, fixedSeconds: fixed };
}

interface SpeedFit {
  readonly secondsPerByte: number;
  readonly fixedSeconds: number;
  /** Median distance of the recorded runs from it, as a share. */
  readonly spread: number;
  readonly runs: number;
  readonly models: number;
}

/** Slope and fixed part from the runs of models of different size; where the peak is not known, one model gives the slope. */
function fitSpeed(records: readonly SpeedRecord[], bandwidth: number | null): SpeedFit | null {
  const byModel = new Map<string, SpeedRecord[]>();
  for (const record of records) byModel.set(record.modelId, [...(byModel.get(record.modelId) ?? []), record]);
  const points = [...byModel.values()].map((runs) => ({ bytes: medianOf(newest(runs).map((r) => r.bytesPerToken)), seconds: 1 / medianOf(newest(runs).map((r) => r.tokensPerSecond)) }));
  if (points.length === 0) return null;
  const sizes = points.map((p) => p.bytes);
  const slopeOnly = (): { a: number; b: number } => ({ a: medianOf(points.map((p) => p.seconds / p.bytes)), b: 0 });
  let line: { a: number; b: number };
  if (Math.max(...sizes) / Math.min(...sizes) >= APART) {
    line = leastSquares(points);
    // No memory is faster than its peak, and no token takes less than nothing.
    if (bandwidth !== null && line.a < 1 / bandwidth) line = { a: 1 / bandwidth, b: medianOf(points.map((p) => p.seconds - p.bytes / bandwidth)) };
    if (line.b < 0 || line.a <= 0) line = slopeOnly();
  } else if (bandwidth === null) line = slopeOnly();
  else return null;
  const spread = medianOf(records.map((r) => Math.abs(1 / r.tokensPerSecond / (r.bytesPerToken * line.a + line.b) - 1)));
  return { secondsPerByte: line.a, fixedSeconds: line.b, spread, runs: records.length, models: points.length };
}

/** Relative errors are what counts: a small model's millisecond as much as a large one's hundred. */
function leastSquares(points: readonly { bytes: number; seconds: number }[]): { a: number; b: number } {
  let w = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const { bytes, seconds } of points) {
    const weight = 1 / (seconds * seconds);
    w += weight; x += weight * bytes; y += weight * seconds; xx += weight * bytes * bytes; xy += weight * bytes * seconds;
  }
  const a = (w * xy - x * y) / (w * xx - x * x);
  return { a, b: (y - a * x) / w };
}

function newest(records: readonly SpeedRecord[]): SpeedRecord[] {
  return [...records].sort((a, b) => b.atMs - a.atMs).slice(0, NEWEST);
}
