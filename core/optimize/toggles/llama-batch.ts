import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

const sizes = ['128', '256', '1024', '2048'];

export const llamaBatch = defineToggle({
  toggle: {
    id: 'llama_batch',
    group: 'llama',
    title: 'Batch (llama.cpp)',
    what: 'How many tokens of a prompt are computed at once. It concerns reading prompts only.',
    since: null,
    needs: [],
    risk: 'memory',
    changesResults: 'rounding',
    means: 'engine',
    values: sizes.map((id) => ({ id, title: `${id} tokens` })),
    applied: 'Batch among the model\'s settings (-b, -ub).',
    undone: 'Leave it open: Warpdeck chooses.',
    claim: { said: 'n_batch 2048 → 4096: +40 to 60 %.', truth: 'Nothing for writing. Kernels see the micro-batch (512 unless set); n_batch is only how much is handed over at once. Reading a prompt gains up to a size and no more.', source: auditRow(72) },
    notOffered: null,
    workloads: ['llm-prompt', 'llm-decode'],
  },
  decideAvailable: decideLlamaNeeds,
  settings: (value) => ({ batch: sizes.includes(value) ? Number(value) : 512 }),
  snippet: (value) => `llama-server -m MODEL -b ${sizes.includes(value) ? value : '512'} -ub ${sizes.includes(value) ? value : '512'}`,
});
