import { join } from 'node:path';
import type { BenchmarkRun, BenchmarkSample } from '../../contract/benchmarks.ts';
import { findBenchmark } from '../../core/benchmarks/catalogue/catalogue.ts';
import type { BenchmarkRecipe, RunnableCase } from '../../core/benchmarks/catalogue/benchmark-recipe.ts';
import { decidePeak, type Peak } from '../../core/benchmarks/runner/decide-peak.ts';
import { decideResult } from '../../core/benchmarks/runner/decide-result.ts';
import { readHardware, type HardwareRow } from '../../core/benchmarks/runner/read-hardware.ts';
import { startStorage } from '../../core/storage/storage-client.ts';
import { silentLogger } from '../../core/testing/silent-logger.ts';

export interface SeedWish {
  /** By UUID and the driver's name, or `cpu`. */
  readonly places: readonly { readonly key: string; readonly name: string }[];
  /** Names of the catalogue; the first has the newest runs. */
  readonly benchmarks: readonly string[];
  /** Of each benchmark at each place, a day apart. */
  readonly runs: number;
  readonly samplesPerCase: number;
  /** Null: all that fit the place. */
  readonly cases: readonly string[] | null;
}

export interface SeededBenchmarks {
  readonly runs: number;
  readonly samples: number;
  /** The newest of the first benchmark at the first place, and the one before. */
  readonly newestId: string;
  readonly previousId: string;
}

const DAY_MS = 86_400_000;
/** What a square matrix product reaches of the peak, by its size, as on the H200 of performance.md 9. */
const SHARE_BY_SIZE: Readonly<Record<string, number>> = { 512: 0.12, 1024: 0.34, 2048: 0.68, 4096: 0.87, 8192: 0.93 };
/** Steps of the figures, by the share of the history at which they come: a driver that helps, one that harms. */
const TURNS = [
  { at: 0, driver: '580.65', torch: '2.13.0+cu130', release: 'b6100', factor: 1 },
  { at: 0.2, driver: '580.82', torch: '2.13.0+cu130', release: 'b6100', factor: 1.021 },
  { at: 0.52, driver: '580.82', torch: '2.14.0+cu130', release: 'b6700', factor: 1.068 },
  { at: 0.85, driver: '580.95', torch: '2.15.0+cu132', release: 'b6700', factor: 1.03 },
] as const;

/** Normal numbers that are the same each time. */
function makeNoise(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** About what a case gives there, in its unit. */
function decideLevel(recipe: RunnableCase, peak: Peak | null): number {
  const size = /(\d+)$/.exec(recipe.id)?.[1] ?? '';
  if (peak !== null) return peak.value * (recipe.unit === 'TFLOPS' ? (SHARE_BY_SIZE[size] ?? 0.6) : 0.92);
  return { TFLOPS: recipe.onGpu ? 400 * (SHARE_BY_SIZE[size] ?? 0.6) * (recipe.peak === 'fp32' ? 0.1 : recipe.peak === 'tf32' ? 0.6 : 1) : 0.9, 'GB/s': recipe.onGpu ? 1850 : 31, 'tok/s': recipe.id.startsWith('prompt') ? 4200 : 203 / (1 + Number(size || 0) / 20_000), 'step/s': 12, 'image/s': 900, 'call/s': 5000, 'µs': 80, ms: 4 }[recipe.unit];
}

function makeSamples(level: number, count: number, fromMs: number, noise: () => number, onGpu: boolean): BenchmarkSample[] {
  return Array.from({ length: count }, (_, i): BenchmarkSample => ({
    value: level * (1 + 0.008 * noise()), atMs: fromMs + i * 110, seconds: 0.1,
    powerWatts: onGpu ? 498 + 3 * noise() : null, smClockMhz: onGpu ? 2640 + 20 * noise() : null, tempCelsius: onGpu ? Math.min(71, 52 + i * 0.4) : null,
    eventReasons: onGpu ? 0x4 : null, setAside: onGpu && i === count - 1 && count > 12 ? 'disturbed' : null,
  }));
}

/** One day's run: as the runner would have stored it, figures from the samples by its own rules. */
function makeRun(recipe: BenchmarkRecipe, place: SeedWish['places'][number], at: { readonly n: number; readonly ofAll: number; readonly startedAtMs: number }, wish: SeedWish, hardware: readonly HardwareRow[]): { readonly run: BenchmarkRun; readonly samples: Record<string, BenchmarkSample[]> } {
  const isGpu = place.key !== 'cpu';
  const turn = TURNS.findLast((one) => at.ofAll >= one.at) ?? TURNS[0];
  const noise = makeNoise(at.n * 7919 + recipe.name.length * 31 + [...place.key].reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0));
  const day = 1 + 0.0015 * noise();
  const samples: Record<string, BenchmarkSample[]> = {};
  const cases = recipe.cases.filter((one) => (isGpu ? one.onGpu : one.onCpu) && (wish.cases === null || wish.cases.includes(one.id)));
  const results = cases.map((one, i) => {
    const peak = isGpu ? decidePeak(hardware, place.name, one.peak) : null;
    const taken = makeSamples(decideLevel(one, peak) * turn.factor * day, wish.samplesPerCase, at.startedAtMs + i * 4000, noise, isGpu);
    samples[one.id] = taken;
    return decideResult(one, { samples: taken, memoryBytes: isGpu ? 2.1e9 : null, error: one.unit === 'TFLOPS' ? 3.2e-3 : null, joulesPerUnit: isGpu ? 498 / (decideLevel(one, peak) * 1e12) : null, peak });
  });
  const isLlama = recipe.engine === 'llama';
  return {
    samples,
    run: {
      id: `bench-seed-${recipe.name}-${String(wish.places.indexOf(place))}-${String(at.n)}`, name: recipe.name, title: recipe.title, startedAtMs: at.startedAtMs, endedAtMs: at.startedAtMs + cases.length * 4000, state: 'done', place: { ...place },
      environment: isLlama ? null : { id: 'seeded', name: 'nightly', torch: turn.torch, cuda: turn.torch.endsWith('132') ? '13.2' : '13.0', python: '3.12.11' },
      model: isLlama ? { id: 'seeded-model', name: 'Llama-3.1-8B-Instruct Q4_K_M', backend: 'cuda', release: turn.release } : null,
      driverVersion: isGpu ? turn.driver : null,
      conditions: { loadAverage: 0.4, torch: turn.torch, cudnn: '9.13.0', device: place.name, capability: isGpu ? '12.0' : null, powerLimitWatts: isGpu ? 575 : null, pcieLink: isGpu ? 'Gen5 x16' : null, display: false, matmulPrecision: 'highest', cudnnTf32: true, cudnnBenchmark: false, threads: 16, interopThreads: 16, compile: null, cudaGraphs: false },
      results, notes: [], problem: null, importedFrom: null, canary: false,
    },
  };
}

/** Writes runs through the engine's own storage thread, as an engine would have stored them day by day. */
export async function seedBenchmarks(databasePath: string, wish: SeedWish): Promise<SeededBenchmarks> {
  const hardware = await readHardware(join(import.meta.dirname, '../../resources'));
  const storage = startStorage(databasePath, silentLogger);
  const todayMs = Date.now() - 3_600_000;
  let runs = 0;
  let samples = 0;
  const ids: string[] = [];
  try {
    for (const [hoursBefore, name] of wish.benchmarks.entries()) {
      const recipe = findBenchmark(name);
      for (const [i, place] of wish.places.entries()) {
        for (let n = 0; n < wish.runs; n += 1) {
          const made = makeRun(recipe, place, { n, ofAll: n / wish.runs, startedAtMs: todayMs - (wish.runs - 1 - n) * DAY_MS - hoursBefore * 3_600_000 + i * 600_000 }, wish, hardware);
          if (made.run.results.length === 0) continue;
          await storage.call('bench.put', made);
          runs += 1;
          samples += Object.values(made.samples).flat().length;
          if (name === wish.benchmarks[0] && i === 0) ids.push(made.run.id);
        }
      }
    }
    const [newestId, previousId] = [ids.at(-1), ids.at(-2)];
    if (newestId === undefined || previousId === undefined) throw new Error('Two runs at least are needed.');
    return { runs, samples, newestId, previousId };
  } finally {
    await storage.close();
  }
}
