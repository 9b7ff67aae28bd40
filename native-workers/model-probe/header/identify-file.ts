/** What a file is that is no GGUF, and what to do; by its first bytes. */
export interface FileKind {
  /** `a Git LFS pointer`; null: a GGUF. */
  readonly what: string | null;
  readonly remedy: string;
}

const AGAIN = 'Download the model file itself.';
const CONVERT = 'Get the model as a GGUF file: most are on Hugging Face with "GGUF" in their name.';

/** Looks at the first bytes of a file (512 are enough). Pure. */
export function identifyFile(head: Uint8Array, fileBytes: number): FileKind {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const is = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (text.startsWith('GGUF')) return { what: null, remedy: '' };
  if (fileBytes === 0) return { what: 'empty', remedy: AGAIN };
  if (text.startsWith('version https://git-lfs.github.com/spec/')) return { what: 'a Git LFS pointer (the text that stands for the file in a repository)', remedy: 'Run "git lfs pull" in that folder, or download the file itself.' };
  if (/^\s*(?:<!doctype html|<html|<\?xml|<head|<body)/i.test(text)) return { what: 'a web page', remedy: 'The server sent a page instead of the file, often because of a sign-in. Sign in there, then download again.' };
  if (is(0x50, 0x4b, 0x03, 0x04) || is(0x50, 0x4b, 0x05, 0x06)) return { what: 'a ZIP archive', remedy: 'Unpack it. A PyTorch checkpoint is such an archive too: then get the model as a GGUF file.' };
  if (is(0x1f, 0x8b) || is(0xfd, 0x37, 0x7a, 0x58) || is(0x28, 0xb5, 0x2f, 0xfd) || is(0x37, 0x7a, 0xbc, 0xaf)) return { what: 'a packed file', remedy: 'Unpack it; the model file is inside.' };
  if (isSafetensors(head)) return { what: 'a safetensors file', remedy: CONVERT };
  if (is(0x80, 0x02) || is(0x80, 0x04)) return { what: 'a Python pickle', remedy: `Do not open it: such files can run code. ${CONVERT}` };
  if (text.startsWith('lmgg') || text.startsWith('tjgg') || text.startsWith('fmgg')) return { what: 'a model in the format before GGUF', remedy: CONVERT };
  if (/^\s*[{[]/.test(text)) return { what: 'JSON text', remedy: AGAIN };
  if (head.every((byte) => byte === 0)) return { what: 'filled with zeros: a download that never got its content', remedy: 'Download it again.' };
  return { what: 'of an unknown kind', remedy: AGAIN };
}

/** Eight bytes of length, then JSON. */
function isSafetensors(head: Uint8Array): boolean {
  if (head.byteLength < 10) return false;
  const length = new DataView(head.buffer, head.byteOffset, head.byteLength).getBigUint64(0, true);
  return length > 2n && length < 200_000_000n && head[8] === 0x7b && (head[9] === 0x22 || head[9] === 0x20 || head[9] === 0x7d);
}
