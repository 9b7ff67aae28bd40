/**
 * A path inside a tree, with `/` between the names; `''` is the tree itself. It holds the *bytes* of the names, one
 * character each (latin1), because names on disk need not be UTF-8 and a snapshot must bring every one of them back.
 */
export type TreePath = string;

/** The bytes that the file system is asked with. */
export function fullPath(root: string, path: TreePath): Buffer {
  return path === '' ? Buffer.from(root, 'utf8') : Buffer.concat([Buffer.from(`${root}/`, 'utf8'), Buffer.from(path, 'latin1')]);
}

/** From ordinary text. */
export function treePath(text: string): TreePath {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function joinTree(folder: TreePath, name: TreePath): TreePath {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The folder that holds it; `''` for what lies at the top. */
export function parentOf(path: TreePath): TreePath {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function nameOf(path: TreePath): TreePath {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** For people: as text, control characters and broken bytes replaced, cut at 200 characters. */
export function showPath(path: TreePath): string {
  const text = Buffer.from(path, 'latin1').toString('utf8').replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** Whether it stays inside the tree: relative, no empty, `.` or `..` part, no NUL. A manifest is read as hostile. */
export function isInsideTree(path: string): boolean {
  return path === '' || (!path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'));
}
