import { randomInt } from 'node:crypto';
import { generateRequest, type GenerateRequest } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Settings } from '../../../contract/settings.ts';
import type { Given } from '../../engine/inference-services.ts';

/** What a request leaves open is filled from the settings. @throws ProblemError `input.invalid` */
export function completeRequest(request: Given<GenerateRequest>, settings: Pick<Settings['inference'], 'maxAnswerTokens' | 'maxAnswerMinutes'>): GenerateRequest {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  const parsed = generateRequest.safeParse({
    turns: null, prompt: null, sampling: {}, stop: [], jsonSchema: null, grammar: null, tools: [], toolChoice: 'auto', topLogprobs: null, mayShift: false,
    timeLimitSeconds: settings.maxAnswerMinutes * 60,
    ...given,
    // Asked for without a length it still ends: a model may never stop by itself.
    maxTokens: request.maxTokens ?? settings.maxAnswerTokens,
  });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw problemError('input.invalid', { detail: `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'does not fit'}` });
  }
  const { turns, prompt, jsonSchema, grammar } = parsed.data;
  if ((turns === null) === (prompt === null)) throw problemError('input.invalid', { detail: 'Give either turns or a prompt, not both.' });
  if (turns !== null && turns.length === 0) throw problemError('input.invalid', { detail: 'There is no turn to answer.' });
  if (jsonSchema !== null && grammar !== null) throw problemError('input.invalid', { detail: 'Give a JSON schema or a grammar, not both.' });
  return parsed.data;
}

/** A seed for a request that names none, so that the answer can be had again. */
export function chooseSeed(request: GenerateRequest): number {
  return request.sampling.seed ?? randomInt(0, 4_294_967_296);
}
