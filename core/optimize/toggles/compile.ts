import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const compile = defineToggle({
  toggle: {
    id: 'compile',
    group: 'compiler',
    title: 'torch.compile',
    what: 'The model is translated into fused kernels. The first call takes long, and each new shape may again.',
    since: 'PyTorch 2.0',
    needs: ['triton', 'compute capability 7.0', 'a C compiler'],
    risk: 'stability',
    changesResults: 'rounding',
    means: 'code',
    values: [
      { id: 'default', title: 'Default' },
      { id: 'reduce-overhead', title: 'Reduce overhead (with CUDA graphs)' },
      { id: 'max-autotune-no-cudagraphs', title: 'Search for the fastest kernels' },
    ],
    applied: 'model = torch.compile(model, mode=…).',
    undone: 'Leave the line out, or TORCH_COMPILE_DISABLE=1.',
    claim: {
      said: 'cache_size_limit = 1000 optimises it; with FP8 it is 8 % slower.',
      truth: 'That limit (now recompile_limit, 8) only allows more translations and can hide that every call translates anew. GPT-2 class training on an H200: compiled 1.63× eager. With FP8 it depends on whether the replaced layers can be translated. Mind the time of the first step when a run is short.',
      source: auditRow(37, 92),
    },
    notOffered: null,
    workloads: ['training-step-bf16', 'training-step', 'generate'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '2.0', on: 'any', capability: '7.0' }) ?? (facts.triton === false && facts.place !== 'cpu' ? 'Triton is not installed in this environment.' : null),
  snippet: (value) => (value === 'default' ? 'import torch\nmodel = torch.compile(model)' : `import torch\nmodel = torch.compile(model, mode="${value}")`),
});
