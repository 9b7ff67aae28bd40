import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle, offValue } from './toggle-definition.ts';

export const llamaKvOffload = defineToggle({
  toggle: {
    id: 'llama_kv_offload',
    group: 'llama',
    title: 'KV cache on the GPU (llama.cpp)',
    what: 'Keys and values lie on the GPU beside their layers. That is the default.',
    since: null,
    needs: [],
    risk: 'memory',
    changesResults: 'rounding',
    means: 'engine',
    values: offValue,
    applied: 'llama-server -nkvo keeps the cache in the machine\'s memory.',
    undone: 'Leave -nkvo out.',
    claim: { said: 'offload_kqv=True makes it faster.', truth: 'It is on by default. 11.3 tokens/s on a 4090 with a 9 GB model means layers on the processor: the remedy is to offload all layers.', source: auditRow(68) },
    notOffered: 'Our engine always keeps the cache beside its layers and has no switch for it; off is slower wherever the layers are on a GPU.',
    workloads: [],
  },
  decideAvailable: decideLlamaNeeds,
  snippet: () => 'llama-server -m MODEL -nkvo',
});
