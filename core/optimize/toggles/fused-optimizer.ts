import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

export const fusedOptimizer = defineToggle({
  toggle: {
    id: 'fused_optimizer',
    group: 'optimizer',
    title: 'Fused optimiser',
    what: 'AdamW updates all weights in a few kernels instead of several for each tensor.',
    since: 'PyTorch 2.0',
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'code',
    values: onValue,
    applied: 'torch.optim.AdamW(…, fused=True).',
    undone: 'Leave fused=True out.',
    claim: { said: 'Fused kernels (QKV 1.84×, MLP 0.58×) decide training speed.', truth: 'Those are single layers, not steps. The fused optimiser touches only the update: the more, the smaller the batch.', source: auditRow(102, 103) },
    notOffered: null,
    workloads: ['training-step-bf16', 'training-step'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: facts.place === 'cpu' ? '2.4' : '2.0', on: 'any' }),
  snippet: () => 'import torch\noptimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)',
});
