import { parseCapability } from '../verdict/architecture-rules.ts';

/** What of the table of GPUs names stand on. */
interface NameTable {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly boards: Readonly<Record<string, readonly string[]>>;
  readonly ambiguous: Readonly<Record<string, readonly string[]>>;
}

/** Longest name that is looked at; drivers' names have up to 96 characters. */
export const longestName = 120;
const makers = /\b(nvidia|geforce|corporation|tesla|graphics|gpu|generation|edition|workstation|server|developer|kit|nvgpu|integrated|with|design)\b/g;
const variants = /\b(max q|laptop|mobile|notebook|pcie|sxm\d*|hbm\d*e?|ac|\d+ ?gb)\b/g;

/** `NVIDIA GeForce RTX 5070 Ti Laptop GPU` → `rtx5070ti`: what is left when maker, form and memory are taken away. */
export function keyOfName(text: string): string {
  const plain = text.toLowerCase().replace(/\bmig\b.*/, '').replace(/[^a-z0-9.]+/g, ' ').replace(makers, ' ').replace(/ +/g, ' ');
  return plain.replace(variants, ' ').replace(/[ .]+/g, '');
}

interface Board { readonly name: string; readonly capability: string }
interface NameIndex { readonly boards: ReadonlyMap<string, Board>; readonly ambiguous: ReadonlyMap<string, readonly string[]> }
const indexes = new WeakMap<NameTable, NameIndex>();

export function indexNames(table: NameTable): NameIndex {
  const before = indexes.get(table);
  if (before !== undefined) return before;
  const boards = new Map<string, Board>();
  for (const [capability, names] of Object.entries(table.boards)) for (const name of names) boards.set(keyOfName(name), { name, capability });
  const index = { boards, ambiguous: new Map(Object.entries(table.ambiguous).map(([name, meant]) => [keyOfName(name), meant])) };
  indexes.set(table, index);
  return index;
}

/** The capability that a text names, if there is a GPU of it. */
export function capabilityOfName(text: string, table: NameTable): string | null {
  const arch = /^(?:sm|compute)[_ ]?(\d{1,2})(\d)[af]?$/i.exec(text);
  const plain = arch === null ? /^(?:cc ?)?(\d{1,2}\.\d)[af]?$/i.exec(text)?.[1] : `${arch[1]}.${arch[2]}`;
  const parsed = plain === undefined ? null : parseCapability(plain);
  if (parsed === null) return null;
  const capability = `${parsed.major}.${parsed.minor}`;
  return capability in table.capabilities ? capability : null;
}

/** The board of a key; families' names that are also written without it (`Quadro T1000`, `Jetson AGX Orin`) come second. */
export function boardOf(key: string, table: NameTable): Board | null {
  const { boards } = indexNames(table), short = key.replace(/^(quadro|jetson)/, '');
  const series = /^\d{3,4}[a-z]*$/.test(short) ? [`rtx${short}`, `gtx${short}`] : [];
  for (const name of [key, short, ...series]) {
    const board = boards.get(name);
    if (board !== undefined) return board;
  }
  return null;
}

export const listNames = (names: readonly string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`);

export function nearNames(key: string, given: string, table: NameTable): string {
  const asNumber = /^(?:sm|compute)?[_ ]?(\d{1,2})\.?(\d)[af]?$/i.exec(given);
  const capability = asNumber === null ? null : `${asNumber[1]}.${asNumber[2]}`;
  const also = 'A compute capability such as 12.0 and an architecture such as sm_120 are understood too.';
  if (capability !== null && capability in table.capabilities) return `Did you mean ${capability} (sm_${capability.replace('.', '')})? ${also}`;
  const near = key === '' || key.length > 40 ? [] : [...indexNames(table).boards].map(([k, b]) => ({ name: b.name, distance: nameDistance(key, k) }))
    .filter((n) => n.distance <= Math.max(2, key.length / 3)).sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name)).slice(0, 3).map((n) => n.name);
  if (near.length > 0) return `Did you mean ${listNames(near)}? ${also}`;
  return `Name it as its maker does, as in "RTX 5090". ${also}`;
}

/** What is longer or shorter by a word (`RTX 5090 Ti`) is nearer than what has other digits. */
function nameDistance(key: string, board: string): number {
  const plain = Math.min(editDistance(key, board), editDistance(`rtx${key}`, board) + 0.5);
  return key.length > 3 && (board.startsWith(key) || key.startsWith(board)) ? Math.min(plain, 0.5) : plain;
}

/** Levenshtein's. Both texts are short. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
