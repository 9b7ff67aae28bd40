/** Names that Windows keeps for devices. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name that a page suggests for a file → one that is a plain name on every system, never a path. */
export function parseSafeFileName(suggested: string): string {
  // eslint-disable-next-line no-control-regex
  const plain = suggested.replace(/[\u0000-\u001f<>:"/\\|?*\u007f]/g, '-').replace(/^[.\s-]+|[.\s]+$/g, '').slice(0, 120).replace(/[.\s]+$/, '');
  return plain === '' || RESERVED.test(plain) ? `warpdeck-${plain || 'export'}` : plain;
}
