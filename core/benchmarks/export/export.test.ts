import { describe, expect, it } from 'vitest';
import { benchmarkDetail, type BenchmarkDetail } from '../../../contract/benchmarks.ts';
import { problemOf } from '../../../contract/problem.ts';
import { compareRuns } from '../compare/compare-runs.ts';
import { exportRun } from './export-run.ts';
import { parseLlamaBench } from './parse-llama-bench.ts';

/** As llama-bench b6710 writes it, shortened in its settings. */
const test = (more: object = {}): object => ({
  build_commit: '2b3c1ad7', build_number: 6710, cpu_info: 'AMD Ryzen 9 9950X', gpu_info: 'NVIDIA GeForce RTX 5090', backends: 'CUDA', model_filename: 'models/llama-8b-q4_k_m.gguf', model_type: 'llama 8B Q4_K - Medium',
  model_size: 4912898304, model_n_params: 8030261312, n_batch: 2048, n_ubatch: 512, n_threads: 16, type_k: 'f16', type_v: 'f16', n_gpu_layers: 99, flash_attn: true, tensor_split: '0.00',
  n_prompt: 512, n_gen: 0, n_depth: 0, test_time: '2026-11-02T10:00:00Z', avg_ns: 36e6, stddev_ns: 1e5, avg_ts: 14000, stddev_ts: 30, samples_ns: [36e6, 36.2e6, 35.9e6], samples_ts: [14222, 14143, 14262], ...more,
});
const decode = test({ n_prompt: 0, n_gen: 128, n_depth: 8192, test_time: '2026-11-02T10:00:01Z', samples_ns: [6e8, 6.1e8], samples_ts: [213, 210] });
let made = 0;
const parse = (text: string): BenchmarkDetail[] => parseLlamaBench(text, 1_790_000_000_000, () => `bench-${++made}`);
const code = (text: string): string | undefined => {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return problemOf(error)?.code;
  }
};

describe('the output of llama-bench', () => {
  it('is read as JSON and as JSON lines', () => {
    const [run, ...others] = parse(JSON.stringify([test(), decode]));
    expect(others).toEqual([]);
    expect(benchmarkDetail.parse(run)).toEqual(run);
    expect(run).toMatchObject({
      name: 'llm', importedFrom: 'llama-bench', startedAtMs: Date.parse('2026-11-02T10:00:00Z'), place: { key: 'imported:NVIDIA GeForce RTX 5090', name: 'NVIDIA GeForce RTX 5090' },
      model: { name: 'llama-8b-q4_k_m.gguf', backend: 'CUDA', release: '2b3c1ad7 (6710)' }, conditions: { n_batch: 2048, flash_attn: true, type_k: 'f16' },
      results: [{ caseId: 'prompt-512', median: 14222, n: 3, marks: ['few_samples'] }, { caseId: 'decode-8192', title: 'Answer of 128 tokens after 8,192 tokens', median: 211.5 }],
    });
    expect(run?.samples['decode-8192']?.[1]).toMatchObject({ value: 210, seconds: 0.61, atMs: Date.parse('2026-11-02T10:00:01Z') + 600 });
    const lines = parse(`${JSON.stringify(test())}\n\n${JSON.stringify(decode)}\n`);
    expect(lines.map(({ results }) => results)).toEqual([run?.results]);
  });

  it('is several runs where settings differ, and names what comes twice', () => {
    const runs = parse(JSON.stringify([test(), test({ flash_attn: false }), decode, test({ n_prompt: 0, n_gen: 256, n_depth: 8192 }), test({ n_prompt: 512, n_gen: 128 }), test()]));
    expect(runs.map((one) => one.results.map(({ caseId }) => caseId))).toEqual([['prompt-512', 'decode-8192', 'decode-8192-tg256', 'both-512-128-at-0', 'prompt-512-again2'], ['prompt-512']]);
    expect(compareRuns(runs[0] as BenchmarkDetail, runs[1] as BenchmarkDetail).differ).toEqual([{ what: 'flash_attn', a: 'true', b: 'false' }]);
  });

  it.each([
    ['no JSON', 'llama-bench: error'], ['nothing', '[]'], ['something else', '{"a":1}'], ['a bare number', '[5]'], ['null', 'null'], ['figures that are none', JSON.stringify([test({ samples_ts: ['1'] })])],
    ['negative figures', JSON.stringify([test({ samples_ts: [-1] })])], ['endless text', JSON.stringify([test({ gpu_info: 'x'.repeat(501) })])], ['too many samples', JSON.stringify([test({ samples_ts: Array.from({ length: 10_001 }, () => 1) })])],
    ['too many tests', `[${Array.from({ length: 2001 }, () => '{}').join()}]`], ['too many lines', '{}\n'.repeat(2001)], ['a cut-off file', JSON.stringify([test()]).slice(0, -20)], ['half a token', JSON.stringify([test({ n_gen: 0.5 })])],
  ])('is refused when it is %s', (_, text) => expect(code(text)).toBe('bench.import'));

  it('does not take times and keys for more than they are', () => {
    const [run] = parse(JSON.stringify([test({ test_time: '-271821-04-20T00:00:00Z', __proto__: { n_batch: 5 }, n_batch: { toString: 1 }, n_threads: null })]));
    expect(run?.startedAtMs).toBe(1_790_000_000_000);
    expect(run?.conditions).not.toHaveProperty('n_batch');
  });
});

describe('a run as a file', () => {
  const [base] = parse(JSON.stringify([test(), decode]));
  const run: BenchmarkDetail = { ...(base as BenchmarkDetail), title: '=HYPERLINK("http://x")', place: { key: 'GPU-1', name: '<b>GPU | 5090</b> & "co"\u0001' }, notes: ['[link](x)'] };
  it('is JSON lines that parse', () => {
    const { fileName, text } = exportRun(run, 'jsonl');
    expect(fileName).toBe('llm-b-GPU-5090-b-co-2026-11-02.jsonl');
    const lines = text.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines[0]).toMatchObject({ schemaVersion: 1, type: 'run', id: run.id });
    expect(lines).toHaveLength(1 + 5);
    expect(lines[5]).toMatchObject({ type: 'sample', caseId: 'decode-8192', value: 210 });
  });
  it('is a table without formulas', () => {
    const evil: BenchmarkDetail = { ...run, results: run.results.map((one) => ({ ...one, title: '=1+1,"x"' })) };
    const rows = exportRun(evil, 'csv').text.split('\r\n');
    expect(rows).toHaveLength(1 + 5 + 1);
    expect(rows[1]).toContain(`"'=1+1,""x"""`);
    expect(rows[1]).toContain('14222,2026-11-02T10:00:00.000Z,0.036,,,,,');
  });
  it('is Markdown in which names stay names', () => {
    const { fileName, text } = exportRun(run, 'markdown');
    expect(fileName).toMatch(/\.md$/);
    expect(text).toContain('# =HYPERLINK("http://x"), 2026-11-02');
    expect(text).toContain('\\<b\\>GPU \\| 5090\\</b\\>');
    expect(text).toContain('- \\[link\\](x)');
    expect(text).toContain('| Prompt of 512 tokens | 14,220 |');
    expect(text.split('\n').filter((line) => line.startsWith('|')).map((line) => line.replaceAll('\\|', '').split('|').length)).toEqual([13, 13, 13, 13]);
  });
  it('is a card that stands alone', () => {
    const { text } = exportRun({ ...run, results: Array.from({ length: 60 }, (_, at) => ({ ...(run.results[0] as BenchmarkDetail['results'][number]), caseId: String(at), low: 14000, high: 14500, peakShare: 0.5 })) }, 'svg');
    expect(text).toContain('&lt;b&gt;GPU | 5090&lt;/b&gt; &amp; &quot;co&quot;');
    expect(text).not.toMatch(/<(script|image|use|foreignObject|style)|href|url\(|\u0001/);
    expect(text).toContain('and 20 more');
    expect(text.match(/% of peak/g)).toHaveLength(40);
    expect(text.match(/<[a-z]+/g)?.filter((tag) => tag === '<svg')).toHaveLength(1);
  });
});
