import { decideLlamaNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const llamaSampling = defineToggle({
  toggle: {
    id: 'llama_sampling',
    group: 'llama',
    title: 'Sampling limits (llama.cpp)',
    what: 'Among how many likely tokens the next one is drawn (top-k, top-p), and whether mirostat, TFS and typical sampling act.',
    since: null,
    needs: [],
    risk: 'accuracy',
    changesResults: 'yes',
    means: 'engine',
    values: [{ id: 'narrow', title: 'top-k 10, top-p 0.8' }],
    applied: 'Top-k and top-p beside the chat.',
    undone: 'Set them back there.',
    claim: { said: 'top_k 20 → 10, top_p 0.9 → 0.8: +10 to 20 %; switch off mirostat, TFS and typical.', truth: 'Sampling takes about 0.2 ms of 22 to 44 ms for a token: at most 1 %. It changes what is written. Mirostat, TFS and typical are off by default, and TFS is gone from llama.cpp.', source: auditRow(74, 75, 78) },
    notOffered: 'It is a choice about answers, made for each chat; it brings no speed.',
    workloads: [],
  },
  decideAvailable: decideLlamaNeeds,
  snippet: () => 'llama-server -m MODEL --top-k 10 --top-p 0.8',
});
