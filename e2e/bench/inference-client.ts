import type { EngineSettings, GenerateRequest, GenerationFigures, LoadedModel } from '../../contract/inference.ts';
import type { Client } from './engine-process.ts';

/** A model, its settings and the GPUs that an engine of its own is to see: for rows that start one. */
export interface BenchPlace {
  readonly model: string;
  readonly settings: Partial<EngineSettings>;
  /** What the rows are called: `7B Q4_0, H100`. */
  readonly label: string;
  /** `nvml` or `none`. */
  readonly gpus: string;
}

/** Drives the product's own operations: what is measured is what a face gets. */
export interface Answered {
  readonly text: string;
  readonly figures: GenerationFigures;
  readonly reason: string;
  /** From the call to the first piece of text, ms of this process. */
  readonly firstPieceMs: number;
}

export const greedy = { temperature: 0, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, repeatLastTokens: 64, seed: 1 } as const;

export async function ask(client: Client, model: string, settings: Partial<EngineSettings>, request: Partial<GenerateRequest>): Promise<Answered> {
  const began = performance.now();
  let firstPieceMs = Number.NaN;
  let text = '';
  for await (const event of await client.inference.generate({ model: { model, settings }, request: { sampling: greedy, ...request } })) {
    if (event.t === 'text') {
      if (text === '') firstPieceMs = performance.now() - began;
      text += event.text;
    } else if (event.t === 'end') {
      if (event.problem !== null) throw new Error(`${event.problem.title} ${event.problem.cause}`);
      return { text, figures: event.figures, reason: event.reason, firstPieceMs };
    }
  }
  throw new Error('The answer has no end.');
}

export const load = (client: Client, model: string, settings: Partial<EngineSettings>): Promise<LoadedModel> => client.inference.load({ model, settings });

/** A prompt that the likeliest continuation of never ends: a model that was trained goes on with the one word, one that was not has no end to find. */
export const makeEndlessPrompt = (salt: number): string => `${makePrompt(1, salt)}:${` ${makePrompt(1, salt).split(' ')[1] ?? 'la'}`.repeat(24)}`;

/** A prompt of about so many tokens that no earlier one begins with: nothing of it is kept from before. */
export function makePrompt(tokens: number, salt: number): string {
  const words = ['river', 'stone', 'copper', 'signal', 'garden', 'window', 'number', 'market', 'winter', 'letter', 'engine', 'silver'];
  let state = (salt * 2_654_435_761) >>> 0;
  const next = (): string => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return words[state % words.length] ?? 'word';
  };
  return `${String(salt)} ${Array.from({ length: tokens }, next).join(' ')}`;
}
