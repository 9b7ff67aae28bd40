import type { LibraryCensus } from '../../../contract/environments.ts';

/** Of the containers that the most frequent architecture is in. It gave the flags string on all CUDA wheels read. */
const MAJORITY = 0.5;

/**
 * The architectures that a library was built for: those that at least half as many containers carry as carry the most
 * frequent one. A few kernels are built for others besides (90a, 100a), which does not make the library run there.
 * SASS by number, then PTX by number, as torch itself lists them; null when there is no device code. Only for the main
 * library: others are mixed from several builds.
 */
export function decideArchList(census: Pick<LibraryCensus, 'code'>): string[] | null {
  const most = Math.max(0, ...census.code.map((code) => code.containers));
  if (most === 0) return null;
  return census.code
    .filter((code) => code.containers >= most * MAJORITY)
    .sort((a, b) => b.kind.localeCompare(a.kind) || archNumber(a.arch) - archNumber(b.arch) || a.arch.localeCompare(b.arch))
    .map((code) => code.arch);
}

/** The same of torch's main library, where it is split of both parts together; null when no main library is given. */
export function decideTorchArchList(libraries: readonly LibraryCensus[]): string[] | null {
  return decideArchList({ code: uniteCode(libraries.filter((library) => isMainTorchLibrary(library.path))) });
}

/** libtorch_cuda, or its halves of torch 1.8 to 1.13; not the linear algebra library, which is built for others. */
export function isMainTorchLibrary(path: string): boolean {
  return /^(?:lib)?torch_cuda(?:_cu|_cpp)?\.(?:so|dll)$/.test(path.replace(/^.*[\\/]/, ''));
}

function uniteCode(libraries: readonly LibraryCensus[]): LibraryCensus['code'] {
  const united = new Map<string, LibraryCensus['code'][number]>();
  for (const code of libraries.flatMap((library) => library.code)) {
    const known = united.get(code.arch);
    united.set(code.arch, known === undefined ? code : { ...known, containers: known.containers + code.containers, entries: known.entries + code.entries });
  }
  return [...united.values()];
}

const archNumber = (arch: string): number => Number(/\d+/.exec(arch)?.[0] ?? 0);
