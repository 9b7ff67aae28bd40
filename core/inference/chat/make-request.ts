import type { Answerer } from '../../../contract/chat.ts';
import { sampling, type ChatTurn, type GenerateRequest } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

/**
 * What is asked of the model.
 * @throws ProblemError `generate.schema` when the schema is not JSON, or when there is a grammar as well
 */
export function makeRequest(answerer: Answerer, turns: ChatTurn[], limits: { readonly maxAnswerTokens: number; readonly maxAnswerMinutes: number }): GenerateRequest {
  const { jsonSchema, grammar } = answerer;
  if (jsonSchema !== null && grammar !== null) throw problemError('generate.schema', { detail: 'There is a schema and a grammar; an answer can follow one of them.' });
  return {
    turns,
    prompt: null,
    sampling: sampling.parse(answerer.sampling),
    maxTokens: answerer.maxTokens ?? limits.maxAnswerTokens,
    stop: [],
    jsonSchema: jsonSchema === null ? null : parseSchema(jsonSchema),
    grammar,
    tools: [],
    toolChoice: 'none',
    topLogprobs: null,
    timeLimitSeconds: limits.maxAnswerMinutes * 60,
    mayShift: true,
  };
}

function parseSchema(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw problemError('generate.schema', { detail: `The schema is not JSON: ${error instanceof Error ? error.message : String(error)}.` }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw problemError('generate.schema', { detail: 'The schema is not a JSON object.' });
  return value as Record<string, unknown>;
}
