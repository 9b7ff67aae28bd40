import type { Answerer } from '../../../contract/chat.ts';
import { sampling as samplingSchema, type GenerateRequest } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

/**
 * The request that one contender gets for one prompt. Contenders that name no seed share one, so that what differs
 * between their answers comes from what differs between them. Pure.
 * @throws ProblemError `generate.schema`
 */
export function makeRequest(answerer: Answerer, systemPrompt: string, prompt: string, seed: number, timeLimitSeconds: number): GenerateRequest {
  const turn = (role: 'system' | 'user', content: string): NonNullable<GenerateRequest['turns']>[number] => ({ role, content, toolCalls: [], toolCallId: null });
  const sampling = samplingSchema.parse(answerer.sampling);
  return {
    turns: [...(systemPrompt === '' ? [] : [turn('system', systemPrompt)]), turn('user', prompt)],
    prompt: null,
    sampling: { ...sampling, seed: sampling.seed ?? seed },
    maxTokens: answerer.maxTokens,
    stop: [],
    jsonSchema: parseSchema(answerer),
    grammar: answerer.grammar,
    tools: [],
    toolChoice: 'none',
    topLogprobs: null,
    timeLimitSeconds,
    mayShift: false,
  };
}

function parseSchema({ jsonSchema, grammar }: Answerer): GenerateRequest['jsonSchema'] {
  if (jsonSchema === null) return null;
  if (grammar !== null) throw problemError('generate.schema', { detail: 'A JSON schema and a grammar cannot both be followed.' });
  let value: unknown;
  try {
    value = JSON.parse(jsonSchema);
  } catch (error) {
    throw problemError('generate.schema', { detail: `The schema is not JSON: ${error instanceof Error ? error.message : String(error)}.` });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw problemError('generate.schema', { detail: 'The schema is not a JSON object.' });
  return { ...value };
}
