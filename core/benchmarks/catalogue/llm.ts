import { makeCase, type BenchmarkRecipe, type RunnableCase } from './benchmark-recipe.ts';

const both = { engine: 'llama', onGpu: true, onCpu: true } as const;

export const decodeCase = (depth: number): RunnableCase => makeCase({
  id: `decode-${depth}`, title: depth === 0 ? 'Answer' : `Answer after ${depth.toLocaleString('en')} tokens`, unit: 'tok/s', workUnit: 'token', workPerRepetition: 1,
  workload: `llm_decode:depth=${depth}`, ...both,
});
const promptCase = (tokens: number): RunnableCase => makeCase({
  id: `prompt-${tokens}`, title: `Prompt of ${tokens.toLocaleString('en')} tokens`, unit: 'tok/s', workUnit: 'token', workPerRepetition: 1,
  workload: `llm_prompt:tokens=${tokens}`, ...both,
});

export const llm: BenchmarkRecipe = {
  name: 'llm',
  title: 'Language model',
  what: 'llama.cpp reads prompts and writes answers at several depths of the context, as llama-bench does; tokens over the time.',
  engine: 'llama',
  aboutSeconds: 90,
  cases: [...[512, 2048, 8192].map(promptCase), ...[0, 2048, 8192].map(decodeCase)],
};
