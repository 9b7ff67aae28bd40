export interface RegisteredPython {
  readonly company: string;
  readonly tag: string;
  readonly prefix: string;
}

const KEY = /^HKEY_[A-Z_]+\\(?:SOFTWARE|Software)\\(?:WOW6432Node\\)?Python\\([^\\]+)\\([^\\]+)\\InstallPath$/i;
const VALUE = /^\s{2,}(.+?)\s{2,}REG_(?:SZ|EXPAND_SZ)\s{2,}(.*)$/;
const MAX_LINES = 20_000;

/**
 * Installations in the output of `reg.exe query HKCU\Software\Python /s` (and HKLM). The name of a key's default
 * value is translated, `(Default)` or `(Standard)`: brackets are what it is known by.
 */
export function parseRegistryPythons(text: string): readonly RegisteredPython[] {
  const found = new Map<string, RegisteredPython>();
  let key: { company: string; tag: string } | null = null;
  let executable: string | null = null;
  let folder: string | null = null;
  const finish = (): void => {
    const prefix = (executable === null ? folder : executable.replace(/\\[^\\]+$/, ''))?.replace(/\\+$/, '') ?? '';
    // PyLauncher is the `py` command, no Python.
    if (key !== null && /^[A-Za-z]:\\./.test(prefix) && key.company !== 'PyLauncher') found.set(prefix.toLowerCase(), { ...key, prefix });
    key = null;
    executable = null;
    folder = null;
  };
  for (const line of text.split(/\r?\n/).slice(0, MAX_LINES)) {
    if (line.startsWith('HKEY_')) {
      finish();
      const match = KEY.exec(line.trim());
      if (match !== null) key = { company: match[1] ?? '', tag: match[2] ?? '' };
      continue;
    }
    const value = VALUE.exec(line);
    if (key === null || value === null) continue;
    const [, name = '', data = ''] = value;
    if (name === 'ExecutablePath') executable = data.trim();
    else if (name.startsWith('(') && name.endsWith(')')) folder = data.trim();
  }
  finish();
  return [...found.values()];
}
