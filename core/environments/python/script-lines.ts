import { pythonLine, type PythonLine } from '../../../contract/python.ts';

/** What one line of a script's standard output is. */
export type ScriptLine =
  | { readonly kind: 'message'; readonly message: PythonLine }
  /** Something that a library or a `.pth` file printed. */
  | { readonly kind: 'text'; readonly text: string }
  /** JSON with a `t` of ours that does not fit the contract. */
  | { readonly kind: 'misfit'; readonly text: string };

/** One line of output → what it is. Pure. */
export function parseScriptLine(line: string): ScriptLine {
  if (!line.startsWith('{')) return { kind: 'text', text: line };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: 'text', text: line };
  }
  const parsed = pythonLine.safeParse(value);
  if (parsed.success) return { kind: 'message', message: parsed.data };
  return typeof value === 'object' && value !== null && 't' in value ? { kind: 'misfit', text: line } : { kind: 'text', text: line };
}

export interface LineSplitter {
  push(chunk: string): void;
  /** What came after the last newline. */
  end(): void;
}

/**
 * Cuts a stream of text into lines of at most `limit` characters. A longer one is thrown away as it comes, so that
 * an endless line costs no memory, and its first characters are told.
 */
export function createLineSplitter(limit: number, onLine: (line: string) => void, onTooLong: (start: string) => void): LineSplitter {
  let parts: string[] = [];
  let length = 0;
  let dropping = false;
  const finish = (): void => {
    const line = parts.join('');
    parts = [];
    length = 0;
    if (!dropping && line !== '') onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    dropping = false;
  };
  const add = (piece: string): void => {
    if (dropping || piece === '') return;
    length += piece.length;
    parts.push(piece);
    if (length <= limit) return;
    dropping = true;
    onTooLong(parts.join('').slice(0, 200));
    parts = [];
  };
  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
        add(chunk.slice(from, at));
        finish();
        from = at + 1;
      }
      add(chunk.slice(from));
    },
    end: finish,
  };
}
