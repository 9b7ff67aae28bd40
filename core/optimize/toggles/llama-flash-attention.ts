import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const llamaFlashAttention = defineToggle({
  toggle: {
    id: 'llama_flash_attention',
    group: 'llama',
    title: 'Flash attention (llama.cpp)',
    what: 'Attention is computed in pieces that stay on the chip. The default, auto, switches it on where it works.',
    since: 'llama.cpp, April 2024',
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'engine',
    values: [{ id: 'off', title: 'Off' }, { id: 'on', title: 'On' }],
    applied: 'Flash attention among the model\'s settings (-fa on).',
    undone: 'Set it back to auto.',
    claim: { said: 'flash_attn=True.', truth: 'Right. Small on short texts, large on long ones: a Mixtral at 8K tokens went from 22.9 to 44.7 tokens/s; an H200 with a 7B model gained 19 % writing and 11 % reading. A quantised V cache needs it.', source: auditRow(77) },
    notOffered: null,
    workloads: ['llm-decode-long', 'llm-prompt', 'llm-decode'],
  },
  decideAvailable: decideLlamaNeeds,
  settings: (value) => ({ flashAttention: value === 'on' ? 'on' : 'off' }),
  // The default is auto, which is on where it works: on is measured against off.
  baseSettings: (value) => (value === 'on' ? { flashAttention: 'off' } : {}),
  snippet: (value) => `llama-server -m MODEL -fa ${value === 'on' ? 'on' : 'off'}`,
});
