import { readElfSections } from './elf-sections.ts';
import type { LibraryFile } from './library-file.ts';
import { readPeSections } from './pe-sections.ts';
import type { Section } from './section.ts';
import type { TroubleList } from './trouble-list.ts';

export interface SectionTable {
  readonly format: 'elf' | 'pe' | 'unknown';
  readonly sections: readonly Section[];
}

/** The sections of an ELF or PE library, by its first bytes. What is wrong with it goes to `troubles`. */
export function readSectionTable(file: LibraryFile, troubles: TroubleList): SectionTable {
  const start = file.view(0, 4);
  if (start?.readUInt32BE(0) === 0x7f454c46) return { format: 'elf', sections: readElfSections(file, troubles) };
  if (start?.readUInt16BE(0) === 0x4d5a) return { format: 'pe', sections: readPeSections(file, troubles) };
  troubles.note(file.sizeBytes === 0 ? 'The file is empty.' : 'This is no library in ELF or PE format.');
  return { format: 'unknown', sections: [] };
}
