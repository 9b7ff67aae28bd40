import { makeCase, type BenchmarkRecipe, type RunnableCase } from './benchmark-recipe.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** What is copied on the device is read and written: both count. */
export const deviceCopy = (bytes: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): RunnableCase => makeCase({
  id: `copy-${name(bytes)}`, title: `Copy, ${name(bytes)}`, unit: 'GB/s', workUnit: 'byte', workPerRepetition: 2 * bytes, peak: 'bytes', workload: `copy:bytes=${bytes}`, ...where,
});

/** a = b + s·c: two arrays are read and one is written. */
const triad = (bytes: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): RunnableCase => makeCase({
  id: `triad-${name(bytes)}`, title: `Triad, three times ${name(bytes)}`, unit: 'GB/s', workUnit: 'byte', workPerRepetition: 3 * bytes, peak: 'bytes', workload: `triad:bytes=${bytes}`, ...where,
});

const name = (bytes: number): string => (bytes >= GIB ? `${bytes / GIB} GiB` : `${bytes / MIB} MiB`);
const id = (recipe: RunnableCase): RunnableCase => ({ ...recipe, id: recipe.id.replace(' ', '-').toLowerCase() });

const gpu = { onGpu: true, onCpu: false };
const cpu = { onGpu: false, onCpu: true };

export const bandwidth: BenchmarkRecipe = {
  name: 'bandwidth',
  title: 'Memory bandwidth',
  what: 'Large arrays are copied and added in the memory of the device; bytes read and written over the time, 10⁹ bytes a second.',
  engine: 'torch',
  aboutSeconds: 35,
  cases: [deviceCopy(GIB, gpu), deviceCopy(4 * GIB, gpu), triad(GIB, gpu), deviceCopy(256 * MIB, cpu), triad(256 * MIB, cpu)].map(id),
};
