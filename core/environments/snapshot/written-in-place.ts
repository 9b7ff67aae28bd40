import { nameOf, parentOf, type TreePath } from './tree-path.ts';

/** RECORD of torch is 1.3 MB; nothing else of these kinds comes near. */
const MAX_COPIED = 4 << 20;
/** A program in `bin` is a script of some lines; what is larger is a binary, and those are replaced. */
const MAX_SCRIPT = 256 << 10;
const SCRIPT_FOLDERS = new Set(['bin', 'Scripts', 'scripts', 'etc/conda/activate.d', 'etc/conda/deactivate.d']);
const CONFIGURATION = new Set(['pyvenv.cfg', '.gitignore', 'easy-install.pth', 'distutils-precedence.pth']);

/**
 * Whether tools (or people) are known to write *into* such a file instead of replacing it. A hard link to it would
 * change with it, so a snapshot by hard links copies these. Byte-compiled files are not among them: Python writes them
 * beside and renames (`importlib._bootstrap_external._write_atomic`).
 */
export function isWrittenInPlace(path: TreePath, size: number): boolean {
  if (size > MAX_COPIED) return false;
  const name = nameOf(path);
  const folder = parentOf(path);
  if (CONFIGURATION.has(name) || name.endsWith('.pth') || name.endsWith('.egg-link')) return true;
  if (SCRIPT_FOLDERS.has(folder)) return size <= MAX_SCRIPT;
  return folder === 'conda-meta' || /(^|\/)[^/]+\.(dist-info|egg-info)(\/|$)/.test(folder);
}
