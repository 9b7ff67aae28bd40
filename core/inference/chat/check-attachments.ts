import type { Attachment } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

/** The faces check too; this is what holds. As in contract/chat.ts. */
const MAX_CHARACTERS = 4_000_000;
const MAX_FILES = 32;

/** Only texts go into a prompt. `kept`: files that another message had already. @throws ProblemError `chat.attachment` */
export function checkAttachments(attachments: readonly Attachment[], kept = 0): void {
  const over = attachments[MAX_FILES - kept];
  if (over !== undefined) throw problemError('chat.attachment', { name: over.name.replace(/\p{Cc}/gu, ' ').slice(0, 120), detail: `${MAX_FILES} files are the most that go with a message` });
  for (const { name, text } of attachments) {
    const detail = decideAttachmentFault(text);
    if (detail !== null) throw problemError('chat.attachment', { name: name.replace(/\p{Cc}/gu, ' ').slice(0, 120), detail });
  }
}

/** Why this text cannot be attached; null: it can. */
export function decideAttachmentFault(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return `it has ${text.length.toLocaleString('en')} characters`;
  if (text.includes('\0')) return 'it has NUL bytes, so it is not a text file';
  if (!text.isWellFormed() || hasReplacements(text)) return 'it is not valid UTF-8';
  return null;
}

/** Bytes that were no UTF-8 became U+FFFD on the way; a few of them may stand in an honest text. */
function hasReplacements(text: string): boolean {
  const count = text.split('\uFFFD').length - 1;
  return count > 3 && count > text.length / 1000;
}
