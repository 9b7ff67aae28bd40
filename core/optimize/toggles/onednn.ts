import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, offValue } from './toggle-definition.ts';

export const onednn = defineToggle({
  toggle: {
    id: 'onednn',
    group: 'cpu',
    title: 'oneDNN',
    what: 'Intel\'s library of kernels for the processor. It is on unless somebody switches it off.',
    since: 'PyTorch 1.0',
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'code',
    values: offValue,
    applied: 'torch.backends.mkldnn.enabled = False (or flags(enabled=False)) switches it off.',
    undone: 'Leave the line out: it is on.',
    claim: { said: 'Enable Intel optimisations (oneDNN).', truth: 'It is part of every build for x86 and on by default: the advice changes nothing. What can be measured is what it would cost to switch it off.', source: auditRow(45) },
    notOffered: 'It is on already; switching it off is for finding faults.',
    workloads: ['cpu-matmul', 'cpu-attention'],
  },
  inPython: 'hook',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.0', on: 'cpu' }),
  snippet: () => 'import torch\ntorch.backends.mkldnn.set_flags(False)',
});
