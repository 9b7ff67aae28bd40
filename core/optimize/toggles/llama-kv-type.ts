import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const llamaKvType = defineToggle({
  toggle: {
    id: 'llama_kv_type',
    group: 'llama',
    title: 'KV cache type (llama.cpp)',
    what: 'How keys and values of the context are stored. F16 by default.',
    since: 'llama.cpp, May 2024',
    needs: ['flash attention'],
    risk: 'accuracy',
    changesResults: 'yes',
    means: 'engine',
    values: [{ id: 'q8_0', title: 'Q8_0' }, { id: 'q4_0', title: 'Q4_0' }],
    applied: 'K and V cache types among the model\'s settings (-ctk, -ctv), with flash attention.',
    undone: 'Set both back to f16.',
    claim: { said: 'A smaller cache makes it faster.', truth: 'It saves memory (Q8_0 about half); speed rarely changes, and some types are slower. Q4_0 can change answers visibly.', source: auditRow(77, 78) },
    notOffered: null,
    workloads: ['llm-decode-long', 'llm-decode'],
  },
  decideAvailable: decideLlamaNeeds,
  settings: (value) => ({ cacheTypeK: value === 'q4_0' ? 'q4_0' : 'q8_0', cacheTypeV: value === 'q4_0' ? 'q4_0' : 'q8_0', flashAttention: 'on' }),
  // Flash attention in both, so that the type alone differs.
  baseSettings: () => ({ flashAttention: 'on' }),
  snippet: (value) => `llama-server -m MODEL -fa on -ctk ${value === 'q4_0' ? 'q4_0' : 'q8_0'} -ctv ${value === 'q4_0' ? 'q4_0' : 'q8_0'}`,
});
