import type { Intent } from './intents.ts';

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const names: Readonly<Record<string, string>> = { Esc: 'Escape', Space: ' ' };

/** Whether a press is the printed shortcut: `Ctrl K`, `Alt 1`, `F1`. On a Mac, Cmd stands for Ctrl. Pure. */
export function matchesKeys(keys: string, press: KeyPress): boolean {
  const parts = keys.split(' ');
  const last = parts.at(-1) ?? '';
  const wanted = names[last] ?? last;
  const has = (modifier: string): boolean => parts.length > 1 && parts.slice(0, -1).includes(modifier);
  return (
    press.key.toLowerCase() === wanted.toLowerCase() &&
    has('Ctrl') === (press.ctrlKey || press.metaKey) &&
    has('Alt') === press.altKey &&
    // A shifted character (`?`) is itself the key; with a letter, Shift must be named.
    (wanted.length === 1 && !/[a-z0-9]/i.test(wanted) ? true : has('Shift') === press.shiftKey)
  );
}

/** Whether a press without modifiers belongs to the field in which it is typed. Pure. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** The intent of a press: the first whose keys match. */
export function findByKeys(intents: readonly Intent[], press: KeyPress, typing: boolean): Intent | null {
  const modified = press.ctrlKey || press.metaKey || press.altKey || /^F\d+$/.test(press.key);
  if (typing && !modified) return null;
  return intents.find((i) => i.keys !== undefined && matchesKeys(i.keys, press)) ?? null;
}
