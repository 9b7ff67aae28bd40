/**
 * `npm run bench:inference [--model FILE | --synthetic 7b|135m] [--label TEXT] [--backend cpu|cuda] [--llama-bench PATH]
 * [--calm SECONDS] [ROW …]`: the product's own answers against llama.cpp's benchmark of the same build, interleaved,
 * through the engine as faces use it. Rows: start decode measure prompt first same stop parallel memory loads browser
 * long truth. `make-llama-bench` as a row only makes the reference. `--calm`: so long is waited before each row for a load
 * below 1.5. Prints a table and one JSON object; exit code 1 when a row is missed.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { SyntheticShape } from '../../core/inference/synthetic/synthetic-shape.ts';
import { tinyShape } from '../../core/inference/synthetic/tiny-shape.ts';
import { writeSyntheticModel } from '../../core/inference/synthetic/write-synthetic-model.ts';
import { smolLm2 } from '../../core/testing/models.ts';
import { startEngine } from './engine-process.ts';
import { browserRows } from './inference-browser-rows.ts';
import { load, type BenchPlace } from './inference-client.ts';
import { longRows } from './inference-long-rows.ts';
import { decodeRow, firstTokenRow, loadsRow, measureRow, memoryRow, parallelRow, promptRow, sameTokensRow, warmStartRow, type BenchModel } from './inference-rows.ts';
import { stopRows } from './inference-stop-rows.ts';
import { truthRows } from './inference-truth-rows.ts';
import { openLlamaBench, type LlamaBench } from './llama-bench.ts';
import { makeLlamaBench } from './make-llama-bench.ts';
import { describeRow, printRows, type Row } from './row.ts';
import { stageLlamaBench, type StagedPrograms } from './stage-llama-bench.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { model: { type: 'string' }, label: { type: 'string' }, synthetic: { type: 'string' }, backend: { type: 'string', default: 'cpu' }, 'llama-bench': { type: 'string' }, gpus: { type: 'string' }, rounds: { type: 'string', default: '7' }, batch: { type: 'string' }, calm: { type: 'string', default: '0' } } });
const q4 = { most: 'Q4_0', fine: 'Q4_0' };
/** Llama's shapes with random weights: speed does not depend on them. */
const synthetic: Readonly<Record<string, SyntheticShape>> = {
  '7b': { ...tinyShape, name: 'Synthetic 7B', layers: 32, embeddingLength: 4096, feedForward: 11_008, heads: 32, kvHeads: 32, headLength: 128, vocabulary: 32_000, types: { inputEmbedding: 'Q4_0', output: 'Q8_0', layers: [q4] } },
  '135m': { ...tinyShape, name: 'Synthetic 135M', layers: 30, embeddingLength: 576, feedForward: 1536, heads: 9, kvHeads: 3, headLength: 64, vocabulary: 49_152, types: { inputEmbedding: 'Q8_0', output: null, layers: [q4] } },
};

async function makeSynthetic(size: string): Promise<string> {
  const shape = synthetic[size];
  if (shape === undefined) throw new Error(`--synthetic is one of ${Object.keys(synthetic).join(', ')}.`);
  const folder = join(tmpdir(), 'warpdeck-bench-models');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `synthetic-${size}-q4_0.gguf`);
  if (!existsSync(path)) await writeSyntheticModel(path, shape, { seed: 1 });
  return path;
}

const model = values.synthetic === undefined ? (values.model ?? smolLm2()) : await makeSynthetic(values.synthetic);
const onGpu = values.backend !== 'cpu';
const label = values.label ?? (values.synthetic !== undefined ? `${values.synthetic} class Q4_0, ${values.backend}` : values.model === undefined ? `SmolLM2 135M, ${values.backend}` : `${model}, ${values.backend}`);
const rounds = Number(values.rounds);
const threads = Math.max(1, Math.floor(availableParallelism() / 2));
const base = { backend: onGpu ? 'cuda' : 'cpu', contextTokens: 4096, flashAttention: 'on', ...(values.batch === undefined ? {} : { batch: Number(values.batch) }), ...(onGpu ? {} : { threads }) } as const;
const gpus = values.gpus ?? (onGpu ? 'nvml' : 'none');
const place: BenchPlace = { model, settings: base, label, gpus };
const CALM_LOAD = 1.5;

if (positionals.includes('make-llama-bench')) {
  console.log(JSON.stringify(await makeLlamaBench(onGpu ? 'cuda' : 'cpu')));
  process.exit(0);
}

/** Programs that were given lie with their libraries; else they are made, and run with those of the model's process. */
async function stageReference(workerPid: number | null): Promise<StagedPrograms> {
  const given = values['llama-bench'];
  if (given === undefined) return stageLlamaBench(await makeLlamaBench(onGpu ? 'cuda' : 'cpu'), workerPid);
  const batched = join(dirname(given), 'llama-batched-bench');
  return { bench: given, batchedBench: existsSync(batched) ? batched : null, env: {}, build: `given: ${given}`, remove: () => Promise.resolve() };
}

/** Load over the last minute, as it is when a row begins: waited for so that others do not stand in the figures. */
async function waitForCalm(): Promise<number> {
  const until = performance.now() + 1000 * Number(values.calm);
  while ((loadavg()[0] ?? 0) >= CALM_LOAD && performance.now() < until) await wait(2000);
  return loadavg()[0] ?? Number.NaN;
}

const engine = await startEngine({ gpus });
const rows: Row[] = [];
let staged: StagedPrograms | null = null;
try {
  const { client, ws } = await engine.connect();
  await client.models.addFolder({ path: model });
  const at: BenchModel = { client, model, settings: base, label };
  let reference: LlamaBench | null = null;
  const bench = async (): Promise<LlamaBench> => {
    if (reference !== null) return reference;
    const loaded = await load(client, model, base);
    staged = await stageReference(loaded.pid);
    return (reference = openLlamaBench({ programs: staged, model, gpuLayers: loaded.truth.layersOnGpu === 0 ? 0 : 999, threads: loaded.threads ?? threads, batch: Number(values.batch ?? 512), flashAttention: loaded.flashAttention ?? true }));
  };
  const parts: Readonly<Record<string, () => Promise<Row | readonly Row[]>>> = {
    start: () => warmStartRow(at, rounds),
    decode: async () => decodeRow(at, await bench(), rounds, onGpu ? 93 : 85),
    measure: () => measureRow(at),
    prompt: async () => promptRow(at, await bench(), rounds),
    first: () => firstTokenRow(at, 20),
    same: () => sameTokensRow(at, 20),
    stop: () => stopRows(at, rounds),
    parallel: async () => {
      const beside = await bench();
      const web = await client.engine.startWeb({ port: 0 });
      const many = { ...at, settings: { ...base, parallel: 8, contextTokens: 1024 } };
      const loaded = await load(client, model, many.settings);
      return parallelRow(many, { url: web.url ?? '', token: web.token, model: loaded.modelId }, 8, beside, onGpu);
    },
    memory: () => memoryRow(at, [512, 2048, 4096, 8192].flatMap((contextTokens) => [{ contextTokens }, { contextTokens, cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } as const])),
    loads: () => loadsRow(at, engine.pid, 20),
    // These start engines of their own: the models of this one go first.
    browser: async () => (await unloadAll(), browserRows(place)),
    long: async () => (await unloadAll(), longRows(Math.max(5, rounds))),
    truth: async () => (await unloadAll(), truthRows(place)),
  };
  const unloadAll = async (): Promise<void> => {
    for (const one of await client.inference.loaded({})) await client.inference.unload({ id: one.id });
  };
  const unknown = positionals.filter((name) => !(name in parts));
  if (unknown.length > 0) throw new Error(`There is no row ${unknown.join(', ')}: ${Object.keys(parts).join(' ')}.`);
  for (const [name, measure] of Object.entries(parts)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const loadBefore = await waitForCalm();
    process.stderr.write(`${name} … (load ${loadBefore.toFixed(2)})\n`);
    // What fails is a row too: the others are still worth their time.
    const made = await measure().catch((error: unknown): Row => ({ what: `${name}, ${label}`, must: 'be measured', value: Number.NaN, unit: '', ok: false, detail: { why: error instanceof Error ? error.message : String(error) } }));
    for (const one of [made].flat()) {
      const row: Row = { ...one, detail: { ...one.detail, loadBefore } };
      rows.push(row);
      process.stderr.write(`  ${describeRow(row)} ${JSON.stringify(row.detail)}\n`);
    }
  }
  ws.close();
} finally {
  await engine.stop();
  await (staged as StagedPrograms | null)?.remove();
}
printRows('inference', rows);
process.exitCode = rows.every((row) => row.ok !== false) ? 0 : 1;
