import type { CommandWorkload, ToggleState } from '../../../contract/optimize.ts';
import type { ProgramDraft } from '../../stores/program-draft.ts';

export type SplitCommand = { readonly words: readonly string[]; readonly fault: null } | { readonly words: null; readonly fault: string };

const MOST_WORDS = 64;
const SHELL = /^(?:\|\|?|&&?|;|\d?>>?|<|2>&1)$/;

/**
 * A command line as words: quotes keep spaces, a backslash keeps a quote or a space (elsewhere it stands for itself, as in
 * Windows paths). No shell reads it, so what only a shell understands is named. Pure.
 */
export function splitCommand(text: string): SplitCommand {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const next = text.charAt(i + 1);
    if (char === '\\' && quote !== "'" && (next === '"' || next === "'" || next === ' ')) {
      word = (word ?? '') + next;
      i++;
    } else if (quote !== null) {
      if (char === quote) quote = null;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
    // An operator that stands alone was meant for a shell; within quotes it is a word like any other.
    if (quote === null && (i + 1 === text.length || /\s/.test(next)) && word !== null && SHELL.test(word) && text.charAt(i) !== '"' && text.charAt(i) !== "'") return { words: null, fault: `“${word}” needs a shell, and none is used: write sh -c '…' around the whole command.` };
  }
  if (quote !== null) return { words: null, fault: `A quotation mark (${quote}) is not closed.` };
  if (word !== null) words.push(word);
  if (words.length === 0 || words[0] === '') return { words: null, fault: 'Enter the program and its arguments.' };
  if (words.length > MOST_WORDS) return { words: null, fault: `At most ${String(MOST_WORDS)} words; put the rest into a script.` };
  return { words, fault: null };
}

/** What is wrong with a pattern before anything is looked for with it; null: nothing. Pure. */
export function decidePatternFault(pattern: string): string | null {
  if (pattern === '') return 'Enter a regular expression whose first group is the figure.';
  if (pattern.length > 500) return 'It is longer than 500 characters.';
  try {
    // Against the empty alternative it matches at once, and tells how many groups there are.
    const groups = (new RegExp(`${pattern}|`, 'm').exec('')?.length ?? 1) - 1;
    new RegExp(pattern, 'gm');
    return groups < 1 ? 'It has no group in parentheses that would be the figure.' : null;
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '').replace(/: /g, ', ') : 'it cannot be read';
    return `It is no regular expression: ${detail}.`;
  }
}

/** What is asked of the engine; null: it is not complete. Pure. */
export function toWorkload(draft: ProgramDraft): CommandWorkload | null {
  const { words } = splitCommand(draft.command);
  if (words === null || decidePatternFault(draft.pattern) !== null) return null;
  return { command: [...words], pattern: draft.pattern, higherIsBetter: draft.higherIsBetter, unit: draft.unit.trim(), folder: draft.folder.trim() === '' ? null : draft.folder.trim(), timeoutSeconds: draft.timeoutSeconds };
}

/** A command line that `splitCommand` makes these words of. Pure. */
export function joinCommand(words: readonly string[]): string {
  return words.map((word) => (word !== '' && !/[\s"'\\]/.test(word) && !SHELL.test(word) ? word : quoteWord(word))).join(' ');
}

/** A backslash stands for itself but before a quote or a space; within single quotes it always does. Pure. */
function quoteWord(word: string): string {
  return word.split("'").map((part) => (part === '' ? '' : `'${part}'`)).join('"\'"') || "''";
}

/** What was entered for a program that was measured. Pure. */
export function toDraft(program: CommandWorkload, before: ProgramDraft): ProgramDraft {
  const { command, pattern, higherIsBetter, unit, folder, timeoutSeconds } = program;
  return { command: joinCommand(command), pattern, higherIsBetter, unit, folder: folder ?? '', timeoutSeconds, budgetSeconds: before.budgetSeconds };
}

/** Whether the switch can be brought into a program from outside: neither the engine's nor the GPU's, and it exists here. Pure. */
export const takesProgram = ({ toggle, state }: Pick<ToggleState, 'toggle' | 'state'>): boolean => (toggle.means === 'code' || toggle.means === 'variable') && state !== 'unavailable';
