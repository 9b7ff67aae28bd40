import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const memoryFraction = defineToggle({
  toggle: {
    id: 'memory_fraction',
    group: 'memory',
    title: 'Memory fraction',
    what: 'A cap on what PyTorch may take of the GPU\'s memory. Over it, it runs out of memory earlier.',
    since: 'PyTorch 1.8',
    needs: [],
    risk: 'memory',
    changesResults: 'no',
    means: 'code',
    values: [{ id: '0.9', title: '90 %' }, { id: '0.5', title: '50 %' }],
    applied: 'torch.cuda.set_per_process_memory_fraction(0.9).',
    undone: 'Leave the line out.',
    claim: {
      said: 'It pre-allocates 90 %, enables memory mapping, and models load 2 to 3× faster. Over 90 % use is the goal.',
      truth: 'It reserves nothing and speeds up nothing; loading does not know of it. Full memory is not speed.',
      source: auditRow(34, 35, 36, 39, 41, 58),
    },
    notOffered: 'It is a cap, not an optimisation. It is worth a line in your program only to leave room for a display.',
    workloads: ['training-step-bf16', 'matmul-fp32'],
  },
  inPython: 'hook',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.8' }),
  snippet: (value) => `import torch\ntorch.cuda.set_per_process_memory_fraction(${value === '0.5' ? '0.5' : '0.9'})`,
});
