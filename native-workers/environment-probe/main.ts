/**
 * The environment-probe worker: looks at files of environments that anybody may have written. Reads only; runs nothing
 * of an environment. Calls: `find`, `cancelFind`, `xray`, `library`, `watch` (contract/environment-probe.ts). Events: `changed`, `watching`.
 */
import type { z } from 'zod';
import { findRequest, libraryRequest, watchRequest, xrayRequest } from '../../contract/environment-probe.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { runWorker } from '../runtime/worker-runtime.ts';
import { findEnvironments } from './finding/find-environments.ts';
import { createCensusCache } from './library/census-cache.ts';
import { readLibraryCensus } from './library/read-library-census.ts';
import { limitCalls } from './limit-calls.ts';
import { readNeededLibraries } from './packages/read-needed-libraries.ts';
import { xrayEnvironment } from './packages/xray-environment.ts';
import { watchEnvironments } from './watch/watch-environments.ts';

/** They take turns on one thread: more at once hold more memory and are no faster; two, so that a small one need not wait for a large one. */
const XRAYS_AT_ONCE = 2;

const cache = createCensusCache();
const oneXray = limitCalls(XRAYS_AT_ONCE);
const oneFind = limitCalls(1);
let progress = 0;
let cancelFinds = new AbortController();

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw problemError('input.invalid', { detail: parsed.error.message });
  return parsed.data;
}

const port = runWorker({
  name: 'environment-probe',
  calls: {
    find(input) {
      const request = parse(findRequest, input);
      const { signal } = cancelFinds;
      return oneFind(() => findEnvironments(request, { signal, onStep: () => { progress += 1; } }));
    },
    cancelFind() {
      cancelFinds.abort();
      cancelFinds = new AbortController();
      return null;
    },
    xray(input) {
      const request = parse(xrayRequest, input);
      return oneXray(() => xrayEnvironment(request, { cache }));
    },
    async library(input) {
      const { path } = parse(libraryRequest, input);
      return { census: await readLibraryCensus(path, path, cache), needed: readNeededLibraries(path).names };
    },
    async watch(input) {
      const state = await folders.setTargets(parse(watchRequest, input).targets);
      port.emit('watching', state);
      return state;
    },
  },
  // Whatever waits, waits outside of this thread: a beat is the proof that it is free.
  progress: () => ({ progress: ++progress, busy: null }),
  onShutdown: () => { folders.stop(); },
});
const folders = watchEnvironments({ onChanged: (event) => { port.emit('changed', event); } });
