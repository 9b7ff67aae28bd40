/** Characters of a title that is made; of one that is given. */
const MADE = 60;
const GIVEN = 200;
/** What a conversation is called before anything was said. */
export const UNTITLED = 'New conversation';

/** The first words of the first message; of a message of files, their names. */
export function makeTitle(content: string, attachmentNames: readonly string[]): string {
  const line = oneLine(content.slice(0, 4 * GIVEN).replace(/^[\s#>*`~_-]+/u, ''));
  return shorten(line !== '' ? line : oneLine(attachmentNames.join(', ')), MADE) || UNTITLED;
}

/** A title as somebody gave it; null: nothing is left of it. */
export function givenTitle(title: string): string | null {
  return shorten(oneLine(title.slice(0, 4 * GIVEN)), GIVEN) || null;
}

const oneLine = (text: string): string => text.toWellFormed().replace(/[\p{Cc}\p{Z}\s]+/gu, ' ').trim();

/** Cut at the end of a word where there is one in the second half, never within a character that is seen as one. */
function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  let cut = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (cut.length + segment.length > most) break;
    cut += segment;
  }
  const space = cut.lastIndexOf(' ');
  return `${(space > most / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
