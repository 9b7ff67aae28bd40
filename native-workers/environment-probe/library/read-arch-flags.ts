import type { CensusCache } from './census-cache.ts';
import { openLibraryFile, type LibraryFile } from './library-file.ts';
import { readSectionTable } from './section-table.ts';
import type { Section } from './section.ts';
import { createTroubleList } from './trouble-list.ts';

export interface ArchFlags {
  /** The list that torch.cuda.get_arch_list() answers; null when there is none or it cannot be told. */
  flags: string[] | null;
  /** All that look like such a list, longest first. */
  candidates: string[][];
  bytesRead: number;
  troubles: string[];
}

/** Where compilers put string constants: ELF and its large-model twin, PE. */
const CONSTANTS = /^\.(?:l?rodata(?:\.|$)|rdata$)/;
/** libtorch_python has 1 MiB of them. */
const MOST_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** Real lists have up to ten architectures. */
const MOST_TOKENS = 64;
/** No list is longer: 64 × `compute_120a ` and its NUL. */
const OVERLAP_BYTES = 1024;
const token = '(?:sm|compute)_[0-9]{2,3}[af]?';
const list = new RegExp(`${token}(?: ${token}){0,${MOST_TOKENS - 1}}(?=\\0)`, 'g');
/** One architecture alone is a list only there: libtorch_cuda of 2.15 holds a lone `sm_100a` of another meaning. */
const holdsLoneFlag = /^(?:lib)?torch_python\./;

/**
 * Reads the compiled-in architecture list (CUDA_ARCH_FLAGS of torch/csrc/cuda/Module.cpp) out of the constants of
 * `libtorch_python.so` or `torch_python.dll`; a CPU build has none. Several architectures end in a NUL, but may follow
 * another constant directly; one alone has a NUL on both sides. Never throws.
 */
export async function readArchFlags(path: string, cache?: CensusCache): Promise<ArchFlags> {
  const opened = openLibraryFile(path, () => MOST_BYTES);
  if ('trouble' in opened) return { flags: null, candidates: [], bytesRead: 0, troubles: [opened.trouble] };
  const { file } = opened;
  const lone = holdsLoneFlag.test(path.replace(/^.*[\\/]/, ''));
  try {
    const read = (): Promise<ArchFlags> => searchFlags(file, lone);
    const answer = cache === undefined ? await read() : (await cache.once(lone ? 'lone flags' : 'flags', file, read)).value;
    return { ...answer, bytesRead: file.bytesRead() };
  } finally {
    file.close();
  }
}

async function searchFlags(file: LibraryFile, lone: boolean): Promise<ArchFlags> {
  const troubles = createTroubleList();
  const found = new Set<string>();
  for (const section of readSectionTable(file, troubles).sections) {
    if (CONSTANTS.test(section.name)) await searchSection(file, section, lone, found);
  }
  const candidates = [...found].map((text) => text.split(' ')).sort((a, b) => b.length - a.length);
  const flags = decideFlags(candidates);
  if (flags === null && candidates.length > 0) troubles.note('Several lists of architectures are of the same length: which one is meant cannot be told.');
  const refused = file.refused();
  if (refused !== null) troubles.note(refused);
  return { flags, candidates, bytesRead: 0, troubles: troubles.list() };
}

async function searchSection(file: LibraryFile, section: Section, lone: boolean, found: Set<string>): Promise<void> {
  for (let at = 0; at < section.sizeBytes; at += CHUNK_BYTES) {
    await file.breathe();
    // What begins in this chunk is read to its end; one byte before tells whether a NUL precedes.
    const from = Math.max(0, at - 1);
    const bytes = file.view(section.offset + from, Math.min(section.sizeBytes, at + CHUNK_BYTES + OVERLAP_BYTES) - from);
    if (bytes === null) return;
    for (const match of bytes.toString('latin1').matchAll(list)) {
      const several = match[0].includes(' ');
      if ((several || (lone && match.index > 0 && bytes[match.index - 1] === 0)) && found.size < MOST_TOKENS) found.add(match[0]);
    }
  }
}

/** The longest list, unless another one is as long. Pure. */
export function decideFlags(candidates: readonly (readonly string[])[]): string[] | null {
  const [first, second] = [...candidates].sort((a, b) => b.length - a.length);
  return first === undefined || second?.length === first.length ? null : [...first];
}
