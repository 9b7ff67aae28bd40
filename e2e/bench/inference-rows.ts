import { readFileSync } from 'node:fs';
import type { EngineSettings } from '../../contract/inference.ts';
import { rssMegabytes, type Client } from './engine-process.ts';
import { readGpuMemory, readGpuMemoryOf } from './gpu-memory.ts';
import { ask, greedy, load, makeEndlessPrompt, makePrompt, type BenchPlace } from './inference-client.ts';
import type { LlamaBench } from './llama-bench.ts';
import type { Row } from './row.ts';
import { quantile, spreadOf } from './statistics.ts';

export interface BenchModel extends Omit<BenchPlace, 'gpus'> {
  readonly client: Client;
}

const DECODE_TOKENS = 256;
const PROMPT_TOKENS = 512;

/** What the reference was, for the table. */
const told = (reference: LlamaBench): Readonly<Record<string, string>> => ({ reference: reference.build, backends: reference.backends().join(' ') });

/** Decode, interleaved with llama-bench: the ratio of each pair, its median with interval. */
export async function decodeRow(at: BenchModel, reference: LlamaBench, rounds: number, mustPercent: number): Promise<Row> {
  const ratios: number[] = [];
  const own: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const mine = async (): Promise<number> => {
      // As llama-bench: a first round that does not count brings the GPU's clocks up.
      await ask(at.client, at.model, at.settings, { prompt: makeEndlessPrompt(500 + round), maxTokens: 16 });
      const { figures } = await ask(at.client, at.model, at.settings, { prompt: makeEndlessPrompt(round), maxTokens: DECODE_TOKENS });
      if ((figures.answerTokens ?? 0) < DECODE_TOKENS / 2 || figures.decodeTokensPerSecond === null) throw new Error(`The answer ended after ${String(figures.answerTokens)} tokens.`);
      return figures.decodeTokensPerSecond;
    };
    const other = async (): Promise<number> => spreadOf(await reference.decode(DECODE_TOKENS, 1)).median;
    // A B B A: a drift favours nobody.
    const first = round % 2 === 0 ? await mine() : await other();
    const second = round % 2 === 0 ? await other() : await mine();
    const [a, b] = round % 2 === 0 ? [first, second] : [second, first];
    own.push(a);
    theirs.push(b);
    ratios.push((100 * a) / b);
  }
  const ratio = spreadOf(ratios);
  return { what: `decode against llama-bench, ${at.label}`, must: `≥ ${String(mustPercent)}`, value: ratio.median, unit: '%', ok: ratio.median >= mustPercent, detail: { low: ratio.low, high: ratio.high, rounds, ownTokensPerSecond: spreadOf(own).median, llamaBenchTokensPerSecond: spreadOf(theirs).median, ...told(reference) } };
}

/** The product's own measurement, with made-up tokens: what lies between it and the decode row is the way of an answer. */
export async function measureRow(at: BenchModel): Promise<Row> {
  const place = (await at.client.inference.loaded({})).find((l) => l.truth.placed.length > 0)?.truth.placed[0]?.uuid ?? null;
  const started = await at.client.models.measure({ subject: { model: at.model }, place: place ?? 'cpu', settings: at.settings });
  for await (const jobs of await at.client.jobs.watch({})) {
    const job = jobs.find((j) => j.id === started.id);
    if (job?.endedAtMs == null) continue;
    if (job.problem !== null) throw new Error(job.problem.cause);
    const numbers = Object.values(job.result ?? {}).filter((v) => typeof v === 'number');
    return { what: `own measurement, ${at.label}`, must: 'be said', value: numbers[0] ?? Number.NaN, unit: '', ok: true, detail: job.result ?? {} };
  }
  throw new Error('The job has no end.');
}

/** Prompt processing, with the chunks that make stop fast. The reference takes as many tokens as such a prompt has. */
export async function promptRow(at: BenchModel, reference: LlamaBench, rounds: number): Promise<Row> {
  const ratios: number[] = [];
  const own: number[] = [];
  const theirs: number[] = [];
  const tokens = (await ask(at.client, at.model, at.settings, { prompt: makePrompt(PROMPT_TOKENS, 999), maxTokens: 1 })).figures.promptTokens;
  if (tokens === null) throw new Error('The length of the prompt was not reported.');
  for (let round = 0; round < rounds; round += 1) {
    const mine = async (): Promise<number> => {
      await ask(at.client, at.model, at.settings, { prompt: makePrompt(PROMPT_TOKENS, 1500 + round), maxTokens: 1 });
      const { figures } = await ask(at.client, at.model, at.settings, { prompt: makePrompt(PROMPT_TOKENS, 1000 + round), maxTokens: 1 });
      if (figures.promptTokensPerSecond === null) throw new Error('No prompt speed was reported.');
      return figures.promptTokensPerSecond;
    };
    const other = async (): Promise<number> => spreadOf(await reference.prompt(tokens, 1)).median;
    // A B B A: a drift favours nobody.
    const first = round % 2 === 0 ? await mine() : await other();
    const second = round % 2 === 0 ? await other() : await mine();
    const [a, b] = round % 2 === 0 ? [first, second] : [second, first];
    own.push(a);
    theirs.push(b);
    ratios.push((100 * a) / b);
  }
  const ratio = spreadOf(ratios);
  return { what: `prompt processing against llama-bench, ${at.label}`, must: '≥ 97', value: ratio.median, unit: '%', ok: ratio.median >= 97, detail: { low: ratio.low, high: ratio.high, rounds, ownTokensPerSecond: spreadOf(own).median, llamaBenchTokensPerSecond: spreadOf(theirs).median, ...told(reference) } };
}

/** What lies between a face's question and its first text besides the model's own work on the prompt. */
export async function firstTokenRow(at: BenchModel, rounds: number): Promise<Row> {
  const beyond: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { figures, firstPieceMs } = await ask(at.client, at.model, at.settings, { turns: [{ role: 'user', content: makePrompt(24, 2000 + round), toolCalls: [], toolCallId: null }], maxTokens: 4 });
    if (figures.promptTokensPerSecond === null || figures.promptTokens === null) continue;
    beyond.push(firstPieceMs - (1000 * (figures.promptTokens - (figures.cachedTokens ?? 0))) / figures.promptTokensPerSecond);
  }
  const spread = spreadOf(beyond);
  return { what: `time to first text beyond the prompt's own time, new chats, ${at.label}`, must: '≤ 15', value: spread.median, unit: 'ms', ok: spread.median <= 15, detail: { low: spread.low, high: spread.high, n: spread.n, p95: quantile(beyond, 0.95) } };
}

export async function warmStartRow(at: BenchModel, rounds: number): Promise<Row> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const one of await at.client.inference.loaded({})) await at.client.inference.unload({ id: one.id });
    const began = performance.now();
    await load(at.client, at.model, at.settings);
    seconds.push((performance.now() - began) / 1000);
  }
  const spread = spreadOf(seconds);
  return { what: `warm start, from the wish to ready, ${at.label}`, must: '≤ 1.5', value: spread.median, unit: 's', ok: spread.median <= 1.5, detail: { low: spread.low, high: spread.high, n: spread.n } };
}

/** The same prompt and seed: the same tokens. */
export async function sameTokensRow(at: BenchModel, times: number): Promise<Row> {
  const texts = new Set<string>();
  for (let i = 0; i < times; i += 1) texts.add((await ask(at.client, at.model, at.settings, { prompt: 'The tower stands', maxTokens: 48, sampling: { ...greedy, temperature: 0.9, seed: 7 } })).text);
  return { what: `different answers to the same prompt with the same seed, ${String(times)} times, ${at.label}`, must: '1', value: texts.size, unit: '', ok: texts.size === 1, detail: { times } };
}

/** All requests at once through the HTTP API against one: tokens a second together. */
export async function parallelRow(at: BenchModel, http: { readonly url: string; readonly token: string; readonly model: string }, requests: number, reference: LlamaBench | null, onGpu: boolean): Promise<Row> {
  const complete = async (salt: number): Promise<number> => {
    const response = await fetch(`${http.url}v1/completions`, { method: 'POST', headers: { authorization: `Bearer ${http.token}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: http.model, prompt: makePrompt(16, salt), max_tokens: 128, temperature: 0 }) });
    if (!response.ok) throw new Error(`HTTP ${String(response.status)}: ${(await response.text()).slice(0, 300)}`);
    return ((await response.json()) as { usage: { completion_tokens: number } }).usage.completion_tokens;
  };
  const speed = async (count: number, salt: number): Promise<number> => {
    const began = performance.now();
    const tokens = await Promise.all(Array.from({ length: count }, (_, i) => complete(salt + i)));
    return (1000 * tokens.reduce((a, b) => a + b, 0)) / (performance.now() - began);
  };
  await speed(requests, 5000);
  const ones: number[] = [];
  const alls: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    ones.push(await speed(1, 6000 + 100 * round));
    alls.push(await speed(requests, 7000 + 100 * round));
  }
  const [one, all] = [spreadOf(ones).median, spreadOf(alls).median];
  const factor = all / one;
  const batched = await reference?.batched({ prompt: 16, decode: 128, sequences: [1, requests] });
  const [theirOne, theirAll] = [batched?.get(1) ?? null, batched?.get(requests) ?? null];
  const beside = theirOne === null || theirAll === null ? {} : { batchedBenchOne: theirOne, batchedBenchAll: theirAll, batchedBenchFactor: theirAll / theirOne, shareOfBatchedBenchPercent: (100 * all) / theirAll };
  const figures = { oneTokensPerSecond: one, allTokensPerSecond: all, ...beside };
  const what = `${String(requests)} parallel requests through the HTTP API against one, ${at.label}`;
  // The promise is of a GPU, which has room for more; a processor is busy with one.
  return onGpu ? { what, must: '≥ 2.2', value: factor, unit: '×', ok: factor >= 2.2, detail: figures } : { what, must: 'be said', value: factor, unit: '×', ok: true, detail: figures };
}

/** What was estimated before each load against what the load took, by the report of the worker and, on a GPU, the driver. */
export async function memoryRow(at: BenchModel, cases: readonly Partial<EngineSettings>[]): Promise<Row> {
  const errors: number[] = [];
  const all: string[] = [];
  for (const settings of cases) {
    for (const one of await at.client.inference.loaded({})) await at.client.inference.unload({ id: one.id });
    const outlook = await at.client.models.outlook({ subject: { model: at.model }, settings: { ...at.settings, ...settings } });
    const loaded = await load(at.client, at.model, { ...at.settings, ...settings });
    const gpu = loaded.truth.placed.find((p) => p.uuid !== null);
    const estimate = outlook.memory.find((m) => m.place === (gpu?.uuid ?? 'cpu'));
    const { bytes } = loaded;
    if (!estimate || bytes === null) throw new Error('There is no estimate for the place where it was loaded.');
    const own = estimate.weightsBytes + estimate.cacheBytes + estimate.workBytes;
    const truth = (gpu === undefined ? bytes.weights + bytes.hostWeights : bytes.weights) + bytes.cache + bytes.work;
    errors.push((100 * Math.abs(own - truth)) / truth);
    all.push(`${String(loaded.contextTokens)} ${settings.cacheTypeK ?? 'f16'}: ${(own / 2 ** 20).toFixed(0)} of ${(truth / 2 ** 20).toFixed(0)} MiB`);
  }
  const median = spreadOf(errors).median;
  return { what: `memory estimate against truth, ${String(cases.length)} cases, median error, ${at.label}`, must: '≤ 5', value: median, unit: '%', ok: median <= 5, detail: { worst: Math.max(...errors), cases: all.join('; ') } };
}

/** Bytes of a GPU's memory that may differ after all was unloaded: the driver keeps pools of some megabytes, other programs draw. */
const GPU_LEFT_MEGABYTES = 64;

/** Loads and unloads: what the engine and the GPUs hold afterwards, what each worker held, and that no process is left. */
export async function loadsRow(at: BenchModel, enginePid: number, times: number): Promise<Row[]> {
  for (const one of await at.client.inference.loaded({})) await at.client.inference.unload({ id: one.id });
  const workers: { readonly megabytes: number; readonly gpuMegabytes: number | null }[] = [];
  const cycle = async (): Promise<void> => {
    const loaded = await load(at.client, at.model, at.settings);
    await ask(at.client, at.model, at.settings, { prompt: 'a b c', maxTokens: 8 });
    workers.push({ megabytes: loaded.pid === null ? Number.NaN : rssMegabytes(loaded.pid), gpuMegabytes: loaded.pid === null || loaded.truth.layersOnGpu === 0 ? null : await readGpuMemoryOf(at.client, loaded.pid) });
    await at.client.inference.unload({ id: loaded.id });
  };
  await cycle();
  await cycle();
  workers.length = 0;
  const before = rssMegabytes(enginePid);
  const gpuBefore = await readGpuMemory(at.client);
  for (let i = 0; i < times; i += 1) await cycle();
  const after = rssMegabytes(enginePid);
  const gpuAfter = await readGpuMemory(at.client);
  const children = readFileSync(`/proc/${String(enginePid)}/task/${String(enginePid)}/children`, 'utf8').trim().split(/\s+/).filter(Boolean);
  const left = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference'));
  const [first, last] = [workers[0], workers.at(-1)];
  const growth = (first === undefined || last === undefined ? Number.NaN : last.megabytes - first.megabytes);
  const gpu: Row = { what: `memory of the GPUs after ${String(times)} loads and unloads, against before, ${at.label}`, must: `≤ ${String(GPU_LEFT_MEGABYTES)}`, value: Number.NaN, unit: 'MB', ok: null, detail: { why: 'The engine sees no GPU that reports its memory.' } };
  const rows: Row[] = [
    { what: `engine memory after ${String(times)} loads and unloads, against before, ${at.label}`, must: '≤ 15', value: after - before, unit: 'MB', ok: after - before <= 15 && left.length === 0, detail: { beforeMegabytes: before, afterMegabytes: after, processesLeft: left.length } },
    { what: `worker of the last load against that of the first, resident, ${at.label}`, must: '≤ 30', value: growth, unit: 'MB', ok: growth <= 30, detail: { firstMegabytes: first?.megabytes ?? null, lastMegabytes: last?.megabytes ?? null, firstOnGpuMegabytes: first?.gpuMegabytes ?? null, lastOnGpuMegabytes: last?.gpuMegabytes ?? null } },
  ];
  if (gpuBefore === null || gpuAfter === null) return [...rows, gpu];
  const grown = gpuAfter - gpuBefore;
  return [...rows, { ...gpu, value: grown, ok: Math.abs(grown) <= GPU_LEFT_MEGABYTES, detail: { beforeMegabytes: gpuBefore, afterMegabytes: gpuAfter } }];
}
