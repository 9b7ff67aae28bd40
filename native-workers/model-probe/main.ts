/**
 * The model-probe worker: reads model files, which are hostile input. Reads only; nothing of a file is run. Calls:
 * `search`, `read`, `hash`, `cancelHash` (contract/model-probe.ts). Event: `hashing`.
 */
import type { z } from 'zod';
import { modelHashInput, modelReadInput, modelSearchInput } from '../../contract/model-probe.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { runWorker } from '../runtime/worker-runtime.ts';
import { hashFile } from './hash-file.ts';
import { readModel } from './header/read-model.ts';
import { searchModels } from './search/search-models.ts';

/** The engine hears of a hash so often, ms. */
const TELL_EVERY_MS = 200;

/** Under way, by path. */
const hashes = new Map<string, AbortController>();
let progress = 0;
const step = (): void => { progress += 1; };

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw problemError('input.invalid', { detail: parsed.error.message });
  return parsed.data;
}

const port = runWorker({
  name: 'model-probe',
  calls: {
    search: (input) => searchModels(parse(modelSearchInput, input), step),
    read(input) {
      const { path, ofBytes, otherParts } = parse(modelReadInput, input);
      return readModel({ path, ofBytes }, otherParts);
    },
    async hash(input) {
      const { path } = parse(modelHashInput, input);
      const calledOff = hashes.get(path) ?? new AbortController();
      hashes.set(path, calledOff);
      let toldAtMs = performance.now();
      const sha256 = await hashFile(path, calledOff.signal, (doneBytes) => {
        step();
        if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
        toldAtMs = performance.now();
        port.emit('hashing', { path, doneBytes });
      }).finally(() => hashes.delete(path));
      return { sha256 };
    },
    cancelHash(input) {
      hashes.get(parse(modelHashInput, input).path)?.abort();
      return null;
    },
  },
  // Files are read by other threads and their bytes are judged on this one: a beat is the proof that it is free.
  progress: () => ({ progress: ++progress, busy: null }),
});
