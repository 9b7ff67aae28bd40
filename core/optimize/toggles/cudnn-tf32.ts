import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, offValue } from './toggle-definition.ts';

export const cudnnTf32 = defineToggle({
  toggle: {
    id: 'cudnn_tf32',
    group: 'precision',
    title: 'TF32 for convolutions',
    what: 'FP32 convolutions and recurrent layers use TF32. It is on unless somebody switches it off.',
    since: 'PyTorch 1.7',
    needs: ['compute capability 8.0'],
    risk: 'accuracy',
    changesResults: 'rounding',
    means: 'code',
    values: offValue,
    applied: 'torch.backends.cudnn.allow_tf32 = False gives full FP32.',
    undone: 'torch.backends.cudnn.allow_tf32 = True, which is the default.',
    claim: { said: 'Enable TF32 for cuDNN.', truth: 'It is on by default: the advice changes nothing. What can be measured is what it would cost to switch it off.', source: auditRow(51) },
    notOffered: 'It is on already. Switching it off makes convolutions slower; do that in your program where you need the digits.',
    workloads: ['convolution'],
  },
  inPython: 'hook',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.7', capability: '8.0' }),
  snippet: () => 'import torch\ntorch.backends.cudnn.allow_tf32 = False',
});
