import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

export const channelsLast = defineToggle({
  toggle: {
    id: 'channels_last',
    group: 'layout',
    title: 'Channels last',
    what: 'Images and convolution weights lie in memory with their channels together, as the tensor cores want them.',
    since: 'PyTorch 1.5',
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'code',
    values: onValue,
    applied: 'model.to(memory_format=torch.channels_last), and the same for the input.',
    undone: 'Leave the conversion out.',
    claim: { said: 'Convolutions +10 to 30 %.', truth: 'For convolutions in FP16, BF16 or TF32; nothing for transformers, which have none. In plain FP32 it can cost.', source: auditRow(33) },
    notOffered: null,
    workloads: ['convolution'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.5', on: 'any' }),
  snippet: () => 'import torch\nmodel = model.to(memory_format=torch.channels_last)\nimages = images.to(memory_format=torch.channels_last)',
});
