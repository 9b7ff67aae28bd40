import { basename, dirname, join, resolve } from 'node:path';
import type { TorchPin } from '../../../../contract/environments.ts';
import { decodeText, type BoundedReader } from '../bounded-reader.ts';
import { isWithin } from '../check-record.ts';
import { showText } from '../package-name.ts';
import { isExact, isForExtra, parseRequirement } from '../parse-requirement.ts';
import type { Distribution } from '../read-distributions.ts';
import { readRealPath } from '../read-real-path.ts';
import { parseEnvironmentFile, parsePinnedFile, parsePixiLock } from './parse-conda-pins.ts';
import { parseRequirementFile } from './parse-requirement-file.ts';
import { parseLockPins, parseTomlPins } from './parse-toml-pins.ts';
import type { PinLine } from './pinned-names.ts';

const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Lock files of large projects have several megabytes. */
const MAX_LOCK_BYTES = 32 * 1024 * 1024;
/** Requirement files of one project, includes counted. */
const MAX_FILES = 50;
const MAX_ENTRIES = 5000;
const MAX_PINS = 200;

type Source = TorchPin['source'];

/** Files of a project that have one place and one format. */
const FILES: readonly { name: string; source: Source; bytes: number; parse: (text: string) => PinLine[] }[] = [
  { name: 'pyproject.toml', source: 'pyproject', bytes: MAX_FILE_BYTES, parse: parseTomlPins },
  { name: 'uv.lock', source: 'uv.lock', bytes: MAX_LOCK_BYTES, parse: parseLockPins },
  { name: 'poetry.lock', source: 'poetry.lock', bytes: MAX_LOCK_BYTES, parse: parseLockPins },
  { name: 'pixi.toml', source: 'pixi', bytes: MAX_FILE_BYTES, parse: parseTomlPins },
  { name: 'pixi.lock', source: 'pixi', bytes: MAX_LOCK_BYTES, parse: parsePixiLock },
  { name: 'environment.yml', source: 'environment.yml', bytes: MAX_FILE_BYTES, parse: parseEnvironmentFile },
  { name: 'environment.yaml', source: 'environment.yml', bytes: MAX_FILE_BYTES, parse: parseEnvironmentFile },
];

/**
 * Every line that asks for a version of torch (or of what decides it) and would flip a changed torch back: in the
 * project's files, in conda's own list of pins, and in what installed packages require. Only files of the project are
 * read; a link or an include that leads out of it is not followed.
 */
export function readPins(reader: BoundedReader, input: { readonly projectFolder: string | null; readonly prefix: string; readonly distributions: readonly Distribution[] }): TorchPin[] {
  const pins: TorchPin[] = [];
  const project = input.projectFolder ?? decideProjectFolder(input.prefix);
  if (project !== null) pins.push(...readProjectPins(reader, project));
  const pinned = join(input.prefix, 'conda-meta', 'pinned');
  pins.push(...toPins(pinned, 'constraint', parsePinnedFile(reader.readText(pinned, MAX_FILE_BYTES) ?? '')));
  pins.push(...input.distributions.flatMap(findPackagePins));
  return pins.slice(0, MAX_PINS);
}

/** `PROJECT/.venv` stands in its project, also where nobody said so. */
export function decideProjectFolder(prefix: string): string | null {
  return ['.venv', 'venv', 'env', '.env'].includes(basename(prefix)) ? dirname(prefix) : null;
}

function readProjectPins(reader: BoundedReader, project: string): TorchPin[] {
  const root = readRealPath(project);
  if (root === null) return [];
  const inside = (path: string): boolean => {
    const real = readRealPath(path);
    return real !== null && isWithin(root, real);
  };
  const pins = FILES.flatMap((file) => {
    const path = join(project, file.name);
    if (!inside(path)) return [];
    const read = reader.read(path, file.bytes);
    return read.state === 'read' ? toPins(path, file.source, file.parse(decodeText(read.bytes))) : [];
  });

  const waiting: { path: string; source: Source }[] = [...listRequirementFiles(reader, project)];
  const seen = new Set<string>();
  for (let next = waiting.shift(); next !== undefined && seen.size < MAX_FILES; next = waiting.shift()) {
    const { path, source } = next;
    // A file that includes itself, or two that include each other, are read once.
    const real = readRealPath(path);
    if (real === null || seen.has(real) || !isWithin(root, real)) continue;
    seen.add(real);
    const text = reader.readText(path, MAX_FILE_BYTES);
    if (text === null) continue;
    const file = parseRequirementFile(text);
    pins.push(...toPins(path, source, file.pins));
    waiting.push(...file.includes.slice(0, MAX_FILES).map((include) => ({ path: resolve(dirname(path), include.path), source: include.kind })));
  }
  return pins;
}

/** `requirements*.txt`, `requirements/*.txt`, `constraints*.txt`, and their `.in` sources. */
function listRequirementFiles(reader: BoundedReader, project: string): { path: string; source: Source }[] {
  const files = (folder: string, name: RegExp): string[] => {
    const list = reader.list(folder, MAX_ENTRIES);
    return list.state !== 'read' ? [] : list.entries.map((entry) => entry.name).filter((entry) => name.test(entry)).sort().map((entry) => join(folder, entry));
  };
  const found = [...files(project, /^(?:requirements|constraints)[^/\\]*\.(?:txt|in)$/i), ...files(join(project, 'requirements'), /\.(?:txt|in)$/i)];
  return found.slice(0, MAX_FILES).map((path) => ({ path, source: /^constraints/i.test(basename(path)) ? 'constraint' : 'requirements' }));
}

/** Installed packages that accept one torch only. */
function findPackagePins(distribution: Distribution): TorchPin[] {
  return distribution.requires.flatMap((text): TorchPin[] => {
    const requirement = parseRequirement(text);
    if (requirement?.name !== 'torch' || !isExact(requirement) || isForExtra(requirement)) return [];
    return [{ file: join(distribution.path, distribution.kind === 'dist-info' ? 'METADATA' : 'PKG-INFO'), line: null, package: distribution.name, specifier: `torch${requirement.specifier}`, source: 'package' }];
  });
}

function toPins(file: string, source: Source, lines: readonly PinLine[]): TorchPin[] {
  return lines.map((pin) => ({ file, line: pin.line, package: pin.package, specifier: pin.specifier.length > 100 ? pin.specifier.slice(0, 300) : showText(pin.specifier), source }));
}
