/** Names what a server sent instead of a model, from its first bytes. Pure. */
export function describeBody(bytes: Buffer, contentType: string | undefined): string {
  if (bytes.length === 0) return 'an empty file';
  const text = bytes.toString('utf8', 0, Math.min(bytes.length, 65_536));
  const start = text.slice(0, 512).trimStart().toLowerCase();
  if (/^(?:<!doctype html|<html|<head|<body)/.test(start) || (contentType ?? '').startsWith('text/html')) {
    const title = /<title[^>]{0,200}>([^<]{1,200})<\/title>/i.exec(text)?.[1]?.replaceAll(/[\p{C}\s]+/gu, ' ').trim();
    return title === undefined || title === '' ? 'a web page' : `a web page, "${title.slice(0, 100)}"`;
  }
  if (text.startsWith('version https://git-lfs')) return 'a pointer of Git LFS, which only names the file';
  if (bytes.toString('latin1', 0, 4) === 'PK\u0003\u0004') return 'a zip archive';
  if (start.startsWith('{') || start.startsWith('[')) return 'JSON text';
  if (start.startsWith('<?xml')) return 'an XML document';
  return 'a file that is not GGUF';
}
