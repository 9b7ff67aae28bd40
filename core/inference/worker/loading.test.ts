import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { problemFrom, waitForStatus } from '../../supervisor/fixtures/test-support.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { startInference } from './fixtures/inference-worker.ts';

// Real models on a machine that may have other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let folder: string;
let tiny: string;
let bytes: Buffer;
beforeAll(async () => {
  folder = makeTestFolder('inference-loading');
  tiny = await tinyModel(folder);
  bytes = readFileSync(tiny);
});
const write = (name: string, content: Buffer | string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
/** The same length, so that all offsets stay. */
const edited = (from: string, to: string): Buffer => {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`cannot put ${to} for ${from}`);
  copy.write(to, at, 'latin1');
  return copy;
};

describe('loading', () => {
  it('tells progress, and then what lies where', async () => {
    const worker = startInference(smolLm2());
    const report = await worker.load({ contextTokens: 1024, cacheTypeK: 'q8_0', cacheTypeV: 'q8_0', flashAttention: 'on', batch: 256, threads: 2, parallel: 2 });
    expect(report).toMatchObject({ backend: 'cpu', deviceNames: [], gpuLayers: 0, contextTokens: 1024, batch: 256, threads: 2, flashAttention: true, vocabulary: 49_152, template: { name: 'ChatML', tools: false, thinking: false } });
    expect(report.release).toMatch(/\d/);
    // The file's weights; K and V of 2 × 1024 places in 30 layers of 192 at 8.5 bits (llama.cpp's Q8_0).
    expect(report.bytes.weights).toBeGreaterThan(90e6);
    expect(report.bytes.weights).toBeLessThan(100e6);
    expect(report.bytes.cache / (2 * 2 * 1024 * 30 * 192 * (34 / 32))).toBeCloseTo(1, 2);
    expect(report.bytes.work).toBeGreaterThan(1e6);
    expect(report.said.some((line) => /buffer size/.test(line))).toBe(true);
    expect(worker.progress.at(-1)).toBe(1);
    expect([...worker.progress].sort((a, b) => a - b)).toEqual(worker.progress);
    if (process.platform === 'linux') expect(readFileSync(`/proc/${worker.handle.status().pid}/oom_score_adj`, 'utf8').trim()).toBe('500');
  });

  it('finds the marks of thinking and tools in a template', async () => {
    const path = await tinyModel(folder, {
      fileName: 'qwen.gguf', architecture: 'qwen3', name: 'Qwen3 tiny',
      chatTemplate: "{%- if tools %}{{- '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' }}{%- endif %}{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}",
    });
    const worker = startInference(path);
    const report = await worker.load({ contextTokens: 512 });
    expect(report.template).toMatchObject({ tools: true, thinking: true });
    // Its prompt opens the thinking, and random weights never close it.
    const { text, thinking } = await worker.ask({ maxTokens: 20 });
    expect([text, thinking.length > 0]).toEqual(['', true]);
    // A grammar leaves no room for it.
    const ruled = await worker.ask({ grammar: 'root ::= "yes"', maxTokens: 20 });
    expect([ruled.text, ruled.thinking]).toEqual(['yes', '']);
  });

  it.each<[string, () => string, string, RegExp]>([
    ['is not there', () => join(folder, 'none.gguf'), 'load.failed', /ENOENT|no such file/i],
    ['is cut in its weights', () => write('cut.gguf', bytes.subarray(0, bytes.length - 5000)), 'model.damaged', /bounds|corrupt|incomplete/i],
    ['is cut in its metadata', () => write('head.gguf', bytes.subarray(0, 300)), 'model.damaged', /./],
    ['is zeros', () => write('zeros.gguf', Buffer.alloc(100_000)), 'model.not_gguf', /not a GGUF file/i],
    ['is a web page', () => write('page.gguf', '<!doctype html><html><body>Sign in</body></html>'.repeat(50)), 'model.not_gguf', /not a GGUF file/i],
    ['is empty', () => write('empty.gguf', ''), 'model.not_gguf', /not a GGUF file/],
    ['is of an unknown kind', () => write('kind.gguf', edited('llama', 'lluma').fill(0, 0, 0)), 'model.unsupported', /lluma|not known/],
  ])('a file that %s is refused with the reason, and the process lives', async (_, make, code, cause) => {
    const worker = startInference(make());
    const problem = await problemFrom(worker.load());
    expect([problem.code, problem.cause, problem.chain]).toEqual([code, expect.stringMatching(cause), expect.any(Array)]);
    expect(problem.cause).not.toMatch(/: Failed to load model\.?$/);
    expect(worker.handle.status().state).toBe('ready');
    expect((await problemFrom(worker.ask({}))).code).toBe('load.not_loaded');
  });

  it('NaN among the weights is found when they are looked at', async () => {
    const spoilt = Buffer.from(bytes);
    // The last bytes are of the output's rows (Q8_0): a scale that is NaN in each of many blocks of 34 bytes.
    for (let at = spoilt.length - 34 * 200; at < spoilt.length; at += 1) spoilt[at] = 0xff;
    const worker = startInference(write('nan.gguf', spoilt));
    expect((await problemFrom(worker.load({ checkTensors: true }))).code).toBe('model.damaged');
  });

  it('a context that no machine holds does not fit', async () => {
    const worker = startInference(tiny);
    const problem = await problemFrom(worker.load({ contextTokens: 2_000_000_000 }));
    expect(problem.code).toBe('load.no_memory');
    expect(problem.cause).toMatch(/needs \d+\.\d\d GB on this machine; \d+\.\d\d GB are free/);
    expect(worker.handle.status().state).toBe('ready');
  });

  it('another copy of the engine is used where one is named', async () => {
    const worker = startInference(tiny);
    const engineFolder = fileURLToPath(new URL('../../../node_modules/node-llama-cpp', import.meta.url));
    expect((await worker.load({ engineFolder })).backend).toBe('cpu');
    const none = startInference(tiny);
    expect((await problemFrom(none.load({ engineFolder: join(folder, 'nothing') }))).code).toBe('engine.backend_fails');
  });

  it('a backend that is not there is named', async () => {
    const worker = startInference(tiny);
    const problem = await problemFrom(worker.load({ backend: 'cuda' }));
    expect(problem.code).toBe('engine.backend_fails');
    expect(problem.facts).toMatchObject({ kind: 'cuda' });
  });

  it('a template that is refused is replaced by a built-in one', async () => {
    const worker = startInference(tiny);
    const report = await worker.load({ template: 'builtin' });
    expect(report.template.tools).toBe(false);
    expect((await worker.ask({ maxTokens: 3 })).result.reason).toBe('length');
  });

  it('a template that is a bomb costs this process only, with a cause', async () => {
    const path = await tinyModel(folder, { fileName: 'bomb.gguf', chatTemplate: `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}` });
    const worker = startInference(path);
    const problem = await problemFrom(worker.load());
    expect(['worker.gone', 'load.failed', 'model.damaged']).toContain(problem.code);
  });
});

describe('a process that dies', () => {
  it('answers all that was asked of it', async () => {
    const worker = startInference(tiny);
    await worker.load({ parallel: 2, contextTokens: 4096 });
    const pid = worker.handle.status().pid ?? 0;
    let killed = false;
    const onEvent = (): void => {
      if (!killed) process.kill(pid, 'SIGKILL');
      killed = true;
    };
    const answers = await Promise.all([problemFrom(worker.ask({ maxTokens: null }, { onEvent })), problemFrom(worker.ask({ maxTokens: null })), problemFrom(worker.ask({}))]);
    expect(answers.map((problem) => problem.code)).toEqual(['worker.gone', 'worker.gone', 'worker.gone']);
  });

  it('of a model file that is cut while it is read, goes alone', async () => {
    const path = await tinyModel(folder, { fileName: 'pulled.gguf', layers: 6 });
    const worker = startInference(path);
    await worker.load({ contextTokens: 4096 });
    const file = openSync(path, 'r+');
    let cut = false;
    const outcome = await worker.ask({ maxTokens: 3000 }, { onEvent: () => {
      if (!cut) ftruncateSync(file, 0);
      cut = true;
    } }).then(() => 'answered', (error: unknown) => problemFrom(Promise.reject(error as Error)).then((problem) => problem.code));
    closeSync(file);
    expect(['worker.gone', 'answered']).toContain(outcome);
  });

  it('when it is told to, ends in order with an answer under way', async () => {
    const worker = startInference(tiny);
    await worker.load({ contextTokens: 4096 });
    const answer = worker.ask({ maxTokens: null }).then((done) => done.result.reason, () => 'gone');
    await waitForStatus(worker.handle, (status) => status.state === 'ready');
    await worker.end();
    expect(['cancelled', 'gone', 'context_full']).toContain(await answer);
    expect(worker.handle.status().pid).toBeNull();
  });
});
