import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { BoundedReader } from './bounded-reader.ts';
import { parseVersionFile, type VersionFile } from './parse-version-file.ts';

const MAX_VERSION_FILE_BYTES = 64 * 1024;

/** What `import NAME` could find in one folder of sys.path. */
export interface ModulePlace {
  /** The folder of sys.path, and its place in the order. */
  readonly folder: string;
  readonly order: number;
  /** `NAME/` with `__init__.py`; `NAME.py`; or `NAME/` without `__init__.py`, which a later real package overrules. */
  readonly form: 'package' | 'file' | 'bare';
  readonly path: string;
}

/** A `torch` folder that is PyTorch, whole or damaged. */
export interface TorchPlace extends ModulePlace {
  readonly versionFile: VersionFile | null;
}

/** Every place of sys.path that holds the module, in the order in which Python looks. Within a folder a package wins. */
export function findModule(folders: readonly string[], name: string): ModulePlace[] {
  return folders.flatMap((folder, order) => {
    const found: ModulePlace[] = [];
    const path = join(folder, name);
    if (isThere(join(path, '__init__.py'), 'file')) found.push({ folder, order, form: 'package', path });
    else {
      if (isThere(`${path}.py`, 'file')) found.push({ folder, order, form: 'file', path: `${path}.py` });
      if (isThere(path, 'folder')) found.push({ folder, order, form: 'bare', path });
    }
    return found;
  });
}

/** The one that Python imports: the first that is no bare folder. Bare folders count only when nothing else is there. */
export function decideImported<T extends ModulePlace>(places: readonly T[]): T | null {
  return places.find((place) => place.form !== 'bare') ?? places[0] ?? null;
}

/** A place that is PyTorch: it has a version.py with a version, or its compiled part. Null when it only has the name. */
export function readTorchPlace(reader: BoundedReader, place: ModulePlace): TorchPlace | null {
  if (place.form === 'file') return null;
  const text = reader.readText(join(place.path, 'version.py'), MAX_VERSION_FILE_BYTES);
  const versionFile = text === null ? null : parseVersionFile(text);
  if (versionFile !== null && versionFile.version !== null) return { ...place, versionFile };
  const compiled = ['lib/libtorch.so', 'lib/libtorch_cpu.so', 'lib/libtorch_python.so', 'lib/torch_cpu.dll', 'lib/libtorch_cpu.dylib'];
  return compiled.some((file) => isThere(join(place.path, file), 'file')) ? { ...place, versionFile } : null;
}

export function isThere(path: string, what: 'file' | 'folder'): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat !== undefined && (what === 'file' ? stat.isFile() : stat.isDirectory());
  } catch {
    return false;
  }
}
