import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

const sizes = ['2048', '4096', '16384'];

export const llamaContext = defineToggle({
  toggle: {
    id: 'llama_context',
    group: 'llama',
    title: 'Context (llama.cpp)',
    what: 'How much text the model sees at once: prompt, conversation and answer.',
    since: null,
    needs: [],
    risk: 'memory',
    changesResults: 'no',
    means: 'engine',
    values: sizes.map((id) => ({ id, title: `${id} tokens` })),
    applied: 'Context among the model\'s settings (-c).',
    undone: 'Leave it open: Warpdeck chooses what fits.',
    claim: { said: 'n_ctx 4096 → 2048: +25 to 35 %.', truth: 'It costs memory, not speed, until it is filled: writing reads the cells in use only.', source: auditRow(71) },
    notOffered: null,
    workloads: ['llm-decode'],
  },
  decideAvailable: decideLlamaNeeds,
  settings: (value) => ({ contextTokens: sizes.includes(value) ? Number(value) : 4096 }),
  snippet: (value) => `llama-server -m MODEL -c ${sizes.includes(value) ? value : '4096'}`,
});
