import type { CodeTally } from './code-tally.ts';
import { readU64, type LibraryFile } from './library-file.ts';
import type { Section } from './section.ts';
import type { TroubleList } from './trouble-list.ts';

/** The layout is nowhere published; these values were measured on torch, cuDNN, cuBLAS and NCCL libraries. */
const CONTAINER_MAGIC = 0xba55ed50;
const CONTAINER_HEADER_BYTES = 16;
const ENTRY_HEADER_BYTES = 64;
/** Beside the 64 fixed bytes: the name and, for PTX, the assembler's options. */
const LONGEST_ENTRY_HEADER_BYTES = 64 * 1024;
/** Linkers pad by up to 8 bytes (ELF) or 16 (PE); more zeros than a page are not padding. */
const MOST_PADDING_BYTES = 4096;
/** So far a container is looked for behind something that is none, and so often in a section. */
const SEARCH_BYTES = 64 * 1024;
const MOST_SEARCHES = 16;

export interface WalkOptions {
  /** Where in the section the first container is. */
  readonly from: number;
  /** Other data may lie between the containers: no fault, but what lies behind much of it is not counted. */
  readonly mixed: boolean;
}

/**
 * Counts the code in a section of containers by the headers alone: a container is a header and entries, an entry a
 * header and a payload, one behind the other. Every size is held against the section. What does not fit is noted, and
 * the walk goes on at the container's end or at the next container within 64 KiB.
 */
export async function walkContainers(file: LibraryFile, section: Section, tally: CodeTally, troubles: TroubleList, options: WalkOptions = { from: 0, mixed: false }): Promise<void> {
  const end = section.sizeBytes;
  const where = (at: number): string => `byte ${at} of section ${section.name}`;
  let at = options.from;
  let searches = 0;
  while (at < end) {
    await file.breathe();
    const head = file.view(section.offset + at, Math.min(CONTAINER_HEADER_BYTES, end - at));
    if (head === null) return noteRefusal(file, troubles);
    if (isContainer(head)) {
      const claimed = at + CONTAINER_HEADER_BYTES + readU64(head, 8);
      if (claimed > end) troubles.note(`The container at ${where(at)} is longer than what is left of the section.`);
      tally.beginContainer();
      const walked = await walkEntries(file, section, { from: at + CONTAINER_HEADER_BYTES, end: Math.min(claimed, end) }, tally, troubles);
      if (walked === null) return noteRefusal(file, troubles);
      at = alignUp(section, walked);
      continue;
    }
    const padding = countZeros(file, section, at);
    if (at + padding >= end) return;
    if (padding > 0 && padding < MOST_PADDING_BYTES) {
      at += padding;
      continue;
    }
    if (searches++ === 0 && !options.mixed) troubles.note(`At ${where(at)} there is no container where one should be.`);
    const next = padding < MOST_PADDING_BYTES && searches <= MOST_SEARCHES ? findContainer(file, section, at) : null;
    if (next === null) {
      if (!options.mixed) troubles.note(`The last ${end - at} bytes of section ${section.name} were not read: no container is in sight.`);
      else if (end - at > SEARCH_BYTES) troubles.note(`Section ${section.name} holds device code among other data; it was counted only as far as byte ${at} of ${end}.`);
      return;
    }
    at = next;
  }
}

/** Position behind the last entry that is known; null when the file could not be read on. */
async function walkEntries(file: LibraryFile, section: Section, span: { from: number; end: number }, tally: CodeTally, troubles: TroubleList): Promise<number | null> {
  let at = span.from;
  while (at < span.end) {
    await file.breathe();
    const where = `byte ${at} of section ${section.name}`;
    if (span.end - at < ENTRY_HEADER_BYTES) {
      troubles.note(`The entry at ${where} is cut off.`);
      return span.end;
    }
    const header = file.view(section.offset + at, ENTRY_HEADER_BYTES);
    if (header === null) return null;
    if (isContainer(header)) {
      troubles.note(`The container before ${where} is shorter than it says.`);
      return at;
    }
    const next = at + header.readUInt32LE(4) + readU64(header, 8);
    if (header.readUInt32LE(4) < ENTRY_HEADER_BYTES || header.readUInt32LE(4) > LONGEST_ENTRY_HEADER_BYTES || next > span.end) {
      troubles.note(`The entry at ${where} has an impossible size.`);
      return span.end;
    }
    const possible = tally.add({
      kind: header.readUInt16LE(0),
      arch: header.readUInt32LE(28),
      flags: header.readUInt32LE(40),
      major: header.readUInt16LE(26),
      minor: header.readUInt16LE(24),
    });
    if (!possible) troubles.note(`The entry at ${where} is for an architecture that cannot be.`);
    at = next;
  }
  return at;
}

/** True also tells that the header is whole. */
export function isContainer(bytes: Buffer): boolean {
  return bytes.length >= CONTAINER_HEADER_BYTES && bytes.readUInt32LE(0) === CONTAINER_MAGIC && bytes.readUInt16LE(4) === 1 && bytes.readUInt16LE(6) === CONTAINER_HEADER_BYTES;
}

/** Zeros from here on, up to an aligned place, at most MOST_PADDING_BYTES; a shorter rest of the section counts. */
function countZeros(file: LibraryFile, section: Section, at: number): number {
  const most = Math.min(MOST_PADDING_BYTES, section.sizeBytes - at);
  // A container may begin eight bytes further on: only when it does not, a page is looked at.
  for (const length of [Math.min(16, most), most]) {
    const bytes = file.view(section.offset + at, length);
    if (bytes === null) return 0;
    const other = bytes.findIndex((byte) => byte !== 0);
    if (other !== -1) return Math.max(0, other - ((section.offset + at + other) % 8));
  }
  return most;
}

/** The next aligned container within `SEARCH_BYTES` of `at`, as a position in the section; null when there is none. */
export function findContainer(file: LibraryFile, section: Section, at: number): number | null {
  const start = alignUp(section, at);
  const length = Math.min(SEARCH_BYTES, section.sizeBytes - start);
  const bytes = length < CONTAINER_HEADER_BYTES ? null : file.view(section.offset + start, length);
  if (bytes === null) return null;
  for (let n = 0; n + CONTAINER_HEADER_BYTES <= length; n += 8) if (isContainer(bytes.subarray(n, n + CONTAINER_HEADER_BYTES))) return start + n;
  return null;
}

/** Containers are aligned to eight bytes in the file; the section around them need not be. */
function alignUp(section: Section, at: number): number {
  return Math.min(section.sizeBytes, Math.ceil((section.offset + at) / 8) * 8 - section.offset);
}

function noteRefusal(file: LibraryFile, troubles: TroubleList): void {
  troubles.note(file.refused() ?? 'The file could not be read to its end.');
}
