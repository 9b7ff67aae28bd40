import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, offValue } from './toggle-definition.ts';

export const kvCache = defineToggle({
  toggle: {
    id: 'kv_cache',
    group: 'generation',
    title: 'KV cache (Transformers)',
    what: 'Keys and values of earlier tokens are kept, so that each new token does not read the whole text again. On by default.',
    since: null,
    needs: [],
    risk: 'memory',
    changesResults: 'rounding',
    means: 'code',
    values: offValue,
    applied: 'model.generate(…, use_cache=False) switches it off.',
    undone: 'Leave use_cache out: it is on.',
    claim: { said: 'Single beam with KV cache is fast.', truth: 'Right, and both are defaults. The longer the text, the more it would cost to be without.', source: auditRow(43) },
    notOffered: 'It is on already; without it every token takes longer than the one before.',
    workloads: ['generate'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { on: 'any' }),
  snippet: () => 'output = model.generate(**inputs, use_cache=False)',
});
