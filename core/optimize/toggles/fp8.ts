import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

export const fp8 = defineToggle({
  toggle: {
    id: 'fp8',
    group: 'precision',
    title: 'FP8 matrix products',
    what: 'Linear layers multiply in 8 bits with one scale for each tensor.',
    since: 'PyTorch 2.5',
    needs: ['compute capability 8.9'],
    risk: 'accuracy',
    changesResults: 'yes',
    means: 'code',
    values: onValue,
    applied: 'torchao.float8 or Transformer Engine replace the linear layers of the model.',
    undone: 'Use the model without the replaced layers.',
    claim: {
      said: '0.75× for small batches, 1.24× at batch 12 × 2048; bad with gradient accumulation; limited on a 5090 against an H100.',
      truth: 'Small products lose to the conversion: that much is right. The raw product is 1.95× BF16 on an H200 and up to 3× on a 5090; training gains 1.2× at 124M and up to 1.6× at 1.5B and more. With accumulation it is slow where weights are converted anew for each small batch; Transformer Engine can keep them. It saves no memory. MXFP8 of Transformer Engine refuses compute capability 12.0 and up.',
      source: auditRow(16, 87, 88, 89, 90, 91, 92),
    },
    notOffered: 'It changes the model itself, not a setting: use torchao or Transformer Engine in your program.',
    workloads: ['matmul-bf16'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '2.5', capability: '8.9' }),
  snippet: () => 'from torchao.float8 import convert_to_float8_training\nmodel = convert_to_float8_training(model)',
});
