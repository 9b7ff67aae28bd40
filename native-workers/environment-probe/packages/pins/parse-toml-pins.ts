import { normaliseName } from '../package-name.ts';
import { hideCredentials, parseRequirement } from '../parse-requirement.ts';
import { parseTomlLines, type TomlLine } from './parse-toml-lines.ts';
import { isPinnedName, type PinLine } from './pinned-names.ts';

/** Arrays of PEP 508 requirements in pyproject.toml. */
const REQUIREMENT_LISTS = [/^project\.dependencies$/, /^project\.optional-dependencies\.[^.]+$/, /^dependency-groups\.[^.]+$/, /^tool\.uv\.(?:dev|constraint|override)-dependencies$/, /^tool\.pdm\.dev-dependencies\.[^.]+$/, /^tool\.pdm\.resolution\.overrides$/, /^tool\.hatch\.envs\.[^.]+\.(?:extra-)?dependencies$/];
/** Tables of `name = version` in pyproject.toml and pixi.toml. */
const VERSION_TABLES = [/^tool\.poetry\.(?:dev-)?dependencies$/, /^tool\.poetry\.group\.[^.]+\.dependencies$/, /^(?:tool\.pixi\.)?(?:(?:feature|target)\.[^.]+\.)*(?:pypi-|host-|build-)?dependencies$/];

/** pyproject.toml (PEP 621, dependency groups, poetry, uv, pdm, hatch, pixi) and pixi.toml. */
export function parseTomlPins(text: string): PinLine[] {
  const lines = parseTomlLines(text);
  const indexes = readIndexes(lines);
  return lines.flatMap((line) => {
    const pin = decidePin(line, indexes);
    return pin === null ? [] : [pin];
  });
}

function decidePin({ keys, value, line }: TomlLine, indexes: ReadonlyMap<string, string>): PinLine | null {
  const last = keys.at(-1) ?? '';
  const parent = keys.slice(0, -1).join('.');
  if (/^#\d+$/.test(last) && REQUIREMENT_LISTS.some((list) => list.test(parent))) {
    const requirement = parseRequirement(value);
    return requirement !== null && isPinnedName(requirement.name) && requirement.specifier !== '' ? { line, package: requirement.name, specifier: requirement.specifier } : null;
  }
  // [tool.uv.sources] torch = { index = "…" }, or a list of such with markers.
  const uv = keys[0] === 'tool' && keys[1] === 'uv' && keys[2] === 'sources' ? normaliseName(keys[3] ?? '') : null;
  if (uv !== null) {
    if (!isPinnedName(uv) || (last !== 'index' && last !== 'url' && last !== 'path' && last !== 'git')) return null;
    const address = last === 'index' ? indexes.get(value) : undefined;
    return { line, package: uv, specifier: hideCredentials(`from ${last} ${value}${address === undefined ? '' : ` (${address})`}`) };
  }
  // torch = "2.4.1", torch = { version = "2.4.1" }, [….dependencies.torch] version = "2.4.1".
  const simple = isPinnedName(normaliseName(last)) && VERSION_TABLES.some((table) => table.test(parent));
  const owner = normaliseName(keys.at(-2) ?? '');
  const detailed = last === 'version' && isPinnedName(owner) && VERSION_TABLES.some((table) => table.test(keys.slice(0, -2).join('.')));
  if ((!simple && !detailed) || value === '*' || value === '') return null;
  return { line, package: simple ? normaliseName(last) : owner, specifier: value };
}

/** Names of uv's indexes with their addresses. */
function readIndexes(lines: readonly TomlLine[]): Map<string, string> {
  const names = new Map<string, string>();
  const urls = new Map<string, string>();
  for (const { keys, value } of lines) {
    if (keys[0] !== 'tool' || keys[1] !== 'uv' || keys[2] !== 'index' || keys[3] === undefined) continue;
    if (keys[4] === 'name') names.set(keys[3], value);
    if (keys[4] === 'url') urls.set(keys[3], value);
  }
  return new Map([...names].flatMap(([place, name]) => (urls.has(place) ? [[name, urls.get(place) ?? ''] as const] : [])));
}

/**
 * `[[package]]` tables of uv.lock and poetry.lock. These files are written by machines, one key a line, and have
 * megabytes: they are read by their lines.
 */
export function parseLockPins(text: string): PinLine[] {
  const pins: PinLine[] = [];
  let name: string | null = null;
  let inPackage = false;
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    if (raw.startsWith('[')) {
      inPackage = raw.startsWith('[[package]]');
      if (inPackage) name = null;
      continue;
    }
    if (!inPackage) continue;
    const match = /^(name|version)\s*=\s*"([^"]{1,200})"/.exec(raw);
    if (match?.[1] === 'name') name = normaliseName(match[2] ?? '');
    if (match?.[1] === 'version' && name !== null && isPinnedName(name)) pins.push({ line, package: name, specifier: `==${match[2] ?? ''}` });
  }
  return pins;
}
