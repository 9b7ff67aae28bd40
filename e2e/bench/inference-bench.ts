/**
 * `npm run bench:inference [--model FILE | --synthetic 7b|135m] [--label TEXT] [--backend cpu|cuda] [--llama-bench PATH] [ROW …]`: the product's
 * own answers against llama.cpp's benchmark of the same build, interleaved, through the engine as faces use it. Rows:
 * start decode prompt first same parallel memory loads. Prints a table and one JSON object.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { SyntheticShape } from '../../core/inference/synthetic/synthetic-shape.ts';
import { tinyShape } from '../../core/inference/synthetic/tiny-shape.ts';
import { writeSyntheticModel } from '../../core/inference/synthetic/write-synthetic-model.ts';
import { smolLm2 } from '../../core/testing/models.ts';
import { startEngine } from './engine-process.ts';
import { load } from './inference-client.ts';
import { decodeRow, firstTokenRow, loadsRow, measureRow, memoryRow, parallelRow, promptRow, sameTokensRow, warmStartRow, type BenchModel } from './inference-rows.ts';
import { openLlamaBench, type LlamaBench } from './llama-bench.ts';
import { printRows, type Row } from './row.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { model: { type: 'string' }, label: { type: 'string' }, synthetic: { type: 'string' }, backend: { type: 'string', default: 'cpu' }, 'llama-bench': { type: 'string' }, gpus: { type: 'string' }, rounds: { type: 'string', default: '7' }, batch: { type: 'string' } } });
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
const engine = await startEngine({ gpus: values.gpus ?? (onGpu ? 'nvml' : 'none') });
const rows: Row[] = [];
try {
  const { client, ws } = await engine.connect();
  await client.models.addFolder({ path: model });
  const at: BenchModel = { client, model, settings: base, label };
  const program = values['llama-bench'];
  let reference: LlamaBench | null = null;
  const bench = async (): Promise<LlamaBench> => {
    if (program === undefined) throw new Error('No --llama-bench was given: there is nothing to compare with.');
    const loaded = await load(client, model, base);
    return (reference ??= openLlamaBench({ program, model, gpuLayers: loaded.truth.layersOnGpu === 0 ? 0 : 999, threads: loaded.threads ?? threads, batch: Number(values.batch ?? 512), flashAttention: loaded.flashAttention ?? true, env: {} }));
  };
  const parts: Readonly<Record<string, () => Promise<Row>>> = {
    start: () => warmStartRow(at, rounds),
    decode: async () => decodeRow(at, await bench(), rounds, onGpu ? 93 : 85),
    measure: () => measureRow(at),
    prompt: async () => promptRow(at, await bench(), rounds),
    first: () => firstTokenRow(at, 20),
    same: () => sameTokensRow(at, 20),
    parallel: async () => {
      const web = await client.engine.startWeb({ port: 0 });
      const many = { ...at, settings: { ...base, parallel: 8, contextTokens: 1024 } };
      const loaded = await load(client, model, many.settings);
      return parallelRow(many, { url: web.url ?? '', token: web.token, model: loaded.modelId }, 8);
    },
    memory: () => memoryRow(at, [512, 2048, 4096, 8192].flatMap((contextTokens) => [{ contextTokens }, { contextTokens, cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } as const])),
    loads: () => loadsRow(at, engine.pid, 20),
  };
  for (const [name, measure] of Object.entries(parts)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    // What fails is a row too: the others are still worth their time.
    const row = await measure().catch((error: unknown): Row => ({ what: `${name}, ${label}`, must: 'be measured', value: Number.NaN, unit: '', ok: false, detail: { why: error instanceof Error ? error.message : String(error) } }));
    rows.push(row);
    process.stderr.write(`  ${row.ok ? 'met' : 'MISSED'}: ${row.what}: ${row.value.toFixed(2)} ${row.unit} (must ${row.must}) ${JSON.stringify(row.detail)}\n`);
  }
  ws.close();
} finally {
  await engine.stop();
}
printRows('inference', rows);
