import { setTimeout as wait } from 'node:timers/promises';
import { ask, greedy, load, makePrompt } from './inference-client.ts';
import type { BenchModel } from './inference-rows.ts';
import type { Row } from './row.ts';
import { spreadOf } from './statistics.ts';

const STREAM_MUST_MS = 100;
const READY_MUST_MS = 3000;
/** So long a prompt that it is being processed when it is stopped. */
const PROMPT_TOKENS = 3000;
const STOP_AFTER_MS = 400;

/** A stop in mid-prompt: the end of the stream; and where the process does not react at all, until it is ready again. */
export async function stopRows(at: BenchModel, times: number): Promise<readonly Row[]> {
  const ended: number[] = [];
  const answered: number[] = [];
  const replaced: number[] = [];
  for (let i = 0; i < times; i += 1) {
    ended.push(await stopInMidPrompt(at, i));
    const began = performance.now();
    await ask(at.client, at.model, at.settings, { prompt: 'a', maxTokens: 1 });
    answered.push(performance.now() - began);
  }
  for (let i = 0; i < times; i += 1) replaced.push(await stopUnreachable(at, times + i));
  const worst = Math.max(...ended), slowest = Math.max(...replaced);
  return [
    { what: `stop in mid-prompt: stream ended, worst, ${at.label}`, must: `≤ ${String(STREAM_MUST_MS)}`, value: worst, unit: 'ms', ok: worst <= STREAM_MUST_MS, detail: { times, medianMs: spreadOf(ended).median, nextAnswerMedianMs: spreadOf(answered).median, nextAnswerWorstMs: Math.max(...answered) } },
    { what: `stop of a process that does not react: ready again, worst, ${at.label}`, must: `≤ ${String(READY_MUST_MS)}`, value: slowest, unit: 'ms', ok: slowest <= READY_MUST_MS, detail: { times, medianMs: spreadOf(replaced).median } },
  ];
}

/** From the stop to the end of the stream, ms. */
async function stopInMidPrompt(at: BenchModel, salt: number): Promise<number> {
  const stop = new AbortController();
  let stoppedAt = 0;
  const timer = wait(STOP_AFTER_MS).then(() => {
    stoppedAt = performance.now();
    stop.abort();
  });
  try {
    for await (const event of await at.client.inference.generate({ model: { model: at.model, settings: at.settings }, request: { sampling: greedy, prompt: makePrompt(PROMPT_TOKENS, salt), maxTokens: 8 } }, { signal: stop.signal })) {
      if (event.t === 'text') throw new Error('It answered before it was stopped: a longer prompt is needed.');
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  const endedAt = performance.now();
  await timer;
  return endedAt - stoppedAt;
}

/** From the stop to a process that is ready again, where the old one was halted by a signal, ms. */
async function stopUnreachable(at: BenchModel, salt: number): Promise<number> {
  const before = await load(at.client, at.model, at.settings);
  if (before.pid === null) throw new Error('The model has no process.');
  const stop = new AbortController();
  const asked = (async () => {
    for await (const event of await at.client.inference.generate({ model: { model: at.model, settings: at.settings }, request: { sampling: greedy, prompt: makePrompt(PROMPT_TOKENS, salt), maxTokens: 8 } }, { signal: stop.signal })) void event;
  })().catch(() => undefined);
  await wait(STOP_AFTER_MS);
  process.kill(before.pid, 'SIGSTOP');
  const began = performance.now();
  stop.abort();
  await asked;
  for await (const models of await at.client.inference.watchLoaded({})) {
    const now = models.find((m) => m.id === before.id);
    if (now?.state === 'ready' && now.pid !== before.pid && now.pid !== null) break;
  }
  return performance.now() - began;
}
