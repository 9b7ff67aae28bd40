import type { LibraryCensus } from '../../../contract/environments.ts';
import type { CensusCache } from './census-cache.ts';
import { createCodeTally } from './code-tally.ts';
import { openLibraryFile, type LibraryFile } from './library-file.ts';
import { readSectionTable } from './section-table.ts';
import type { Section } from './section.ts';
import { createTroubleList } from './trouble-list.ts';
import { findContainer, isContainer, walkContainers } from './walk-containers.ts';

/** Where the linker puts device code that the program loads; in PE the names are cut to eight characters. */
const CODE_SECTIONS: readonly string[] = ['.nv_fatbin', '__nv_relfatbin', '.nv_fatb', '__nv_rel'];
const LARGE_DATA = /^\.l(?:ro)?data(?:\.|$)/;
/** A census reads some 0.02 % of a library. The limit is for files made to be read for ever. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_SHARE = 0.02;

/**
 * What a shared library carries for GPUs, from the headers of its device code: some 3,000 reads of 80 bytes for
 * libtorch_cuda, 10 to 25 ms when they are cached. Whatever the file is, there is a census: what is wrong with it is in
 * its `troubles`. `relativePath` is only what the census is called. With a cache identical files are read once; then
 * `bytesRead` is what it took to know that they are identical.
 */
export async function readLibraryCensus(path: string, relativePath: string, cache?: CensusCache): Promise<LibraryCensus> {
  const opened = openLibraryFile(path, (sizeBytes) => Math.max(MOST_BYTES, sizeBytes * MOST_SHARE));
  if ('trouble' in opened) return { ...noCensus, path: relativePath, troubles: [opened.trouble] };
  const { file } = opened;
  try {
    const answer = cache === undefined ? await readCensus(file) : (await cache.once('census', file, () => readCensus(file))).value;
    return { ...answer, path: relativePath, bytesRead: file.bytesRead() };
  } finally {
    file.close();
  }
}

const noCensus: LibraryCensus = { path: '', sizeBytes: 0, bytesRead: 0, format: 'unknown', containers: 0, code: [], elsewhere: [], troubles: [] };

async function readCensus(file: LibraryFile): Promise<LibraryCensus> {
  const troubles = createTroubleList();
  const counted = createCodeTally();
  const elsewhere = createCodeTally();
  const { format, sections } = readSectionTable(file, troubles);
  const walked = new Set<number>();
  for (const section of sections) {
    if (walked.has(section.offset)) continue;
    const counts = CODE_SECTIONS.includes(section.name);
    const from = counts ? 0 : findElsewhere(file, section);
    if (from === null) continue;
    walked.add(section.offset);
    await walkContainers(file, section, counts ? counted : elsewhere, troubles, { from, mixed: !counts });
  }
  const refused = file.refused();
  if (refused !== null) troubles.note(refused);
  if (file.hasChanged()) troubles.note('The file was changed while it was read.');
  return { ...noCensus, sizeBytes: file.sizeBytes, format, containers: counted.containers(), code: counted.code(), elsewhere: elsewhere.code(), troubles: troubles.list() };
}

/**
 * Where device code begins in a section that is not made for it. Only the start is looked at: the large-model data
 * sections (torch 2.15, cuFFT) have it there behind at most some tables, other sections begin with it or have none.
 */
function findElsewhere(file: LibraryFile, section: Section): number | null {
  if (LARGE_DATA.test(section.name)) return findContainer(file, section, 0);
  return section.sizeBytes >= 16 && isContainer(file.view(section.offset, 16) ?? Buffer.alloc(0)) ? 0 : null;
}
