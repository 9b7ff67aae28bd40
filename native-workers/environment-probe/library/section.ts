import type { LibraryFile } from './library-file.ts';
import type { TroubleList } from './trouble-list.ts';

/** A part of a library that has bytes in the file; within the file's bounds. */
export interface Section {
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Cuts a section to what the file has of it; null when that is nothing. */
export function cutToFile(section: Section, file: LibraryFile, troubles: TroubleList): Section | null {
  const there = Math.min(section.sizeBytes, Math.max(0, file.sizeBytes - section.offset));
  if (there < section.sizeBytes) troubles.note(`Section ${section.name} ends behind the end of the file: the file is cut off or damaged.`);
  return there > 0 ? { ...section, sizeBytes: there } : null;
}

/** A section's name as text: only printable ASCII, so that a hostile one is harmless wherever it is shown. */
export function decodeSectionName(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end === -1 ? bytes.length : end).toString('latin1').replace(/[^\x21-\x7e]/g, '?');
}
