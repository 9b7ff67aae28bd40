import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

/** `set_float32_matmul_precision` is the one way that works over all versions: mixing the older and the newer flags raises an error since 2.9. */
export const tf32 = defineToggle({
  toggle: {
    id: 'tf32',
    group: 'precision',
    title: 'TF32 for FP32 matmul',
    what: 'FP32 matrix products are computed on the tensor cores with 10 instead of 23 bits of mantissa.',
    since: 'PyTorch 1.12',
    needs: ['compute capability 8.0'],
    risk: 'accuracy',
    changesResults: 'rounding',
    means: 'code',
    values: [{ id: 'high', title: 'TF32' }],
    applied: 'torch.set_float32_matmul_precision("high") before the model runs.',
    undone: 'torch.set_float32_matmul_precision("highest"), or leave the line out.',
    claim: {
      said: '19× faster matmul, 15 to 20× for AI overall.',
      truth: '1.5 to 1.75× at 8192³ on an RTX 5090, where FP32 and dense TF32 have the same peak (104.8 TFLOPS); about 1.6× on a 4090, 6 to 7× on an A100, 7.0× on an H200. Nothing for models in FP16 or BF16. About two digits fewer.',
      source: auditRow(29, 46, 47, 48, 49, 50, 51),
    },
    notOffered: null,
    workloads: ['matmul-fp32', 'training-step', 'convolution'],
  },
  inPython: 'hook',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.12', capability: '8.0' }),
  snippet: () => 'import torch\ntorch.set_float32_matmul_precision("high")',
});
