import type { LibraryFile } from './library-file.ts';
import { cutToFile, decodeSectionName, type Section } from './section.ts';
import type { TroubleList } from './trouble-list.ts';

/** winnt.h: IMAGE_DOS_HEADER.e_lfanew, IMAGE_FILE_HEADER, IMAGE_SECTION_HEADER. */
const DOS_HEADER_BYTES = 64;
const FILE_HEADER_BYTES = 24;
const SECTION_HEADER_BYTES = 40;

/** Sections with bytes in the file. Names are cut to eight characters by the format. */
export function readPeSections(file: LibraryFile, troubles: TroubleList): Section[] {
  const signatureAt = file.view(0, DOS_HEADER_BYTES)?.readUInt32LE(60) ?? null;
  if (signatureAt === null) return refuse(troubles, 'The DOS header is cut off.');
  const header = file.view(signatureAt, FILE_HEADER_BYTES);
  if (header?.readUInt32BE(0) !== 0x50450000) return refuse(troubles, 'This begins like a Windows program, but has no PE header.');
  const count = header.readUInt16LE(6);
  const tableOffset = signatureAt + FILE_HEADER_BYTES + header.readUInt16LE(20);
  const table = file.view(tableOffset, count * SECTION_HEADER_BYTES);
  if (table === null) return refuse(troubles, 'The section table ends behind the end of the file: the file is cut off or damaged.');

  return Array.from({ length: count }, (_, i) => table.subarray(i * SECTION_HEADER_BYTES, (i + 1) * SECTION_HEADER_BYTES))
    .map((entry) => {
      const inMemory = entry.readUInt32LE(8), onDisk = entry.readUInt32LE(16);
      // On disk a section is padded to the file alignment; in memory it may go on in zeros.
      return { name: decodeSectionName(entry.subarray(0, 8)), offset: entry.readUInt32LE(20), sizeBytes: inMemory === 0 ? onDisk : Math.min(inMemory, onDisk) };
    })
    .map((section) => cutToFile(section, file, troubles))
    .filter((section) => section !== null);
}

function refuse(troubles: TroubleList, text: string): Section[] {
  troubles.note(text);
  return [];
}
