import { makeCase, type BenchmarkRecipe } from './benchmark-recipe.ts';

const MIB = 1024 ** 2;

export const peer: BenchmarkRecipe = {
  name: 'peer',
  title: 'Between two GPUs',
  what: 'Copies from the memory of a GPU to that of the next one, over NVLink or PCIe as the driver chooses: 256 MiB and 1 GiB, and the time of a copy of 4 KiB.',
  engine: 'torch',
  aboutSeconds: 25,
  gpus: 2,
  cases: [
    ...[256, 1024].map((mib) => makeCase({
      id: `peer-${mib}-mib`, title: `GPU to GPU, ${mib < 1024 ? `${mib} MiB` : `${mib / 1024} GiB`}`, unit: 'GB/s', workUnit: 'byte', workPerRepetition: mib * MIB, workload: `peer_copy:bytes=${mib * MIB}`,
    })),
    makeCase({ id: 'peer-latency', title: 'GPU to GPU, 4 KiB', unit: 'µs', higherIsBetter: false, workUnit: 'call', workPerRepetition: 1, workload: 'peer_copy:bytes=4096,unit=us' }),
  ],
};
