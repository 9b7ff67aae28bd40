/** One plain value of a TOML file with the keys that lead to it; `#0`, `#1` are places in an array. */
export interface TomlLine {
  readonly keys: readonly string[];
  /** Text of a string; anything else as written. */
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

const MAX_VALUES = 100_000;
const MAX_DEPTH = 16;
const MAX_KEYS = 32;

/**
 * Walks a TOML file by its lines: every value with its keys and its line number, which parsers do not keep. It is
 * lenient, for it only looks: what does not fit is skipped to the end of its line.
 */
export function parseTomlLines(text: string): TomlLine[] {
  const found: TomlLine[] = [];
  const arrays = new Map<string, number>();
  let at = 0;
  let line = 1;
  let table: readonly string[] = [];

  const newline = (): void => {
    line++;
    at++;
  };
  const skipSpace = (alsoLines: boolean): void => {
    while (at < text.length) {
      const c = text[at];
      if (c === ' ' || c === '\t' || c === '\r') at++;
      else if (c === '#') while (at < text.length && text[at] !== '\n') at++;
      else if (c === '\n' && alsoLines) newline();
      else return;
    }
  };
  const skipLine = (): void => {
    while (at < text.length && text[at] !== '\n') at++;
  };

  const readString = (): string | null => {
    const quote = text[at];
    if (quote !== '"' && quote !== "'") return null;
    const long = text.startsWith(quote.repeat(3), at);
    const close = long ? quote.repeat(3) : quote;
    at += close.length;
    let value = '';
    while (at < text.length && !text.startsWith(close, at)) {
      const c = text[at] ?? '';
      if (c === '\n') {
        if (!long) return null;
        newline();
        value += c;
      } else if (c === '\\' && quote === '"') {
        value += unescape(text[at + 1] ?? '');
        if (text[at + 1] === '\n') line++;
        at += 2;
      } else {
        value += c;
        at++;
      }
    }
    if (at >= text.length) return null;
    at += close.length;
    return value;
  };

  const readKeys = (): string[] | null => {
    const keys: string[] = [];
    while (keys.length < MAX_KEYS) {
      skipSpace(false);
      const quoted = readString();
      const bare = quoted === null ? (/^[A-Za-z0-9_-]{1,200}/.exec(text.slice(at, at + 200))?.[0] ?? null) : null;
      if (quoted === null && bare === null) return null;
      if (bare !== null) at += bare.length;
      keys.push(quoted ?? bare ?? '');
      skipSpace(false);
      if (text[at] !== '.') return keys;
      at++;
    }
    return null;
  };

  /** False when it could not be understood. */
  const readValue = (keys: readonly string[], depth: number): boolean => {
    if (depth > MAX_DEPTH || found.length >= MAX_VALUES) return false;
    const begins = line;
    if (text[at] === '[') {
      at++;
      for (let index = 0; ; index++) {
        skipSpace(true);
        if (text[at] === ']') break;
        if (!readValue([...keys, `#${index}`], depth + 1)) return false;
        skipSpace(true);
        if (text[at] === ',') at++;
        else if (text[at] !== ']') return false;
      }
      at++;
      return true;
    }
    if (text[at] === '{') {
      at++;
      for (;;) {
        skipSpace(true);
        if (text[at] === '}') break;
        const inner = readKeys();
        if (inner === null || text[at] !== '=') return false;
        at++;
        skipSpace(false);
        if (!readValue([...keys, ...inner], depth + 1)) return false;
        skipSpace(true);
        if (text[at] === ',') at++;
        else if (text[at] !== '}') return false;
      }
      at++;
      return true;
    }
    if (text[at] === '"' || text[at] === "'") {
      const value = readString();
      if (value === null) return false;
      found.push({ keys, value, line: begins });
      return true;
    }
    const bare = /^[^\s,\]}#]{1,200}/.exec(text.slice(at, at + 200))?.[0];
    if (bare === undefined) return false;
    at += bare.length;
    found.push({ keys, value: bare, line: begins });
    return true;
  };

  while (at < text.length && found.length < MAX_VALUES) {
    skipSpace(true);
    if (at >= text.length) break;
    if (text[at] === '[') {
      const several = text[at + 1] === '[';
      at += several ? 2 : 1;
      const keys = readKeys();
      if (keys !== null && several) {
        const index = (arrays.get(keys.join('\0')) ?? -1) + 1;
        arrays.set(keys.join('\0'), index);
        table = [...keys, `#${index}`];
      } else if (keys !== null) table = keys;
      skipLine();
      continue;
    }
    const keys = readKeys();
    if (keys !== null && text[at] === '=') {
      at++;
      skipSpace(false);
      readValue([...table, ...keys], 0);
    }
    skipLine();
  }
  return found;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };
const unescape = (c: string): string => ESCAPES[c] ?? c;
