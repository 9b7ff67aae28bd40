import { cleanText, displayWidth } from '../display-width.ts';
import { formatGib } from '../format-values.ts';
import { fitLine, lineWidth, span, type Line, type Style } from './line.ts';
import type { Dialog, WatchState } from './watch-state.ts';

/** Words on lines of at most `width` cells; a word that is longer is broken. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((w) => w !== '')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) <= width) line += ` ${word}`;
    else {
      if (line !== '') lines.push(line);
      line = word;
    }
    while (displayWidth(line) > width) {
      let head = '';
      for (const character of line) {
        if (displayWidth(head + character) > width) break;
        head += character;
      }
      if (head === '') break;
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

const helpRows: readonly (readonly [string, string])[] = [
  ['↑ ↓', 'choose a process (also j k, PgUp PgDn, Home End)'], ['g', 'next GPU: its course and its processes alone'], ['s', 'sort: memory, SM, GPU, process number, running time'],
  ['t', 'ask the chosen process to end; asks back'], ['K', 'end it by force; asks back'], ['p', 'stop and go on (also Space)'], ['r', 'range: 1, 5, 15 min, 1 h'], ['Esc', 'nothing chosen, all GPUs'], ['Ctrl+L', 'draw anew'], ['q', 'quit (also Ctrl+C)'],
];

function dialogLines(dialog: Dialog, width: number): { readonly title: string; readonly style: Style; readonly lines: readonly Line[] } {
  const text = (words: string): readonly Line[] => wrapText(words, width).map((line) => [span(line)]);
  switch (dialog.kind) {
    case 'help': return { title: 'Keys', style: 'title', lines: [...helpRows.map(([key, does]) => [span(key.padEnd(8), 'key'), span(does)]), [], [span('Esc', 'key'), span(' closes this', 'quiet')]] };
    case 'message': return { title: cleanText(dialog.title), style: dialog.level, lines: [...text(cleanText(dialog.text)), [], [span('Esc', 'key'), span(' closes this', 'quiet')]] };
    case 'confirm': {
      const { plan, choice } = dialog;
      const verb = plan.signal === 'KILL' ? 'Kill' : 'Terminate';
      const facts = [plan.user === null ? null : `user ${cleanText(plan.user)}`, plan.memUsedBytes === null ? null : `holds ${formatGib(plan.memUsedBytes)} of GPU memory`].filter((f) => f !== null).join(', ');
      const name = cleanText(plan.command).split(' ')[0]?.split('/').at(-1) ?? '';
      return {
        title: `${verb} ${name} (${String(plan.pid)})?`, style: 'attention',
        lines: [
          ...text(cleanText(plan.command)), ...(facts === '' ? [] : text(`${facts.charAt(0).toUpperCase()}${facts.slice(1)}.`)),
          ...text(plan.signal === 'KILL' ? 'It is ended at once and cannot save anything.' : 'It is asked to end (SIGTERM) and may save its work first.'), [],
          [span(' Keep it ', choice === 'keep' ? 'selected' : 'ink'), span('   '), span(` ${verb} ${String(plan.pid)} `, choice === 'end' ? 'selected' : 'ink')],
          [span('← →', 'key'), span(' choose  ', 'quiet'), span('Enter', 'key'), span(' does it  ', 'quiet'), span('Esc', 'key'), span(' keeps it', 'quiet')],
        ],
      };
    }
  }
}

/** The open dialog as a box of lines, and where its top left corner stands; null when none is open or no box fits. */
export function renderDialog(state: WatchState): { readonly lines: readonly Line[]; readonly row: number; readonly column: number } | null {
  if (!state.dialog || state.columns < 24 || state.rows < 6) return null;
  const inner = Math.min(66, state.columns - 6);
  const { title, style, lines } = dialogLines(state.dialog, inner);
  const body = [...wrapText(title, inner).map((line): Line => [span(line, style)]), [], ...lines];
  const shown = body.length > state.rows - 2 ? body.slice(0, state.rows - 2) : body;
  const width = Math.max(...shown.map(lineWidth).map((w) => Math.min(w, inner)));
  const frame = (line: Line): Line => [span('│ ', 'quiet'), ...fitLine(line, width), span(' │', 'quiet')];
  const box = [[span(`┌${'─'.repeat(width + 2)}┐`, 'quiet')], ...shown.map(frame), [span(`└${'─'.repeat(width + 2)}┘`, 'quiet')]];
  return { lines: box, row: Math.max(0, Math.floor((state.rows - box.length) / 2)), column: Math.max(0, Math.floor((state.columns - width - 4) / 2)) };
}
