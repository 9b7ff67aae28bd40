/** Measured with this parser: under these a block takes some tens of milliseconds at most, on a busy machine. */
const LIMITS = { characters: 18_000, nesting: 16, indent: 96, marks: 600, brackets: 400, cells: 3000, columns: 64, items: 400, ticks: 400, addresses: 100 } as const;

/**
 * Whether a block may be given to the Markdown parser. Thousands of quote marks, nested lists, emphasis marks or
 * brackets cost it seconds or the stack; such a block is shown as it was written. One pass, linear. Pure.
 */
export function isSafeMarkdown(text: string): boolean {
  if (text.length > LIMITS.characters || (text.match(/www\.|:\/\/|@/gi)?.length ?? 0) > LIMITS.addresses) return false;
  let marks = 0;
  let brackets = 0;
  let ticks = 0;
  let cells = 0;
  let items = 0;
  let columns = 0;
  /** Before the first word of a line: quote marks, bullets, numbers and the space between them. */
  let leading = true;
  let nesting = 0;
  let indent = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\n') {
      leading = true;
      nesting = 0;
      indent = 0;
      columns = 0;
      continue;
    }
    if (leading) {
      if (c === ' ' || c === '\t') indent += c === '\t' ? 4 : 1;
      else if (c === '>') nesting += 1;
      else if ((c === '-' || c === '*' || c === '+') && /[ \t\n]/.test(text[i + 1] ?? '\n')) {
        nesting += 1;
        items += 1;
        if (indent > LIMITS.indent) return false;
      } else if (c !== undefined && c >= '0' && c <= '9') {
        const number = /^\d{1,9}[.)](?=[ \t\n]|$)/.exec(text.slice(i, i + 11))?.[0];
        if (number === undefined) leading = false;
        else {
          nesting += 1;
          items += 1;
          if (indent > LIMITS.indent) return false;
          i += number.length - 1;
          continue;
        }
      } else leading = false;
      if (nesting > LIMITS.nesting || items > LIMITS.items) return false;
    }
    if (c === '*' || c === '_' || c === '~') marks += 1;
    else if (c === '[' || c === ']' || c === '(' || c === '<') brackets += 1;
    else if (c === '`') ticks += 1;
    else if (c === '|') {
      cells += 1;
      columns += 1;
      if (columns > LIMITS.columns) return false;
    }
    if (marks > LIMITS.marks || brackets > LIMITS.brackets || ticks > LIMITS.ticks || cells > LIMITS.cells) return false;
  }
  return true;
}

/** Words only: what Markdown would make of it is one paragraph with these very characters. Pure. */
export function isPlainParagraph(text: string): boolean {
  return !/[\n\\`*_[\]<>#|~&@\ue000\ue001]|^\s|^(?:[-+=]|\d+[.)])|https?:|www\.| {2}$/i.test(text);
}
