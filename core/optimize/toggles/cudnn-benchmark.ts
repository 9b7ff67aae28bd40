import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

export const cudnnBenchmark = defineToggle({
  toggle: {
    id: 'cudnn_benchmark',
    group: 'compiler',
    title: 'cuDNN autotune',
    what: 'cuDNN tries its convolution algorithms once for each shape and keeps the fastest.',
    since: 'PyTorch 0.4',
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'code',
    values: onValue,
    applied: 'torch.backends.cudnn.benchmark = True before the first convolution.',
    undone: 'torch.backends.cudnn.benchmark = False, or leave the line out.',
    claim: {
      said: 'Convolutions +10 to 30 %, recurrent layers +15 to 25 %, attention +20 to 40 %.',
      truth: 'It picks convolution algorithms only: a decoder language model has no convolutions, attention and recurrent layers do not ask it. For fixed shapes a gain is possible; where shapes change, each new one costs a search.',
      source: auditRow(30, 31, 32, 33),
    },
    notOffered: null,
    workloads: ['convolution', 'training-step', 'attention'],
  },
  inPython: 'hook',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.0' }),
  snippet: () => 'import torch\ntorch.backends.cudnn.benchmark = True',
});
