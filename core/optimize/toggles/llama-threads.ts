import { decideLlamaNeeds } from './availability.ts';
import { threadsOf, threadValues } from './cpu-threads.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const llamaThreads = defineToggle({
  toggle: {
    id: 'llama_threads',
    group: 'llama',
    title: 'Threads (llama.cpp)',
    what: 'Processor threads of the engine.',
    since: null,
    needs: [],
    risk: 'none',
    changesResults: 'no',
    means: 'engine',
    values: threadValues,
    applied: 'Threads among the model\'s settings (-t).',
    undone: 'Leave it open: Warpdeck chooses.',
    claim: { said: 'n_threads 8 → 16: +15 to 25 %.', truth: 'With all layers on the GPU the processor only launches kernels and samples: nothing to gain, and too many threads hurt. On a processor, one per core at most.', source: auditRow(73) },
    notOffered: null,
    workloads: ['llm-decode', 'llm-prompt'],
  },
  decideAvailable: decideLlamaNeeds,
  settings: (value, { cores }) => ({ threads: threadsOf(value, cores) }),
  snippet: (value) => `llama-server -m MODEL -t N  # ${threadValues.find((one) => one.id === value)?.title.toLowerCase() ?? value}`,
});
