/** Where a member of the outermost object of a JSON text stands. */
interface Member {
  readonly key: string;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * Adds variables to the `env` object of a kernel.json; every other byte stays. What is set there already stays too.
 * Null: it is no JSON object, or its `env` is none. Pure.
 */
export function editKernelEnv(text: string, variables: Readonly<Record<string, string>>): { readonly text: string; readonly added: readonly string[]; readonly kept: readonly string[] } | null {
  const whole = parseObject(text);
  if (whole === null) return null;
  const env = whole['env'];
  if (env !== undefined && !isObject(env)) return null;
  const kept = Object.keys(variables).filter((name) => env !== undefined && Object.hasOwn(env, name));
  const added = Object.keys(variables).filter((name) => !kept.includes(name));
  if (added.length === 0) return { text, added, kept };
  const lines = added.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(variables[name])}`);
  const outer = readMembers(text, text.indexOf('{'));
  // A key may stand twice: the last one is what a reader takes.
  const there = outer.members.findLast((one) => one.key === 'env');
  const insert = (at: number, piece: string): string => text.slice(0, at) + piece + text.slice(at);
  if (there === undefined) return { text: insert(outer.contentEnd, `${outer.members.length === 0 ? '' : ', '}"env": {${lines.join(', ')}}`), added, kept };
  const inner = readMembers(text, there.valueStart);
  return { text: insert(inner.contentEnd, `${inner.members.length === 0 ? '' : ', '}${lines.join(', ')}`), added, kept };
}

/** The first word of a kernel's command, as a kernel.json gives it; null: none. Pure. */
export function parseKernelProgram(text: string): string | null {
  const argv = parseObject(text)?.['argv'];
  const first: unknown = Array.isArray(argv) ? argv[0] : null;
  return typeof first === 'string' && first !== '' ? first : null;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Of valid JSON: the members of the object that begins at `start`. `contentEnd`: behind its last value, or its brace. */
function readMembers(text: string, start: number): { readonly members: readonly Member[]; readonly contentEnd: number } {
  const members: Member[] = [];
  let at = skipSpace(text, start + 1);
  let contentEnd = start + 1;
  while (text[at] === '"') {
    const keyEnd = endOfText(text, at);
    const key = String(JSON.parse(text.slice(at, keyEnd)));
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    members.push({ key, valueStart, valueEnd });
    contentEnd = valueEnd;
    at = skipSpace(text, valueEnd);
    if (text[at] !== ',') break;
    at = skipSpace(text, at + 1);
  }
  return { members, contentEnd };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \t\r\n'.includes(text[at] ?? 'x')) at += 1;
  return at;
}

function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfText(text, from);
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const one = text[at] ?? '';
    if (one === '"') {
      at = endOfText(text, at);
      continue;
    }
    if (one === '{' || one === '[') depth += 1;
    if (one === '}' || one === ']') {
      if (depth === 0) return trimBack(text, at);
      depth -= 1;
      if (depth === 0) return at + 1;
    }
    if (one === ',' && depth === 0) return trimBack(text, at);
    at += 1;
  }
  return at;
}

function trimBack(text: string, end: number): number {
  let at = end;
  while (' \t\r\n'.includes(text[at - 1] ?? 'x')) at -= 1;
  return at;
}
