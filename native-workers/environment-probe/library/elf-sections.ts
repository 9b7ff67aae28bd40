import { readU64, type LibraryFile } from './library-file.ts';
import { cutToFile, decodeSectionName, type Section } from './section.ts';
import { createTroubleList, type TroubleList } from './trouble-list.ts';

/** elf.h, Elf64_Ehdr and Elf64_Shdr. */
const FILE_HEADER_BYTES = 64;
const SECTION_HEADER_BYTES = 64;
const SHT_NOBITS = 8;
const SHN_XINDEX = 0xffff;
/** Real libraries have some thirty. */
const MOST_SECTIONS = 4096;
const MOST_NAME_BYTES = 256 * 1024;
const LONGEST_NAME_BYTES = 64;

/** Sections with bytes in the file, in the order of the table. */
export function readElfSections(file: LibraryFile, troubles: TroubleList): Section[] {
  const header = file.view(0, FILE_HEADER_BYTES);
  if (header === null) return refuse(troubles, 'The ELF header is cut off.');
  if (header[4] !== 2 || header[5] !== 1) return refuse(troubles, 'This is an ELF file, but not a 64-bit little-endian one.');
  const tableOffset = readU64(header, 40);
  const entryBytes = header.readUInt16LE(58);
  let count = header.readUInt16LE(60);
  let namesIndex = header.readUInt16LE(62);
  if (tableOffset === 0) return refuse(troubles, 'The file has no section table: its device code cannot be told.');
  if (entryBytes !== SECTION_HEADER_BYTES) return refuse(troubles, 'The section table has entries of an impossible size.');

  const first = file.view(tableOffset, SECTION_HEADER_BYTES);
  if (first === null) return refuse(troubles, 'The section table lies behind the end of the file: the file is cut off or damaged.');
  // More sections than fit the header are counted in the first entry.
  if (count === 0) count = readU64(first, 32);
  if (namesIndex === SHN_XINDEX) namesIndex = first.readUInt32LE(40);
  if (count > MOST_SECTIONS) return refuse(troubles, `The section table claims ${count} entries.`);
  const table = file.view(tableOffset, count * SECTION_HEADER_BYTES);
  if (table === null) return refuse(troubles, 'The section table ends behind the end of the file: the file is cut off or damaged.');

  const raw = Array.from({ length: count }, (_, i) => ({
    nameOffset: table.readUInt32LE(i * SECTION_HEADER_BYTES),
    type: table.readUInt32LE(i * SECTION_HEADER_BYTES + 4),
    offset: readU64(table, i * SECTION_HEADER_BYTES + 24),
    sizeBytes: readU64(table, i * SECTION_HEADER_BYTES + 32),
  }));
  const namesAt = raw[namesIndex];
  const names = namesAt === undefined ? null : file.view(namesAt.offset, Math.min(namesAt.sizeBytes, MOST_NAME_BYTES));
  if (names === null) return refuse(troubles, 'The names of the sections cannot be read.');

  return raw
    .filter((section) => section.type !== 0 && section.type !== SHT_NOBITS)
    .map((section) => ({ ...section, name: decodeSectionName(names.subarray(section.nameOffset, section.nameOffset + LONGEST_NAME_BYTES)) }))
    .map(({ name, offset, sizeBytes }) => cutToFile({ name, offset, sizeBytes }, file, troubles))
    .filter((section) => section !== null);
}

/** The linker's hash over the library's content (`.note.gnu.build-id`) in hex; null where there is none. */
export function readBuildId(file: LibraryFile): string | null {
  if (file.view(0, 4)?.readUInt32BE(0) !== 0x7f454c46) return null;
  const note = readElfSections(file, createTroubleList()).find((section) => section.name === '.note.gnu.build-id');
  // Elf64_Nhdr: name size, content size, type (3: NT_GNU_BUILD_ID), then `GNU\0` and the hash.
  const bytes = note === undefined || note.sizeBytes < 32 ? null : file.view(note.offset, Math.min(note.sizeBytes, 80));
  if (bytes === null || bytes.readUInt32LE(0) !== 4 || bytes.readUInt32LE(8) !== 3) return null;
  const length = bytes.readUInt32LE(4);
  return length < 16 || 16 + length > bytes.length ? null : bytes.subarray(16, 16 + length).toString('hex');
}

function refuse(troubles: TroubleList, text: string): Section[] {
  troubles.note(text);
  return [];
}
