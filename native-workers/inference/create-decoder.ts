import type { Llama, LlamaContext } from 'node-llama-cpp';
import type { WorkerLoadInput } from '../../contract/inference-worker.ts';
import type { Decoder } from './decoder.ts';
import type { Library } from './library.ts';
import { createSequenceDecoder } from './sequence-decoder.ts';

/** The decoder for a context, with the draft model where one is asked for. */
export async function createDecoder(library: Library, llama: Llama, context: LlamaContext, input: WorkerLoadInput): Promise<Decoder> {
  const { draft } = input;
  const places = Array.from({ length: input.parallel }, (_, index) => index);
  if (draft === null) return createSequenceDecoder(places.map(() => context.getSequence()));
  const model = await llama.loadModel({ modelPath: draft.modelPath, gpuLayers: draft.gpuLayers, useMmap: input.mmap, ignoreMemorySafetyChecks: true });
  const guesses = await model.createContext({ contextSize: input.contextTokens, sequences: input.parallel, threads: { ideal: input.threads, min: input.threads }, ignoreMemorySafetyChecks: true, failedCreationRemedy: false });
  // All are waited for: with one thread in the pool none is ever ready by chance. It ends sooner where it is not sure.
  const guessing = { minTokens: draft.tokens, maxTokens: draft.tokens };
  return createSequenceDecoder(places.map(() => context.getSequence({ tokenPredictor: new library.DraftSequenceTokenPredictor(guesses.getSequence(), guessing) })));
}
