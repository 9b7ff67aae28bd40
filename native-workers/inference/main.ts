/**
 * The inference worker: one model in one process that may die of it. Calls: `load` once, `generate`, `stop`, `embed`,
 * `count`, `measure` (contract/inference-worker.ts). Events: `loading`, `generation`. Whoever starts it sets
 * UV_THREADPOOL_SIZE=1 (decoding then keeps to one thread: twice the speed on a processor) and which GPUs it sees.
 */
import type { z } from 'zod';
import { workerCountInput, workerEmbedInput, workerGenerateInput, workerLoadInput, workerMeasureInput, workerStopInput } from '../../contract/inference-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { runWorker } from '../runtime/worker-runtime.ts';
import { createInferenceService, volunteerForOom } from './inference-service.ts';

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw problemError('input.invalid', { detail: parsed.error.message });
  return parsed.data;
}

volunteerForOom();
const service = createInferenceService({
  generation: (event) => port.emit('generation', event),
  loading: (progress) => port.emit('loading', { progress }),
});
const port = runWorker({
  name: 'inference',
  calls: {
    load: (input) => service.load(parse(workerLoadInput, input)),
    generate: (input) => service.generate(parse(workerGenerateInput, input)),
    stop: (input) => service.stop(parse(workerStopInput, input).requestId),
    embed: (input) => service.embed(parse(workerEmbedInput, input)),
    count: (input) => service.count(parse(workerCountInput, input)),
    measure: (input) => service.measure(parse(workerMeasureInput, input)),
  },
  onShutdown: () => service.dispose(),
});
