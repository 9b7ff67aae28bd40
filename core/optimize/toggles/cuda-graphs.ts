import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

export const cudaGraphs = defineToggle({
  toggle: {
    id: 'cuda_graphs',
    group: 'compiler',
    title: 'CUDA graphs',
    what: 'A step is recorded once and replayed as a whole, so that the processor does not launch each kernel.',
    since: 'PyTorch 1.10',
    needs: ['static shapes and addresses'],
    risk: 'stability',
    changesResults: 'no',
    means: 'code',
    values: onValue,
    applied: 'torch.cuda.CUDAGraph with torch.cuda.graph(…), or torch.compile(mode="reduce-overhead").',
    undone: 'Leave the recording out.',
    claim: { said: '0.46 ms for a 2048³ product is maximum performance.', truth: 'Others measure 65 to 71 TFLOPS at that size on an RTX 5090, which is 0.25 ms: the rest is launch, low clocks and no warm-up. Graphs remove launch time: much for small kernels, nothing for large ones. They cost a memory pool of their own.', source: auditRow(52, 53) },
    notOffered: null,
    workloads: ['matmul-small', 'training-step-bf16'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.10' }),
  snippet: () => 'import torch\ngraph = torch.cuda.CUDAGraph()\n# run the step three times on a side stream first\nwith torch.cuda.graph(graph):\n    output = model(static_input)\nstatic_input.copy_(batch)\ngraph.replay()',
});
