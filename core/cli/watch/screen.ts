/**
 * The terminal's other screen, drawn by difference: only lines that changed are written, a frame in one write,
 * between the marks of synchronised output (mode 2026; terminals that do not know it ignore it).
 */
export interface Screen {
  enter(): void;
  /** Puts the terminal back as it was. Safe to call at any time, more than once. */
  leave(): void;
  draw(lines: readonly string[]): void;
  /** The next frame is drawn whole. */
  invalidate(): void;
}

const ESC = '\u001b[';

/**
 * The bytes that turn the old frame into the new one; empty when nothing changed. Pure. A line is erased before it is
 * written: after a line as wide as the screen the cursor stands on its last character, and erasing would take that.
 */
export function diffFrames(before: readonly string[] | null, next: readonly string[]): string {
  const changed = next.flatMap((line, i) => (before?.[i] === line ? [] : [`${ESC}${String(i + 1)};1H${ESC}2K${line}${ESC}0m`]));
  if (before === null) return `${ESC}?2026h${ESC}2J${changed.join('')}${ESC}?2026l`;
  const rest = before.length > next.length ? `${ESC}${String(next.length + 1)};1H${ESC}J` : '';
  return changed.length === 0 && rest === '' ? '' : `${ESC}?2026h${changed.join('')}${rest}${ESC}?2026l`;
}

export function createScreen(write: (text: string) => void): Screen {
  let shown: readonly string[] | null = null;
  let inside = false;
  return {
    enter() {
      if (inside) return;
      inside = true;
      shown = null;
      // Other screen, no cursor, no wrapping at the edge.
      write(`${ESC}?1049h${ESC}?25l${ESC}?7l`);
    },
    leave() {
      if (!inside) return;
      inside = false;
      write(`${ESC}?2026l${ESC}0m${ESC}?7h${ESC}?25h${ESC}?1049l`);
    },
    draw(lines) {
      if (!inside) return;
      const bytes = diffFrames(shown, lines);
      shown = lines;
      if (bytes !== '') write(bytes);
    },
    invalidate() {
      shown = null;
    },
  };
}
