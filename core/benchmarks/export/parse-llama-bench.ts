import { z } from 'zod';
import type { BenchmarkDetail, BenchmarkResult, BenchmarkSample } from '../../../contract/benchmarks.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { decideResult } from '../runner/decide-result.ts';

const MOST_ENTRIES = 2000;
const MOST_SAMPLES = 10_000;
const text = z.string().max(500);
const count = z.int().min(0).max(100_000_000);
const loose = z.union([text, z.number(), z.boolean()]);

/** One test as llama-bench writes it (tools/llama-bench, fields of struct test). Older ones have no depth; some write whole numbers as text. */
const entry = z.object({
  build_commit: text.default(''), build_number: z.union([z.number(), text]).optional(),
  cpu_info: text.default(''), gpu_info: text.default(''), backends: text.default(''),
  model_filename: z.string().max(4096).default(''), model_type: text.default(''),
  n_prompt: count, n_gen: count, n_depth: count.default(0), test_time: z.string().max(40).default(''),
  samples_ns: z.array(z.number().positive().max(1e15)).max(MOST_SAMPLES), samples_ts: z.array(z.number().positive().max(1e9)).max(MOST_SAMPLES),
});
type Entry = z.infer<typeof entry>;
/** Settings that make another run of it; kept as conditions. */
const settings = ['n_batch', 'n_ubatch', 'n_threads', 'cpu_mask', 'type_k', 'type_v', 'n_gpu_layers', 'n_cpu_moe', 'split_mode', 'main_gpu', 'no_kv_offload', 'flash_attn', 'tensor_split', 'use_mmap', 'embeddings'] as const;


/**
 * Output of `llama-bench -o json` or `-o jsonl` as runs: tests with the same build, model, device and settings are one.
 * `makeId` gives each its own id. Hostile input: every text and count is bounded.
 * @throws ProblemError `bench.import`
 */
export function parseLlamaBench(input: string, nowMs: number, makeId: () => string): BenchmarkDetail[] {
  const groups = new Map<string, { readonly first: Entry; readonly conditions: BenchmarkDetail['conditions']; readonly entries: Entry[] }>();
  for (const [at, value] of parseEntries(input).entries()) {
    const parsed = entry.safeParse(value);
    if (!parsed.success) throw problemError('bench.import', { detail: `Test ${at + 1}: ${parsed.error.issues[0]?.path.join('.') ?? ''} is missing or wrong.` });
    const conditions = readSettings(value);
    const { build_commit, build_number, model_filename, gpu_info, cpu_info, backends } = parsed.data;
    const key = JSON.stringify([build_commit, build_number, model_filename, gpu_info, cpu_info, backends, conditions]);
    const group = groups.get(key) ?? { first: parsed.data, conditions, entries: [] };
    group.entries.push(parsed.data);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ first, conditions, entries }) => makeRun(makeId(), nowMs, first, conditions, entries));
}

function parseEntries(input: string): unknown[] {
  const trimmed = input.trim();
  let values: unknown[];
  try {
    const whole: unknown = trimmed.startsWith('[') ? JSON.parse(trimmed) : trimmed.split('\n').filter((line) => line.trim() !== '').slice(0, MOST_ENTRIES + 1).map((line): unknown => JSON.parse(line));
    values = Array.isArray(whole) ? whole : [whole];
  } catch (error) {
    throw problemError('bench.import', { detail: `It is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}` });
  }
  if (values.length === 0) throw problemError('bench.import', { detail: 'It holds no tests.' });
  if (values.length > MOST_ENTRIES) throw problemError('bench.import', { detail: `It holds more than ${MOST_ENTRIES} tests.` });
  return values;
}

function readSettings(value: unknown): BenchmarkDetail['conditions'] {
  const found: BenchmarkDetail['conditions'] = {};
  if (typeof value !== 'object' || value === null) return found;
  for (const name of settings) {
    const parsed = loose.safeParse(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined);
    if (parsed.success) found[name] = parsed.data;
  }
  return found;
}

function makeRun(id: string, nowMs: number, first: Entry, conditions: BenchmarkDetail['conditions'], entries: readonly Entry[]): BenchmarkDetail {
  const samples: Record<string, BenchmarkSample[]> = {};
  const results: BenchmarkResult[] = [];
  for (const one of entries) {
    const { caseId, title } = nameCase(one, new Set(Object.keys(samples)));
    const begun = parseTime(one.test_time) ?? nowMs;
    let at = begun;
    const taken = one.samples_ts.map((value, index): BenchmarkSample => {
      const seconds = (one.samples_ns[index] ?? 0) / 1e9;
      const sample = { value, atMs: at, seconds, powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, setAside: null };
      at += seconds * 1000;
      return sample;
    });
    samples[caseId] = taken;
    results.push(decideResult({ id: caseId, title, unit: 'tok/s', higherIsBetter: true, workUnit: 'token', intensity: null }, { samples: taken, memoryBytes: null, error: null, joulesPerUnit: null, peak: null }));
  }
  const times = Object.values(samples).flat();
  const startedAtMs = times.reduce((least, one) => Math.min(least, one.atMs), times[0]?.atMs ?? nowMs);
  const endedAtMs = times.reduce((most, one) => Math.max(most, one.atMs + one.seconds * 1000), startedAtMs);
  const device = first.gpu_info === '' ? first.cpu_info : first.gpu_info;
  const file = first.model_filename.split(/[\\/]/).at(-1) ?? '';
  return {
    id, name: 'llm', title: 'Language model', startedAtMs, endedAtMs, state: 'done', place: { key: `imported:${device}`.slice(0, 128), name: device === '' ? 'unknown device' : device },
    environment: null, model: { id: `imported:${file}`.slice(0, 500), name: file === '' ? first.model_type : file, backend: first.backends, release: first.build_commit === '' ? null : `${first.build_commit}${first.build_number === undefined ? '' : ` (${first.build_number})`}` },
    driverVersion: null, conditions, results, notes: [], problem: null, importedFrom: 'llama-bench', canary: false, samples,
  };
}

/** As our own cases are called, so that they can be compared; a second one of the same name says what is different. */
function nameCase({ n_prompt, n_gen, n_depth }: Entry, used: ReadonlySet<string>): { readonly caseId: string; readonly title: string } {
  const depth = n_depth === 0 ? '' : ` after ${n_depth.toLocaleString('en')} tokens`;
  const kinds = n_gen === 0
    ? { id: n_depth === 0 ? `prompt-${n_prompt}` : `prompt-${n_prompt}-at-${n_depth}`, title: `Prompt of ${n_prompt.toLocaleString('en')} tokens${depth}` }
    : n_prompt === 0
      ? { id: used.has(`decode-${n_depth}`) ? `decode-${n_depth}-tg${n_gen}` : `decode-${n_depth}`, title: `Answer of ${n_gen.toLocaleString('en')} tokens${depth}` }
      : { id: `both-${n_prompt}-${n_gen}-at-${n_depth}`, title: `Prompt of ${n_prompt.toLocaleString('en')} and answer of ${n_gen.toLocaleString('en')} tokens${depth}` };
  let caseId = kinds.id;
  for (let again = 2; used.has(caseId); again++) caseId = `${kinds.id}-again${again}`;
  return { caseId: caseId.slice(0, 80), title: kinds.title };
}

/** Years 2000 to 2100; anything else is not a time of a measurement. */
function parseTime(value: string): number | null {
  const ms = Date.parse(value);
  return Number.isFinite(ms) && ms > 946_684_800_000 && ms < 4_102_444_800_000 ? ms : null;
}
