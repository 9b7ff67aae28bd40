import type { Attachment } from '../../../../contract/chat.ts';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../../contract/problem.ts';
import { plainText } from '../../../ui/plain-text.ts';

/** As the contract allows. */
export const MOST_ATTACHMENTS = 32;
export const ATTACHMENT_BYTES = 4_000_000;

export interface ReadFiles {
  readonly attachments: readonly Attachment[];
  /** The first that could not be attached, and why. */
  readonly problem: Problem | null;
}

/** What bytes are as text: UTF-8 or UTF-16 with its mark, without NUL; else why not. Pure. */
export function parseTextFile(bytes: Uint8Array): { readonly text: string } | { readonly why: string } {
  if (bytes.length > ATTACHMENT_BYTES) return { why: `it has ${Math.ceil(bytes.length / 1_000_000)} MB.` };
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
  try {
    const text = new TextDecoder(utf16 ?? 'utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? { why: 'it is not text.' } : { text };
  } catch {
    return { why: 'it is not text in UTF-8.' };
  }
}

/** Reads files that were chosen, dropped or pasted, as far as they are text and there is room. */
export async function readAttachments(files: readonly File[], already: number): Promise<ReadFiles> {
  const attachments: Attachment[] = [];
  let problem: Problem | null = null;
  const refuse = (file: File, detail: string): void => {
    problem ??= makeProblem('chat.attachment', { name: plainText(file.name).slice(0, 255), detail });
  };
  for (const file of files) {
    if (already + attachments.length >= MOST_ATTACHMENTS) {
      refuse(file, `there are ${MOST_ATTACHMENTS} files already.`);
      break;
    }
    if (file.size > ATTACHMENT_BYTES) {
      refuse(file, `it has ${Math.ceil(file.size / 1_000_000)} MB.`);
      continue;
    }
    try {
      const read = parseTextFile(new Uint8Array(await file.arrayBuffer()));
      if ('text' in read) attachments.push({ name: (file.name || 'pasted.txt').slice(0, 255), text: read.text });
      else refuse(file, read.why);
    } catch {
      // A folder that was dropped looks like a file until it is read.
      refuse(file, 'it cannot be read.');
    }
  }
  return { attachments, problem };
}
