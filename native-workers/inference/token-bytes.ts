/** GPT-2's way of writing bytes as letters: those that print stand for themselves, the others for 256 and up. */
const BYTE_OF_LETTER = ((): ReadonlyMap<string, number> => {
  const map = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte += 1) {
    const prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    map.set(String.fromCodePoint(prints ? byte : next++), byte);
  }
  return map;
})();

/** The bytes of a token, which may be a part of a character, from its entry in the vocabulary. `fallback`: its text. */
export function tokenBytes(entry: string | undefined, tokenizer: string | undefined, fallback: string): number[] {
  if (entry === undefined) return [...Buffer.from(fallback)];
  if (tokenizer === 'gpt2') {
    const bytes = [...entry].map((letter) => BYTE_OF_LETTER.get(letter));
    return bytes.some((byte) => byte === undefined) ? [...Buffer.from(entry)] : bytes.filter((byte) => byte !== undefined);
  }
  if (tokenizer === 'llama') {
    const [, hex] = /^<0x([0-9A-F]{2})>$/i.exec(entry) ?? [];
    return hex === undefined ? [...Buffer.from(entry.replaceAll('\u2581', ' '))] : [Number.parseInt(hex, 16)];
  }
  return [...Buffer.from(fallback)];
}
