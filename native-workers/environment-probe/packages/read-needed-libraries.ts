import { readElfSections } from '../library/elf-sections.ts';
import { openLibraryFile, readU64 } from '../library/library-file.ts';
import { createTroubleList } from '../library/trouble-list.ts';

/** elf.h: Elf64_Dyn is 16 bytes; DT_NEEDED is tag 1. */
const ENTRY_BYTES = 16;
const DT_NEEDED = 1;
const MAX_DYNAMIC_BYTES = 16 * 1024;
const MAX_BYTES = 1024 * 1024;
const MAX_NEEDED = 100;

/** Names of the libraries that an ELF library is linked with; empty for anything else. A few kilobytes are read. */
export function readNeededLibraries(path: string): { names: string[]; bytesRead: number } {
  const opened = openLibraryFile(path, () => MAX_BYTES);
  if ('trouble' in opened) return { names: [], bytesRead: 0 };
  const { file } = opened;
  try {
    if (file.view(0, 4)?.readUInt32BE(0) !== 0x7f454c46) return { names: [], bytesRead: file.bytesRead() };
    const sections = readElfSections(file, createTroubleList());
    const dynamic = sections.find((section) => section.name === '.dynamic');
    const strings = sections.find((section) => section.name === '.dynstr');
    const table = dynamic === undefined ? null : file.view(dynamic.offset, Math.min(dynamic.sizeBytes, MAX_DYNAMIC_BYTES));
    const offsets: number[] = [];
    for (let at = 0; table !== null && at + ENTRY_BYTES <= table.length && offsets.length < MAX_NEEDED; at += ENTRY_BYTES) {
      if (readU64(table, at) === DT_NEEDED) offsets.push(readU64(table, at + 8));
    }
    const names: string[] = [];
    for (const offset of offsets) {
      if (strings === undefined || offset >= strings.sizeBytes) continue;
      const bytes = file.view(strings.offset + offset, Math.min(128, strings.sizeBytes - offset));
      const end = bytes?.indexOf(0) ?? -1;
      if (bytes !== null && end > 0) names.push(bytes.toString('latin1', 0, end));
    }
    return { names, bytesRead: file.bytesRead() };
  } finally {
    file.close();
  }
}
