import type { GenerateRequest } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Loaded } from '../../inference/loaded/create-loaded.ts';
import type { SearchSettings, StartTuneArm, TuneAsk, TuneSample } from './parts.ts';

/** What a sample is, by goal and place: long enough to be timed, short enough for many. Tokens. */
const SAMPLE = { decode: 64, prompt: { cpu: 512, gpu: 2048 }, parallel: { requests: 8, tokens: 48 } } as const;

const request: GenerateRequest = {
  turns: null, prompt: 'Once upon a time there was a machine that wanted to know how fast it was.', maxTokens: SAMPLE.parallel.tokens, stop: [], jsonSchema: null, grammar: null, tools: [], toolChoice: 'none', topLogprobs: null, timeLimitSeconds: 300, mayShift: false,
  sampling: { temperature: 0, topK: 1, topP: 1, minP: 0, repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, repeatLastTokens: 0, seed: 1 },
};

/** Candidates as models of the inference part, each loaded in a worker of its own and unloaded after. */
export function createTuneArms(loaded: Pick<Loaded, 'load' | 'measure' | 'unload' | 'list' | 'answer'>): StartTuneArm {
  return async (settings, ask, signal) => {
    const wish = makeWish(settings, ask);
    const open = async (): Promise<{ readonly id: string; readonly ours: boolean }> => {
      const before = new Set(loaded.list().map((one) => one.id));
      const { id } = await loaded.load(wish, signal);
      // It may be there for somebody else.
      return { id, ours: !before.has(id) };
    };
    let at = await open();
    const measure = async (): Promise<TuneSample> => {
      const promptTokens = ask.goal === 'prompt' ? Math.min(SAMPLE.prompt[ask.place === 'cpu' ? 'cpu' : 'gpu'], ask.contextTokens - 16) : 0;
      const decodeTokens = ask.goal === 'prompt' ? 0 : SAMPLE.decode;
      const speeds = await loaded.measure(at.id, { promptTokens, decodeTokens, depth: 0, repeats: 1 }, signal);
      const endedAtMs = Date.now();
      const value = (ask.goal === 'prompt' ? speeds.prompt : speeds.decode)[0];
      if (value === undefined || !Number.isFinite(value) || value <= 0) throw problemError('load.failed', { name: ask.modelId, detail: 'the engine answered no figure.', remedy: 'Try again.' });
      return { value, startedAtMs: endedAtMs - ((promptTokens + decodeTokens) / value) * 1000, endedAtMs };
    };
    const answerTogether = async (): Promise<TuneSample> => {
      const answer = loaded.answer(wish);
      const one = async (): Promise<number> => {
        let tokens = 0;
        for await (const event of answer(request, signal)) if (event.t === 'text') tokens += event.tokens;
        return tokens;
      };
      const startedAtMs = Date.now();
      const began = performance.now();
      const counts = await Promise.all(Array.from({ length: SAMPLE.parallel.requests }, one));
      const seconds = (performance.now() - began) / 1000;
      return { value: counts.reduce((sum, count) => sum + count, 0) / seconds, startedAtMs, endedAtMs: Date.now() };
    };
    const take = ask.goal === 'parallel' ? answerTogether : measure;
    return {
      async sample() {
        try {
          return await take();
        } catch (error) {
          signal.throwIfAborted();
          if (problemOf(error)?.code !== 'load.not_loaded') throw error;
          // It was unloaded for another.
          at = await open();
          return take();
        }
      },
      async end() {
        if (at.ours) await loaded.unload(at.id).catch(() => undefined);
      },
    };
  };
}

function makeWish(settings: SearchSettings, ask: TuneAsk): Parameters<Loaded['load']>[0] {
  return { model: ask.modelId, settings: { ...settings, devices: [...settings.devices], contextTokens: ask.contextTokens, ...(ask.place === 'cpu' ? { backend: 'cpu' as const } : {}) }, makeRoom: false };
}
