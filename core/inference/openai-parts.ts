import type { LoadWish } from '../../contract/inference.ts';
import type { Given } from '../engine/inference-services.ts';
import type { Logger } from '../logging/logger.ts';
import type { OpenAiParts } from '../web/openai/register-openai.ts';
import type { AssembledInference } from './assemble-inference.ts';

/** What the OpenAI-compatible API asks of the models on this machine. */
export function openAiParts(inference: AssembledInference, log: Logger): OpenAiParts {
  const { services, loaded } = inference;
  const nameOf = async (model: string | null): Promise<string> => (model === null || model === '' || model === 'default' ? (await services.models.get(loaded.list()[0]?.modelId ?? '').catch(() => null))?.id ?? 'default' : model);
  const wishOf = (model: string | null): Given<LoadWish> => ({ model: model === null || model === '' || model === 'default' ? null : model, makeRoom: true });
  return {
    models: () => inference.models(),
    async answer(model) {
      const wish = wishOf(model);
      // A name that is not there is told before anything is sent.
      if (wish.model !== null && wish.model !== undefined) await services.models.get(wish.model);
      return { model: await nameOf(model), answer: (request, signal) => services.loaded.generate(wish, request, signal) };
    },
    async embed(model, texts, signal) {
      const { vectors, tokens } = await loaded.embed(wishOf(model), texts, signal);
      return { model: await nameOf(model), vectors, tokens };
    },
    log,
  };
}
