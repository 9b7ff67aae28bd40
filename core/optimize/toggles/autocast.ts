import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const autocast = defineToggle({
  toggle: {
    id: 'autocast',
    group: 'precision',
    title: 'Autocast',
    what: 'Matrix products, convolutions and attention of an FP32 model are computed in 16 bits; what needs range stays in FP32.',
    since: 'PyTorch 1.10',
    needs: ['compute capability 8.0 (BF16)'],
    risk: 'accuracy',
    changesResults: 'yes',
    means: 'code',
    values: [{ id: 'bf16', title: 'BF16' }, { id: 'fp16', title: 'FP16' }],
    applied: 'with torch.autocast(…) around forward and loss; FP16 training needs a GradScaler beside it.',
    undone: 'Leave the context manager out.',
    claim: {
      said: 'model.half() halves memory and is the optimisation for this card.',
      truth: 'True of the weights only; on GPUs since 2020 BF16 is the safer type, because it has the range of FP32. A model that was loaded in 16 bits gains nothing more.',
      source: auditRow(28, 44),
    },
    notOffered: null,
    workloads: ['training-step', 'matmul-fp32', 'convolution'],
  },
  inPython: 'code',
  decideAvailable: (facts, value) => decideTorchNeeds(facts, { torch: value === 'fp16' && facts.place === 'cpu' ? '2.3' : '1.10', on: 'any', capability: value === 'fp16' ? '7.0' : '8.0' }),
  snippet: (value) => (value === 'fp16'
    ? 'import torch\nscaler = torch.amp.GradScaler()  # for training\n\nwith torch.autocast("cuda", dtype=torch.float16):\n    loss = model(batch)\nscaler.scale(loss).backward()\nscaler.step(optimizer)\nscaler.update()'
    : 'import torch\n\nwith torch.autocast("cuda", dtype=torch.bfloat16):\n    loss = model(batch)\nloss.backward()'),
});
