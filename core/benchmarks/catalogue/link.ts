import { makeCase, type BenchmarkRecipe } from './benchmark-recipe.ts';

const MIB = 1024 ** 2;
const directions = [{ id: 'h2d', title: 'Host to device' }, { id: 'd2h', title: 'Device to host' }] as const;

export const link: BenchmarkRecipe = {
  name: 'link',
  title: 'Link to the processor',
  what: 'Copies between the memory of the machine and of the GPU: 256 MiB from pinned and from ordinary memory, and the time of a copy of 1 KiB.',
  engine: 'torch',
  aboutSeconds: 45,
  cases: [
    ...directions.flatMap(({ id, title }) => (['pinned', 'pageable'] as const).map((memory) => makeCase({
      id: `${id}-${memory}`, title: `${title}, ${memory}`, unit: 'GB/s', workUnit: 'byte', workPerRepetition: 256 * MIB,
      peak: memory === 'pinned' ? 'pcie' : null, workload: `host_copy:direction=${id},memory=${memory},bytes=${256 * MIB}`,
    }))),
    ...directions.map(({ id, title }) => makeCase({
      id: `${id}-latency`, title: `${title}, 1 KiB`, unit: 'µs', higherIsBetter: false, workUnit: 'call', workPerRepetition: 1,
      workload: `host_copy:direction=${id},memory=pinned,bytes=1024,unit=us`,
    })),
  ],
};
