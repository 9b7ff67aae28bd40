import { normaliseName } from '../package-name.ts';
import { parseRequirement } from '../parse-requirement.ts';
import { isPinnedName, type PinLine } from './pinned-names.ts';

/** `dependencies:` of environment.yml, with the list below `- pip:`. By lines: it is YAML of the plainest kind. */
export function parseEnvironmentFile(text: string): PinLine[] {
  const pins: PinLine[] = [];
  let within = false;
  let pipIndent: number | null = null;
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    const content = raw.slice(0, 2000).replace(/\s#.*$/, '').trimEnd();
    if (/^[A-Za-z]/.test(content)) {
      within = /^dependencies\s*:/.test(content);
      pipIndent = null;
      continue;
    }
    const item = within ? /^(\s*)-\s+(.*)$/.exec(content) : null;
    if (item?.[1] === undefined || item[2] === undefined) continue;
    const indent = item[1].length;
    if (/^pip\s*:$/.test(item[2])) {
      pipIndent = indent;
      continue;
    }
    if (pipIndent !== null && indent <= pipIndent) pipIndent = null;
    const value = item[2].replace(/^(["'])(.*)\1$/, '$2');
    const pin = pipIndent === null ? parseCondaSpec(value) : parseRequirement(value);
    if (pin !== null && isPinnedName(pin.name) && pin.specifier !== '') pins.push({ line, package: pin.name, specifier: pin.specifier });
  }
  return pins;
}

/** conda-meta/pinned: one match specification a line. */
export function parsePinnedFile(text: string): PinLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const spec = parseCondaSpec(raw.slice(0, 2000).replace(/#.*$/, '').trim());
    return spec !== null && isPinnedName(spec.name) && spec.specifier !== '' ? [{ line: index + 1, package: spec.name, specifier: spec.specifier }] : [];
  });
}

/** `pytorch=2.4.1=py3.11_cuda12.1*`, `pytorch::pytorch >=2.4`, `pytorch 2.4.*`; the channel is left out. */
export function parseCondaSpec(text: string): { name: string; specifier: string } | null {
  const match = /^(?:[^\s:]+::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(.*)$/.exec(text);
  if (match?.[1] === undefined) return null;
  const rest = (match[2] ?? '').trim();
  if (rest !== '' && !/^[=<>!~[\d*]/.test(rest)) return null;
  return { name: normaliseName(match[1]), specifier: rest === '*' ? '' : rest };
}

/** pixi.lock: `- conda: URL` and `- pypi: URL` entries of its package list, name and version from the file's name. */
export function parsePixiLock(text: string): PinLine[] {
  const pins: PinLine[] = [];
  const seen = new Set<string>();
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    const url = /^\s*-\s+(?:conda|pypi):\s+(\S{1,1000})$/.exec(raw.slice(0, 1200).trimEnd())?.[1];
    if (url === undefined) continue;
    const file = decodeFileName(url);
    const match = /^(.+)-([^-]+)-[^-]+\.(?:conda|tar\.bz2)$/.exec(file) ?? /^([A-Za-z0-9_.]+)-([^-]+)-.*\.whl$/.exec(file);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const name = normaliseName(match[1]);
    // Each stands in the list of its environments and in the list of packages.
    if (!isPinnedName(name) || seen.has(file)) continue;
    seen.add(file);
    pins.push({ line, package: name, specifier: `==${match[2]}` });
  }
  return pins;
}

function decodeFileName(url: string): string {
  const file = url.replace(/[?#].*$/, '').split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(file);
  } catch {
    return file;
  }
}
