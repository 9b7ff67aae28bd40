import type { Loaded } from '../../inference/loaded/create-loaded.ts';
import type { LlamaModels } from './start-llama-arm.ts';

/** The models in memory, as an arm wants them. */
export function createLlamaModels(loaded: Pick<Loaded, 'load' | 'measure' | 'unload' | 'list'>): LlamaModels {
  return {
    async load(wish, signal) {
      const model = await loaded.load(wish, signal);
      const { contextTokens, flashAttention, threads, release, backendId, settings, quantisation, truth } = model;
      return {
        id: model.id,
        facts: {
          model: model.name, quantisation, backend: backendId, release, contextTokens, flashAttention, threads, batch: settings.batch, gpuLayers: settings.gpuLayers,
          cacheTypeK: settings.cacheTypeK, cacheTypeV: settings.cacheTypeV, truth: truth.verdict,
        },
      };
    },
    measure: (id, input, signal) => loaded.measure(id, input, signal),
    unload: (id) => loaded.unload(id),
    loaded: () => loaded.list().map((one) => one.id),
    memoryBytes(id) {
      const bytes = loaded.list().find((one) => one.id === id)?.bytes ?? null;
      return bytes === null ? null : bytes.weights + bytes.cache + bytes.work + bytes.hostWeights;
    },
  };
}
