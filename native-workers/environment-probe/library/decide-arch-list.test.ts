import { describe, expect, it } from 'vitest';
import type { LibraryCensus } from '../../../contract/environments.ts';
import { decideArchList, decideTorchArchList, isMainTorchLibrary } from './decide-arch-list.ts';

function census(path: string, counts: Record<string, number>): LibraryCensus {
  const code = Object.entries(counts).map(([arch, containers]) => ({ arch, kind: arch.startsWith('sm') ? ('sass' as const) : ('ptx' as const), containers, entries: containers, ptxIsa: null }));
  return { path, sizeBytes: 0, bytesRead: 0, format: 'elf', containers: 0, code, elsewhere: [], troubles: [] };
}

describe('decideArchList', () => {
  it.each<[string, Record<string, number>, string[] | null]>([
    ['nothing', {}, null],
    ['numbers, not letters, decide the order; PTX comes last', { sm_120: 4, compute_120: 4, sm_80: 4, compute_90: 4, sm_90: 4 }, ['sm_80', 'sm_90', 'sm_120', 'compute_90', 'compute_120']],
    ['half is enough, less is not', { sm_80: 10, sm_86: 5, sm_90: 4 }, ['sm_80', 'sm_86']],
    ['a variant is an architecture of its own', { sm_90: 100, sm_90a: 4, sm_100a: 100 }, ['sm_90', 'sm_100a']],
    ['torch 2.15.0', { sm_75: 476, sm_80: 476, sm_86: 476, sm_89: 1, sm_90: 476, sm_90a: 4, sm_100: 476, sm_100a: 59, sm_103f: 59, sm_120: 476, sm_120a: 1, sm_121a: 1 }, ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120']],
  ])('%s', (_, counts, list) => expect(decideArchList(census('x', counts))).toEqual(list));
});

describe('decideTorchArchList', () => {
  it('counts the halves of a split library together and leaves out the linear algebra library', () => {
    const libraries = [
      census('torch/lib/libtorch_cuda_cu.so', { sm_37: 221, sm_80: 287, sm_35: 50 }),
      census('torch/lib/libtorch_cuda_cpp.so', { sm_60: 82, sm_37: 65 }),
      census('torch/lib/libtorch_cuda_linalg.so', { sm_50: 900 }),
    ];
    expect(decideTorchArchList(libraries)).toEqual(['sm_37', 'sm_80']);
    expect(decideTorchArchList(libraries.slice(2))).toBeNull();
  });
  it.each([['torch/lib/libtorch_cuda.so', true], ['torch\\lib\\torch_cuda_cu.dll', true], ['torch_cuda_cpp.dll', true], ['libtorch_cuda_linalg.so', false], ['libtorch_nvshmem.so', false], ['libtorch_cuda.so.bak', false]])('%s', (path, main) => {
    expect(isMainTorchLibrary(path)).toBe(main);
  });
});
