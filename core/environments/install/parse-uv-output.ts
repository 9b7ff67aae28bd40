import { normaliseName } from './parse-wheel-name.ts';

const CHANGE = /^ ([+~-]) ([A-Za-z0-9._-]{1,200})==([A-Za-z0-9.!+_-]{1,100})(?: \(from ([^)]*)\))?\s*$/;

/** The ` + name==version` lines of `uv pip install --dry-run`: what comes. */
export function parseUvPlan(output: string): { readonly name: string; readonly version: string }[] {
  const found: { name: string; version: string }[] = [];
  for (const line of output.split(/\r?\n/)) {
    const match = CHANGE.exec(line);
    if (match?.[2] !== undefined && match[3] !== undefined && match[1] !== '-') found.push({ name: normaliseName(match[2]), version: match[3] });
  }
  return found;
}

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly url: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
}

/** Packages of a `pylock.toml` (PEP 751) as uv writes it: one table each, wheels in inline tables. */
export function parsePylock(text: string): LockedPackage[] {
  return text.split(/^\[\[packages\]\]\s*$/m).slice(1, 5001).flatMap((part) => {
    const name = /^name = "([^"]{1,200})"/m.exec(part)?.[1];
    const version = /^version = "([^"]{1,100})"/m.exec(part)?.[1];
    if (name === undefined || version === undefined) return [];
    const wheel = /\{[^{}]*\burl = "([^"]{1,8192})"[^{}]*(?:\{[^{}]*\}[^{}]*)?\}/.exec(part)?.[0] ?? '';
    const bytes = /\bsize = (\d{1,15})\b/.exec(wheel)?.[1];
    return [{ name: normaliseName(name), version, url: /\burl = "([^"]*)"/.exec(wheel)?.[1] ?? null, bytes: bytes === undefined ? null : Number(bytes), sha256: /\bsha256 = "([0-9a-f]{64})"/.exec(wheel)?.[1] ?? null }];
  });
}

/** Who asks for what, from the comments of `uv pip compile`: name → the packages that need it. */
export function parseUvAnnotations(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] | null = null;
  for (const line of text.split(/\r?\n/)) {
    const name = /^([A-Za-z0-9._-]+)==/.exec(line)?.[1];
    if (name !== undefined) {
      current = [];
      found.set(normaliseName(name), current);
      continue;
    }
    const via = /^\s+#\s+(?:via\s*)?(.*)$/.exec(line)?.[1]?.trim();
    if (via !== undefined && via !== '' && !/^-[rc] |^\(/.test(via)) current?.push(via.split(' ')[0] ?? via);
  }
  return found;
}
