/** What a generated `version.py` assigns. Read as text: nothing of it is run. */
export interface VersionFile {
  /** With the local label. */
  readonly version: string | null;
  readonly cuda: string | null;
  readonly hip: string | null;
  readonly xpu: string | null;
  readonly gitVersion: string | null;
  /** It says what it was built with, if only `None`: without such a line a build cannot be called a CPU build. */
  readonly namesCuda: boolean;
}

/** Top-level `name = 'text'` and `name: Optional[str] = None`; the last one counts, as it would in Python. */
export function parseVersionFile(text: string): VersionFile {
  const values = new Map<string, string | null>();
  for (const line of text.split(/\r\n|\n|\r/).slice(0, 2000)) {
    const match = /^(\w{1,40})(?:\s*:[^=]{0,80})?\s*=\s*(?:(['"])([^'"\\]{0,200})\2|(None))\s*(?:#.*)?$/.exec(line.slice(0, 500));
    if (match?.[1] !== undefined) values.set(match[1], match[4] === undefined ? (match[3] ?? null) : null);
  }
  const value = (name: string): string | null => values.get(name) ?? null;
  return { version: value('__version__'), cuda: value('cuda'), hip: value('hip'), xpu: value('xpu'), gitVersion: value('git_version'), namesCuda: values.has('cuda') };
}

export type BuildKind = 'cuda' | 'rocm' | 'xpu' | 'cpu' | 'unknown';

/**
 * What torch was built for. Only version.py is evidence: CPU wheels for Windows and aarch64 list the same nvidia
 * packages in METADATA as CUDA ones.
 */
export function decideBuildKind(file: VersionFile | null): BuildKind {
  if (file === null) return 'unknown';
  if (file.cuda !== null) return 'cuda';
  if (file.hip !== null) return 'rocm';
  if (file.xpu !== null) return 'xpu';
  return file.namesCuda ? 'cpu' : 'unknown';
}
