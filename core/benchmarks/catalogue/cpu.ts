import { makeCase, type BenchmarkRecipe } from './benchmark-recipe.ts';

const N = 1024;
const threads = [{ id: 'one', title: 'one thread' }, { id: 'half', title: 'half of the threads' }, { id: 'all', title: 'all threads' }] as const;

export const cpu: BenchmarkRecipe = {
  name: 'cpu',
  title: 'Processor',
  what: 'What runs when there is no GPU: an FP32 matrix product of 1,024 and attention on one, half and all threads of the processor.',
  engine: 'torch',
  aboutSeconds: 60,
  cases: threads.flatMap((one) => [
    makeCase({
      id: `matmul-${one.id}`, title: `Matrix product, ${one.title}`, unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * N ** 3, onGpu: false, onCpu: true, threads: one.id,
      numpy: true, workload: `cpu_matmul:dtype=fp32,n=${N}`,
    }),
    makeCase({
      id: `attention-${one.id}`, title: `Attention, ${one.title}`, unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * 8 * 512 ** 2 * 64, onGpu: false, onCpu: true, threads: one.id,
      workload: 'cpu_attention:dtype=fp32,batch=1,heads=8,length=512,dim=64,causal=1',
    }),
  ]),
};
