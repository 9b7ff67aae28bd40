/** Requirements kept of one package; the largest known (all extras of a meta-package) have some hundreds. */
const MAX_REQUIREMENTS = 2000;
const MAX_LINE = 20_000;

export interface PackageMetadata {
  readonly name: string | null;
  readonly version: string | null;
  /** Values of `Requires-Dist`, each on one line. */
  readonly requires: readonly string[];
}

/** The header part of METADATA or PKG-INFO (like RFC 822): what follows the first empty line is description. */
export function parseMetadata(text: string): PackageMetadata {
  let name: string | null = null;
  let version: string | null = null;
  const requires: string[] = [];
  for (const [key, value] of headers(text)) {
    if (key === 'name') name ??= value;
    else if (key === 'version') version ??= value;
    else if (key === 'requires-dist' && requires.length < MAX_REQUIREMENTS) requires.push(value);
  }
  return { name, version, requires };
}

/** Where the headers end, or -1 when they go on: a reader that has only the beginning asks this. */
export function findHeaderEnd(text: string): number {
  const match = /\r?\n\r?\n/.exec(text);
  return match === null ? -1 : match.index;
}

/** `Tag:` lines of WHEEL, joined; null without one. */
export function parseWheelTag(text: string): string | null {
  const tags = [...headers(text)].filter(([key]) => key === 'tag').map(([, value]) => value);
  return tags.length === 0 ? null : tags.slice(0, 20).join(' ');
}

function* headers(text: string): Generator<[key: string, value: string]> {
  let open: [string, string] | null = null;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    if (raw === '') break;
    const line = raw.slice(0, MAX_LINE);
    if (/^[ \t]/.test(line)) {
      if (open !== null && open[1].length < MAX_LINE) open[1] += ` ${line.trim()}`;
      continue;
    }
    if (open !== null) yield open;
    const colon = line.indexOf(':');
    open = colon > 0 ? [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] : null;
  }
  if (open !== null) yield open;
}
