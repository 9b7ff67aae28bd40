import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

/** A share of the cores, as a number of threads. */
export function threadsOf(value: string, cores: number): number {
  if (value === '1') return 1;
  if (value === 'half') return Math.max(1, cores >> 1);
  return value === 'double' ? cores * 2 : cores;
}

export const threadValues = [{ id: '1', title: 'One' }, { id: 'half', title: 'Half the cores' }, { id: 'cores', title: 'One per core' }, { id: 'double', title: 'Two per core' }];

export const cpuThreads = defineToggle({
  toggle: {
    id: 'cpu_threads',
    group: 'cpu',
    title: 'Processor threads',
    what: 'How many threads one operation on the processor is divided over.',
    since: null,
    needs: [],
    risk: 'none',
    changesResults: 'rounding',
    means: 'variable',
    values: threadValues,
    applied: 'OMP_NUM_THREADS and MKL_NUM_THREADS at the start of the program, or torch.set_num_threads.',
    undone: 'Start the program without the variables.',
    claim: { said: 'All 32 threads for the processor fallback.', truth: 'Decoding on a processor waits for its memory: more threads than cores often lose (4 beat 7 in llama.cpp\'s own notes). PyTorch takes one per core by itself.', source: auditRow(45) },
    notOffered: null,
    workloads: ['cpu-matmul', 'cpu-attention'],
  },
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '1.0', on: 'cpu' }),
  variables: (value, { cores }) => ({ OMP_NUM_THREADS: String(threadsOf(value, cores)), MKL_NUM_THREADS: String(threadsOf(value, cores)) }),
  snippet: (value) => `# before the program starts (here: ${threadValues.find((one) => one.id === value)?.title.toLowerCase() ?? value})\nexport OMP_NUM_THREADS=N MKL_NUM_THREADS=N\n# or in the program: torch.set_num_threads(N)`,
});
