/** Scripts that are written without spaces: each character is a word of its own, and what is sought a row of them. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;
const wordCharacter = /[\p{L}\p{N}]/u;
/** Of one text so much is indexed, characters. */
const MAX_INDEXED = 1_000_000;
const MAX_WORDS = 16;

/** A text as it goes into the index, which folds case and diacritics itself. */
export function indexText(text: string): string {
  return text.slice(0, MAX_INDEXED).normalize('NFC').replace(unspaced, ' $& ');
}

/** The words that are sought. */
export function splitQuery(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- control characters end SQLite's strings
  return text.replace(/[\u0000-\u001f\u007f"]/g, ' ').split(/\s+/u).filter((word) => wordCharacter.test(word)).slice(0, MAX_WORDS);
}

/** An FTS5 expression: every word must be there, each may go on. Each is quoted, so that nothing in it is an operator. */
export function makeMatch(words: readonly string[]): string {
  return words.map((word) => `"${indexText(word).trim()}"*`).join(' ');
}

/** Without case and diacritics; of the same length as `text`, unit for unit. */
export function foldUnits(text: string): string {
  let folded = '';
  for (const character of text) {
    // The first unit of the decomposition is the letter without its marks (Hangul decomposes into letters: left alone).
    const base = character >= '가' && character <= '힣' ? character : (character.normalize('NFD').replace(/[\u0300-\u036f]/g, '') || character);
    const lower = base.toLowerCase();
    folded += lower.length === character.length ? lower : character;
  }
  return folded;
}

const AROUND = 60;

/** The first of the words in the text with what stands around it; null: none of them is in it. */
export function findHit(text: string, words: readonly string[]): { readonly before: string; readonly hit: string; readonly after: string } | null {
  const folded = foldUnits(text);
  let at = Infinity;
  let length = 0;
  for (const word of words) {
    const place = findWord(folded, foldUnits(word.normalize('NFC')));
    if (place !== -1 && place < at) {
      at = place;
      length = word.normalize('NFC').length;
    }
  }
  if (at === Infinity) return null;
  const from = Math.max(0, at - AROUND);
  const to = Math.min(text.length, at + length + AROUND);
  const line = (part: string): string => part.toWellFormed().replace(/\s+/gu, ' ');
  return {
    before: `${from > 0 ? '…' : ''}${line(text.slice(from, at))}`,
    hit: line(text.slice(at, at + length)),
    after: `${line(text.slice(at + length, to))}${to < text.length ? '…' : ''}`,
  };
}

/** Where a word begins so; else where it stands at all; else where its letters do (`C++` is found as `c`). */
function findWord(text: string, word: string): number {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const before = text[at - 1];
    if (before === undefined || !wordCharacter.test(before) || word.search(unspaced) === 0) return at;
  }
  const anywhere = text.indexOf(word);
  const letters = /[\p{L}\p{N}]+/u.exec(word)?.[0];
  return anywhere === -1 && letters !== undefined && letters !== word ? findWord(text, letters) : anywhere;
}
