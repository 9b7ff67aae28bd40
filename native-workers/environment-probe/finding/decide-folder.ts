/** What a walk needs to know of an entry. */
export interface EntryFacts {
  readonly name: string;
  readonly folder: boolean;
  /** A link or a junction; where it leads is not known yet. */
  readonly link: boolean;
}

export interface FolderDecision {
  /** `sure`: it has an environment's own marks. `maybe`: it looks like an installation of Python. */
  readonly environment: 'sure' | 'maybe' | null;
  /** A project of a Python tool: its folder may own an environment elsewhere. */
  readonly project: boolean;
  readonly pixi: boolean;
  /** Names to go on with. */
  readonly children: readonly string[];
}

/** Folders in which no environment is looked for: stores of other tools, and Python's own innards. */
const SKIP = new Set([
  ...['node_modules', '__pycache__', 'site-packages', 'dist-packages', 'lost+found', 'overlay2', 'proc', 'sys', 'dev', 'bower_components', 'Trash'],
  ...['$RECYCLE.BIN', 'System Volume Information', 'Windows', 'WindowsApps', 'AppData', 'Library', 'snap'],
]);
/** Of the hidden folders, those that hold environments. All others have a locator of their own, or none belongs there. */
const HIDDEN = /^\.(venv|env|envs|virtualenv|direnv|conda|nox|tox|hatch)/;
const PROJECT = new Set(['pyproject.toml', 'Pipfile', 'poetry.lock', 'uv.lock', 'hatch.toml', 'setup.py']);
const PORTABLE = /^python\d+\._pth$/;
/** So many folders in one folder are data. */
export const MAX_CHILDREN = 1000;
/** Looked into also at the end of the depth: a project's environment belongs to it. */
const USUAL = new Set(['.venv', 'venv', 'env', '.env', 'python_embeded', 'python_embedded']);

/** What a folder is by the names in it. `last`: the walk does not go deeper, only to the usual names. */
export function decideFolder(entries: readonly EntryFacts[], last: boolean): FolderDecision {
  const names = new Set(entries.map((entry) => entry.name));
  const folder = (name: string): boolean => entries.some((entry) => entry.name === name && (entry.folder || entry.link));
  const pixi = folder('.pixi');
  const project = pixi || entries.some((entry) => PROJECT.has(entry.name));
  if (names.has('pyvenv.cfg') || folder('conda-meta') || entries.some((entry) => PORTABLE.test(entry.name))) {
    return { environment: 'sure', project: false, pixi: false, children: folder('envs') ? ['envs'] : [] };
  }
  const maybe = (folder('bin') && folder('lib')) || names.has('python.exe');
  const children = entries
    .filter((entry) => (entry.folder || entry.link) && !SKIP.has(entry.name) && (!entry.name.startsWith('.') || HIDDEN.test(entry.name)))
    .filter((entry) => !last || USUAL.has(entry.name))
    .map((entry) => entry.name);
  return { environment: maybe ? 'maybe' : null, project, pixi, children: children.slice(0, MAX_CHILDREN) };
}
