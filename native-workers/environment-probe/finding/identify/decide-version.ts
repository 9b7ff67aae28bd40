/** All that says which Python it is. Each may be wrong or missing. */
export interface VersionEvidence {
  /** From the interpreter to its file: `bin/python`, `/usr/bin/python3.12`. */
  readonly chain: readonly string[];
  /** pyvenv.cfg. */
  readonly configVersion: string | null;
  /** `3.12.4`, of a conda-meta record of the package python. */
  readonly condaVersion: string | null;
  /** PY_VERSION of a patchlevel.h of the base. */
  readonly headerVersion: string | null;
  /** PYPY_VERSION of the same file. */
  readonly pypyVersion: string | null;
  /** `3.12`, `3.13t`: library folders, newest first. */
  readonly libraryMinors: readonly string[];
  readonly pypyLibrary: boolean;
  /** A folder named after the version: `3.12.4`, `cpython-3.12.4-linux-x86_64-gnu`, `pypy3.10-7.3.12`. */
  readonly folderName: string;
  /** `311` of `python311._pth` or `python311.dll`, where there is one. */
  readonly windowsDigits: string | null;
}

export interface DecidedVersion {
  readonly version: string | null;
  /** `3.12`; null: unknown. */
  readonly minor: string | null;
  readonly implementation: 'cpython' | 'pypy' | null;
  readonly freeThreaded: boolean;
  readonly abi: string | null;
  /** `3.13t`: as library folders are named. */
  readonly libraryName: string | null;
}

const FROM_PROGRAM = /(python|pypy)(\d\.\d+)(t?)(?:\.exe)?$/;

/** Which Python it is. The interpreter's own name goes first: it decides which library folder is looked in. */
export function decideVersion(evidence: VersionEvidence): DecidedVersion {
  const named = evidence.chain.map((path) => FROM_PROGRAM.exec(path)).findLast((match) => match !== null) ?? null;
  const folder = /(?:^|[-/\\])(?:cpython-|python-)?(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)(\+freethreaded|t(?=$|-))?/.exec(evidence.folderName);
  const pypyFolder = /^pypy(\d\.\d+)-v?(\d+\.\d+\.\d+)/.exec(evidence.folderName);
  const digits = /^(\d)(\d+)$/.exec(evidence.windowsDigits ?? '');
  const fulls = [evidence.condaVersion, evidence.headerVersion, evidence.configVersion, pypyFolder === null ? folder?.[1] ?? null : null].filter((version) => version !== null);
  const library = evidence.libraryMinors[0] ?? null;
  const minor = named?.[2] ?? (digits === null ? null : `${digits[1] ?? ''}.${digits[2] ?? ''}`) ?? minorOf(evidence.headerVersion) ?? minorOf(evidence.configVersion) ?? minorOf(evidence.condaVersion) ?? library?.replace('t', '') ?? minorOf(fulls[0] ?? null) ?? pypyFolder?.[1] ?? null;
  const pypy = evidence.pypyLibrary || evidence.pypyVersion !== null || pypyFolder !== null || named?.[1] === 'pypy';
  // Only `3.13t` beside no `3.13` means free-threaded where the interpreter's name is a bare `python3`.
  const sameMinor = evidence.libraryMinors.filter((one) => one.replace('t', '') === minor);
  const freeThreaded = !pypy && minor !== null && (named?.[3] === 't' || folder?.[2] !== undefined || (sameMinor.length > 0 && sameMinor.every((one) => one.endsWith('t'))));
  const version = minor === null ? (fulls[0] ?? null) : (fulls.find((full) => minorOf(full) === minor) ?? minor);
  const known = named !== null || pypy || minor !== null;
  return {
    version, minor, freeThreaded,
    implementation: pypy ? 'pypy' : known ? 'cpython' : null,
    abi: minor === null ? null : pypy ? pypyAbi(minor, evidence.pypyVersion ?? pypyFolder?.[2] ?? null) : `cp${minor.replace('.', '')}${freeThreaded ? 't' : ''}`,
    libraryName: minor === null ? null : `${minor}${freeThreaded ? 't' : ''}`,
  };
}

/** `3.12` of `3.12.4rc1`. */
export function minorOf(version: string | null): string | null {
  return /^\d+\.\d+/.exec(version ?? '')?.[0] ?? null;
}

/** As in wheel names: `pypy310_pp73`. */
function pypyAbi(minor: string, version: string | null): string | null {
  const [major, patch] = (version ?? '').split('.');
  return major === undefined || patch === undefined ? null : `pypy${minor.replace('.', '')}_pp${major}${patch}`;
}

/** PY_VERSION and PYPY_VERSION of a patchlevel.h. */
export function parsePatchlevel(text: string): { readonly version: string | null; readonly pypyVersion: string | null } {
  return {
    version: /^#\s*define\s+PY_VERSION\s+"(\d+\.\d+[^"+]{0,20})\+?"/m.exec(text)?.[1] ?? null,
    pypyVersion: /^#\s*define\s+PYPY_VERSION\s+"(\d+\.\d+[^"]{0,20})"/m.exec(text)?.[1] ?? null,
  };
}
