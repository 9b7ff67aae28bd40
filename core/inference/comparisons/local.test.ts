import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { comparisonWish, type Comparison } from '../../../contract/chat.ts';
import { applyComparisonChange } from '../../../contract/comparison-change.ts';
import { createJobs } from '../../jobs/create-jobs.ts';
import { smolLm2 } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import type { Answer } from '../parts.ts';
import { makeLoaded, modelAt, smolFacts } from '../loaded/fixtures/test-support.ts';
import { createComparisons, type Comparisons } from './create-comparisons.ts';

const resources = fileURLToPath(new URL('../../../resources', import.meta.url));
const smol = modelAt(smolLm2(), smolFacts);

/** Comparisons over real processes with a real model; `onText` hears of each piece as it leaves the process. */
function makeComparisons(onText: (text: string, pids: number[]) => void = () => undefined): Comparisons {
  const { loaded } = makeLoaded([smol]);
  const heard = (answer: Answer): Answer => async function* (request, signal) {
    let text = '';
    for await (const event of answer(request, signal)) {
      if (event.t === 'text') onText(text += event.text, loaded.list().flatMap((one) => one.pid ?? []));
      yield event;
    }
  };
  const jobs = createJobs({ folder: null, log: silentLogger });
  const comparisons = createComparisons({
    jobs, folder: null, resources, log: silentLogger,
    answer: async ({ model, settings }) => {
      const here = (): ReturnType<typeof loaded.list>[number] | undefined => loaded.list().find((one) => one.settings.contextTokens === settings.contextTokens);
      return {
        modelName: 'SmolLM2', provider: null, answer: heard(loaded.answer({ model, settings })), truth: () => here()?.truth ?? null,
        memoryBytes: () => { const bytes = here()?.bytes ?? null; return bytes === null ? null : bytes.weights + bytes.hostWeights + bytes.cache + bytes.work; },
      };
    },
  });
  onTestFinished(async () => {
    await comparisons.stop();
    await jobs.stopAll();
  });
  return comparisons;
}

async function follow(comparisons: Comparisons, id: string): Promise<Comparison> {
  let shown: Comparison | null = null;
  for await (const change of comparisons.watch(id, AbortSignal.timeout(150_000))) {
    shown = applyComparisonChange(shown, change);
    if (shown?.state !== 'running') return comparisons.get(id);
  }
  throw new Error('It did not end.');
}

const local = (contextTokens: number): object => ({ model: null, settings: { contextTokens, backend: 'cpu' }, sampling: { temperature: 0 }, maxTokens: 12 });

describe('models of this machine', () => {
  it('compares two contexts of one model: equal answers, more memory, prompts really read', async () => {
    const comparisons = makeComparisons();
    const prompts = ['What is the capital of France?', 'Name a colour.', 'Count from one to five.'];
    const { id } = await comparisons.start(comparisonWish.parse({ prompts, repeats: 2, contenders: [local(512), local(4096)] }));
    const done = await follow(comparisons, id);
    expect(done.state, JSON.stringify(done.problem)).toBe('done');
    expect(done.names).toEqual(['SmolLM2 (context 512)', 'SmolLM2 (context 4096)']);
    expect(done.answers.every((one) => one.problem === null && one.truth?.verdict === 'cpu_as_asked' && one.content !== '')).toBe(true);
    // The same weights, greedy: a longer context does not change the words, and a repeat says the same again.
    expect(done.partAt).toEqual([null]);
    expect(new Set(done.answers.filter((one) => one.prompt === 0).map((one) => one.content)).size).toBe(1);
    expect(done.answers[0]?.content).toContain('Paris');
    // The short answer between two has cleared the prompt of the last one.
    const cached = done.answers.map((one) => (one.figures?.cachedTokens ?? 0) / (one.figures?.promptTokens ?? 1));
    expect(Math.max(...cached)).toBeLessThan(1);
    const row = (figure: string): Comparison['rows'][number] | undefined => done.rows.find((one) => one.figure === figure);
    expect(row('memory')?.against[0]).toMatchObject({ words: 'more' });
    expect(row('decode')?.values.every((one) => one.mean !== null && one.low !== null)).toBe(true);
    expect(row('first_token')?.values.every((one) => one.n === 6)).toBe(true);
    expect(row('energy')?.values.every((one) => one.mean === null)).toBe(true);
    expect(done.sentence).toMatch(/SmolLM2 \(context 4096\)/);
  }, 180_000);

  it('keeps what was written when a model’s process is killed in mid-answer, and goes on', async () => {
    let killed = false;
    const comparisons = makeComparisons((text, pids) => {
      if (killed || text.length < 20) return;
      killed = true;
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    });
    const { id } = await comparisons.start(comparisonWish.parse({ prompts: ['Tell me a long story about a river.', 'What is the capital of France?'], contenders: [{ ...local(512), maxTokens: 200 }] }));
    const done = await follow(comparisons, id);
    expect(done.answers[0]).toMatchObject({ state: 'done', reason: 'interrupted', problem: { code: 'generate.interrupted' } });
    expect(done.answers[0]?.content.length).toBeGreaterThan(19);
    expect(done.answers[1]).toMatchObject({ state: 'done', problem: null });
    expect(done.answers[1]?.content).toContain('Paris');
  }, 180_000);
});
