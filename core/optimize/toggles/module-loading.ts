import { decideTorchNeeds } from './availability.ts';
import { defineToggle } from './toggle-definition.ts';

export const moduleLoading = defineToggle({
  toggle: {
    id: 'module_loading',
    group: 'memory',
    title: 'Module loading',
    what: 'Whether CUDA loads a kernel when it is first used (lazy, the default) or all of them at the start.',
    since: 'CUDA 11.7',
    needs: [],
    risk: 'memory',
    changesResults: 'no',
    means: 'variable',
    values: [{ id: 'eager', title: 'All at the start' }],
    applied: 'CUDA_MODULE_LOADING=EAGER at the start of the program.',
    undone: 'Start the program without the variable.',
    claim: { said: 'Set CUDA_MODULE_LOADING=LAZY to save memory.', truth: 'Lazy is the default, and PyTorch sets it itself. Measured: eager takes 1260 MiB and 4.0 s to start, lazy 620 MiB and 2.6 s.', source: 'measured on an H200, PyTorch 2.11; pytorch-compat, section 7.2' },
    notOffered: 'The default is the better one.',
    workloads: ['matmul-fp32'],
  },
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.13' }),
  variables: () => ({ CUDA_MODULE_LOADING: 'EAGER' }),
  snippet: () => 'export CUDA_MODULE_LOADING=EAGER',
});
