/** What a pyvenv.cfg says. */
export interface PyvenvConfig {
  /** Folder of the base interpreter. */
  readonly home: string | null;
  /** As `3.12.4`. */
  readonly version: string | null;
  readonly includesSystem: boolean;
  readonly prompt: string | null;
  /** sys.base_prefix, which virtualenv writes. */
  readonly basePrefix: string | null;
  readonly madeBy: 'uv' | 'virtualenv' | 'venv';
}

/**
 * Reads it as Python does: UTF-8, `key = value` lines, keys without case, later lines win.
 * @returns the trouble in words instead, when Python could not start with this file
 */
export function parsePyvenvConfig(bytes: Uint8Array): PyvenvConfig | { readonly trouble: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { trouble: 'it is not UTF-8 text, and Python stops at it.' };
  }
  if (text.includes('\0')) return { trouble: 'it holds zero bytes: the file is damaged.' };
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
  const home = values.get('home') ?? null;
  if (home === null || home === '') return { trouble: values.size === 0 ? 'it is empty.' : 'it has no "home" line, so Python does not take this for an environment.' };
  const version = /^\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?/.exec(values.get('version') ?? values.get('version_info') ?? '')?.[0] ?? null;
  const prompt = values.get('prompt')?.replace(/^(["'])(.*)\1$/, '$2') ?? '';
  return {
    home, version,
    includesSystem: values.get('include-system-site-packages')?.toLowerCase() === 'true',
    prompt: prompt === '' ? null : prompt.slice(0, 200),
    basePrefix: values.get('base-prefix') ?? null,
    madeBy: values.has('uv') ? 'uv' : values.has('virtualenv') ? 'virtualenv' : 'venv',
  };
}
