export type Key = 'up' | 'down' | 'left' | 'right' | 'page-up' | 'page-down' | 'home' | 'end' | 'enter' | 'escape' | 'tab' | 'ctrl-c' | 'ctrl-l' | 'ctrl-z' | `char:${string}`;

const sequences: Readonly<Record<string, Key>> = {
  A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end', Z: 'tab', '5~': 'page-up', '6~': 'page-down', '1~': 'home', '4~': 'end', '7~': 'home', '8~': 'end',
};
const controls: Readonly<Record<string, Key>> = { '\r': 'enter', '\n': 'enter', '\t': 'tab', '\u0003': 'ctrl-c', '\u000c': 'ctrl-l', '\u001a': 'ctrl-z' };

/**
 * Keys in what a terminal in raw mode sent. `rest` is the beginning of a sequence whose end has not come yet
 * (it is prepended to the next input, or taken as Escape when none comes).
 */
export function parseKeys(text: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = [];
  let i = 0;
  while (i < text.length) {
    const character = String.fromCodePoint(text.codePointAt(i) ?? 0);
    if (character === '\u001b') {
      const tail = text.slice(i);
      if (tail === '\u001b' || /^\u001b(\[[\d;<>?]*|O)$/.test(tail)) return { keys, rest: tail };
      const found = /^\u001b(?:\[([\d;<>?]*[@-~])|O([A-Z]))/.exec(tail);
      if (found) {
        // Modifiers ("1;5A" is Ctrl+Up) are let go: the key counts.
        const key = sequences[(found[1] ?? found[2] ?? '').replace(/^1;\d+(?=[A-Z])/, '')];
        if (key) keys.push(key);
        i += found[0].length;
        continue;
      }
      keys.push('escape');
      i += 1;
      continue;
    }
    const control = controls[character];
    if (control) keys.push(control);
    else if (character >= ' ' && character !== '\u007f') keys.push(`char:${character}`);
    i += character.length;
  }
  return { keys, rest: '' };
}
