import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const interopThreads = defineToggle({
  toggle: {
    id: 'interop_threads',
    group: 'cpu',
    title: 'Interop threads',
    what: 'How many operations of a scripted graph may run side by side on the processor.',
    since: 'PyTorch 1.2',
    needs: [],
    risk: 'none',
    changesResults: 'no',
    means: 'code',
    values: [{ id: '1', title: 'One' }, { id: '4', title: 'Four' }],
    applied: 'torch.set_num_interop_threads(N), before the first operation.',
    undone: 'Leave the line out.',
    claim: { said: 'Set interop threads for the processor fallback.', truth: 'It concerns torch.jit.fork and scripted graphs with parallel branches; an eager model has no such operations and does not change.', source: auditRow(45) },
    notOffered: null,
    workloads: ['cpu-matmul', 'cpu-attention'],
  },
  // Not by a hook: PyTorch takes it once, and a program that sets it itself would then fail.
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.2', on: 'cpu' }),
  snippet: (value) => `import torch\ntorch.set_num_interop_threads(${value === '4' ? '4' : '1'})  # before the first operation`,
});
